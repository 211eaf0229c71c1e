"""Learning without labels: backbones, objectives, teachers and what they are measured by.

Everything here is plain PyTorch for anyone's own loop; docs/selfsup.md shows one. Names are
resolved on first use, so that finding similar images (`retrieval`) does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from signbit.lazy import from_modules

if TYPE_CHECKING:
    from signbit.selfsup.backbone import Backbone, build_backbone
    from signbit.selfsup.evaluation.diagnostics import diagnose
    from signbit.selfsup.head import Embedder, ProjectionHead
    from signbit.selfsup.objectives.contrastive import Contrastive
    from signbit.selfsup.objectives.contrastive_and_guided import ContrastiveAndGuided
    from signbit.selfsup.objectives.guided import Guided
    from signbit.selfsup.objectives.objective import Losses, Objective
    from signbit.selfsup.teachers.stored import open_teacher

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
    "Contrastive": "objectives.contrastive",
    "ContrastiveAndGuided": "objectives.contrastive_and_guided",
    "Embedder": "head",
    "Guided": "objectives.guided",
    "Losses": "objectives.objective",
    "Objective": "objectives.objective",
    "ProjectionHead": "head",
    "build_backbone": "backbone",
    "diagnose": "evaluation.diagnostics",
    "open_teacher": "teachers.stored",
    "pretrain": "pretraining",
    "weighted_knn": "evaluation.knn",
}


__getattr__ = from_modules(__name__, _HOMES)
