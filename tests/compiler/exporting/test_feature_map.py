from collections.abc import Callable

import numpy as np
import pytest
import torch
from tests.compiler.nets import MEAN, STD, compiled, pixels, randomise
from tests.compiler.small import narrow
from tests.thorough import sample
from torch import Tensor, nn

from signbit import methods
from signbit.bitformat.validate import validate
from signbit.compiler.exporting.exported import normalise
from signbit.compiler.exporting.feature_map import FeatureMap, as_feature_map
from signbit.compiler.verification.verify import verify
from signbit.runtime.reference import ReferenceEngine
from signbit.selfsup import build_backbone

SIZE = (8, 8, 3)


def backbone(network: str, method: str) -> nn.Module:
    torch.manual_seed(2)
    return randomise(build_backbone(network, methods.get(method), 3))


class Ending(nn.Module):
    def __init__(self, end: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.end = end

    def forward(self, x: Tensor) -> Tensor:
        return self.end(self.conv(x))


@pytest.mark.parametrize(
    "end", [lambda x: x.flatten(1), lambda x: x.reshape(x.shape[0], -1), lambda x: x.view(-1, 144)]
)
def test_a_flattened_map_is_found(end: Callable[[Tensor], Tensor]) -> None:
    model = Ending(end).eval()
    found = as_feature_map(model, SIZE)
    x = torch.randn(3, 3, 8, 8)
    assert torch.equal(found(x), model.conv(x))


@pytest.mark.parametrize("end", [lambda x: x.mean((2, 3)), lambda x: x, lambda x: x.relu()])
def test_every_other_model_is_left_alone(end: Callable[[Tensor], Tensor]) -> None:
    model = Ending(end).eval()
    assert as_feature_map(model, SIZE) is model


def test_a_backbone_that_flattens_compiles_to_its_map() -> None:
    flat = backbone("digits", "bnn")
    model = as_feature_map(flat, SIZE)
    assert isinstance(model, FeatureMap)
    file = compiled(model, SIZE)
    assert file.graph.outputs[0].classes == ()
    images = pixels(6, SIZE)
    engine = ReferenceEngine(file.data)
    found = verify(file, images, engine=engine, batch_size=4)
    assert found.agrees
    assert found.end_to_end.disagreements == 0
    assert len(found.end_to_end.cosines) == 6
    assert min(found.end_to_end.cosines) > 0.999999
    assert found.end_to_end.engine_top1 is None
    # The same values as PyTorch's vector: (channel, y, x) there, (y, x, channel) here.
    with torch.no_grad():
        vector = flat(normalise(images, MEAN, STD)).reshape(6, 64, 4, 4)
    np.testing.assert_allclose(engine(images), vector.permute(0, 2, 3, 1).numpy(), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "method"),
    sample(
        [("resnet20", "reactnet"), ("resnet20", "bireal"), ("resnet18-cifar", "xnor")],
        ("resnet20", "reactnet"),
    ),
)
def test_backbones_end_in_their_features_and_agree_node_by_node(
    monkeypatch: pytest.MonkeyPatch, network: str, method: str
) -> None:
    side = narrow(monkeypatch, network)
    model = backbone(network, method)
    size = (side, side, 3)
    assert as_feature_map(model, size) is model
    file = compiled(model, size)
    output = validate(file.graph, file.constants)[file.graph.outputs[0].tensor]
    assert output.shape == (1, 1, model.width)
    found = verify(file, pixels(3, size))
    assert found.agrees
    assert min(found.end_to_end.cosines) > 0.99
