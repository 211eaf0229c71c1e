"""Learning without labels: backbones, objectives, teachers and what they are measured by.

Everything here is plain PyTorch for anyone's own loop; docs/selfsup.md shows one. Names are
resolved on first use, so that finding similar images (`retrieval`) does not import torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signbit.selfsup.backbone import Backbone, build_backbone
    from signbit.selfsup.combined import ContrastiveAndGuided
    from signbit.selfsup.contrastive import Contrastive
    from signbit.selfsup.diagnostics import diagnose
    from signbit.selfsup.guided import Guided
    from signbit.selfsup.head import Embedder, ProjectionHead
    from signbit.selfsup.objective import Losses, Objective
    from signbit.selfsup.teachers import open_teacher

__all__ = [
    "Backbone",
    "Contrastive",
    "ContrastiveAndGuided",
    "Embedder",
    "Guided",
    "Losses",
    "Objective",
    "ProjectionHead",
    "build_backbone",
    "diagnose",
    "open_teacher",
    "pretrain",
    "weighted_knn",
]

_HOMES = {
    "Backbone": "backbone",
    "Contrastive": "contrastive",
    "ContrastiveAndGuided": "combined",
    "Embedder": "head",
    "Guided": "guided",
    "Losses": "objective",
    "Objective": "objective",
    "ProjectionHead": "head",
    "build_backbone": "backbone",
    "diagnose": "diagnostics",
    "open_teacher": "teachers",
    "pretrain": "pretraining",
    "weighted_knn": "knn",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
