"""Learning without labels: backbones, objectives, teachers and what they are measured by.

Everything here is plain PyTorch for anyone's own loop; docs/selfsup.md shows one.
"""

from __future__ import annotations

from signbit.selfsup.backbone import Backbone, build_backbone
from signbit.selfsup.combined import ContrastiveAndGuided
from signbit.selfsup.contrastive import Contrastive
from signbit.selfsup.guided import Guided
from signbit.selfsup.head import Embedder, ProjectionHead
from signbit.selfsup.objective import Losses, Objective

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
]
