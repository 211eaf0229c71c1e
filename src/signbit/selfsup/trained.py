"""The backbone of a trained run, supervised or not, as evaluation and deployment take it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from torch import nn

from signbit.selfsup.backbone import Backbone, build_backbone
from signbit.training.networks import make_method
from signbit.training.run import Run, load_run
from signbit.training.state import load_state, state_digest

__all__ = ["backbone_digest", "backbone_of", "load_backbone_run"]


def load_backbone_run(path: str | Path) -> Run:
    """A run of any kind whose `model` is its backbone, in eval mode; it has no class names.

    Raises CheckpointError where the folder is not a run, has no finished epoch, or is damaged.
    """
    run = load_run(path)
    return replace(run, model=backbone_of(run), class_names=())


def backbone_of(run: Run) -> Backbone:
    """A new backbone with the weights of the run's network, in eval mode."""
    if isinstance(run.model, Backbone):
        return run.model
    backbone = build_backbone(
        run.recipe.network, make_method(run.recipe.method), channels=run.input_size[2]
    )
    own = backbone.network.state_dict()
    state = {name: value for name, value in run.model.state_dict().items() if name in own}
    load_state(backbone.network, state, f"{run.path}: its network")
    return backbone.eval()


def backbone_digest(backbone: nn.Module) -> str:
    """By which a probe knows the backbone that it was trained on."""
    return state_digest(backbone.state_dict())
