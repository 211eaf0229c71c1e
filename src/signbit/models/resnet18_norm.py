"""ResNet-18 for 224x224 images that normalises in front of its classifier."""

from __future__ import annotations

from torch import nn

from signbit.models.resnet18 import ResNet18

__all__ = ["ResNet18Norm"]


class ResNet18Norm(ResNet18):
    """`ResNet18` with BN1d before the classifier, as IR-Net's and AdaBin's code for ImageNet."""

    def build_norm(self, features: int) -> nn.Module:
        """BN1d over the features (N, features)."""
        return nn.BatchNorm1d(features)
