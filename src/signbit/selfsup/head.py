"""What maps features to the embedding that the losses compare; it is dropped after pre-training."""

from __future__ import annotations

from torch import Tensor, nn

from signbit.errors import InputError
from signbit.selfsup.backbone import Backbone

__all__ = ["Embedder", "ProjectionHead"]


class ProjectionHead(nn.Sequential):
    """Features (N, width) → embedding (N, out): Linear, ReLU, Linear, all real.

    The MLP head of MoCo v2 (Chen, Fan, Girshick, He 2020, section 3): hidden 2048, out 128 on a
    ResNet-50. Its layers are called 0 and 2, as in MoCo's `fc`. Raises InputError for sizes < 1.
    """

    def __init__(self, width: int, hidden: int, out: int) -> None:
        if min(width, hidden, out) < 1:
            raise InputError(
                f"a projection head needs sizes >= 1, got width={width}, hidden={hidden}, out={out}"
            )
        super().__init__(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, out))
        self.width = width
        self.out = out


class Embedder(nn.Module):
    """Images (N, channels, H, W) → features (N, backbone.width) and embedding (N, head.out).

    The embedding has any length: the losses normalise it. Raises InputError where the head wants
    another width than the backbone has.
    """

    def __init__(self, backbone: Backbone, head: ProjectionHead) -> None:
        super().__init__()
        if head.width != backbone.width:
            raise InputError(
                f"the backbone has {backbone.width} features, the head takes {head.width}"
            )
        self.backbone = backbone
        self.head = head

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        features: Tensor = self.backbone(pixels)
        return features, self.head(features)
