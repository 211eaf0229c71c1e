"""The backbone of a trained run, with labels or without, as evaluation and deployment take it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from torch import nn

from signbit.errors import CheckpointError
from signbit.selfsup.backbone import build_backbone
from signbit.training.networks import make_method
from signbit.training.runs.folder import Run, read_run
from signbit.training.runs.state_dicts import load_state, state_digest

__all__ = ["backbone_digest", "load_backbone_run"]

_PRETRAINED = "embedder.backbone.network."
"""What the names of a backbone's tensors begin with in a run of pre-training."""


def load_backbone_run(path: str | Path) -> Run:
    """A run of any kind whose `model` is its backbone, in eval mode; it has no class names.

    Raises CheckpointError where the folder is not a run, has no finished epoch, or is damaged.
    """
    run = read_run(path)
    run.require_known()
    if run.recipe.binarize is not None:
        raise CheckpointError(
            f"{path}: its network was made binary, so its backbone has no form of its own here; "
            "train it with labels, or take a network of signbit's layers"
        )
    backbone = build_backbone(
        run.recipe.network,
        make_method(run.recipe.method),
        channels=run.preprocessing.input_size[2],
    )
    stored = run.checkpoint.model
    pretrained = any(name.startswith(_PRETRAINED) for name in stored)
    inside = _PRETRAINED if pretrained else ""
    own = backbone.network.state_dict()
    state = {name: stored[inside + name] for name in own if inside + name in stored}
    load_state(backbone.network, state, f"{path}: its network")
    return replace(run.with_model(backbone), class_names=())


def backbone_digest(backbone: nn.Module) -> str:
    """The digest by which a probe knows the backbone that it was trained on."""
    return state_digest(backbone.state_dict())
