"""The head's arithmetic and names, and what does not fit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.selfsup import small

from signbit.errors import InputError
from signbit.selfsup import Embedder, ProjectionHead


def test_linear_relu_linear() -> None:
    head = ProjectionHead(3, 5, 2).double()
    assert [*head.state_dict()] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    w0, b0, w2, b2 = (np.asarray(value) for value in head.state_dict().values())
    features = torch.randn(4, 3, dtype=torch.float64)
    expected = np.maximum(features.numpy() @ w0.T + b0, 0) @ w2.T + b2
    np.testing.assert_allclose(head(features).detach(), expected, atol=1e-12)


def test_an_embedder_gives_features_and_embedding() -> None:
    network = small.embedder().eval()
    pixels = small.views()[0]
    features, embedding = network(pixels)
    assert features.shape == (5, 1024)
    assert torch.equal(features, network.backbone(pixels))
    assert torch.equal(embedding, network.head(features))


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="sizes >= 1, got width=4, hidden=0, out=2"):
        ProjectionHead(4, 0, 2)
    backbone = small.embedder().backbone
    with pytest.raises(InputError, match="the backbone has 1024 features, the head takes 512"):
        Embedder(backbone, ProjectionHead(512, 8, 2))
