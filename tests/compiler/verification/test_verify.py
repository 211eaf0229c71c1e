import json
from collections.abc import Iterable, Mapping

import numpy as np
import pytest
from tests.compiler.nets import Array, compiled, network, pixels, pytorch_logits
from torch import nn

from signbit.compiler import Compiled
from signbit.compiler.verification.agreement import Agreement, EndToEnd, NodeAgreement
from signbit.compiler.verification.verify import verify, verify_end_to_end, verify_nodes
from signbit.errors import InputError
from signbit.nn.layers import BinaryConv2d, BinaryLinear
from signbit.runtime.reference import ReferenceEngine

SIZE = (8, 8, 1)


@pytest.fixture(scope="module")
def digits() -> Compiled:
    return compiled(network("digits", "bnn", SIZE), SIZE)


class Tampered(ReferenceEngine):
    """The reference engine with one array of each answer changed."""

    def __init__(self, data: bytes, changes: dict[int | str, Array]) -> None:
        super().__init__(data)
        self.changes = changes

    def __call__(self, images: Array) -> Array:
        return -super().__call__(images)

    def run_nodes(
        self, feeds: Mapping[int, Array], fetches: Iterable[int | str]
    ) -> dict[int | str, Array]:
        results = super().run_nodes(feeds, fetches)
        for name, change in self.changes.items():
            if name in results:
                results[name] = results[name].copy()
                results[name][0, 0, 0, 0] += change.astype(results[name].dtype)
        return results


def test_everything_agrees(digits: Compiled) -> None:
    images = pixels(7, SIZE)
    labels = pytorch_logits(network("digits", "bnn", SIZE), images).argmax(1)
    labels[0] = (labels[0] + 1) % 10
    found = verify(digits, images, labels, engine=ReferenceEngine(digits.data), batch_size=3)
    assert found.agrees
    stem, first, second, last = found.nodes
    assert (stem.name, stem.op, stem.module) == ("stem.0", "real_conv", "stem.0")
    assert stem.signs == 7 * 64 * 32
    assert stem.reals == 0
    assert first.dots == first.signs == 7 * 64 * 64
    # The integers are compared before the pool, the reals after it.
    assert second.dots == 7 * 64 * 64
    assert second.reals == 7 * 16 * 64
    # Errors are measured by what hardtanh has not clipped yet.
    assert second.max_value == pytest.approx(_largest_normalised(images), rel=1e-5)
    assert last.reals == 70
    end = found.end_to_end
    assert (end.images, end.disagreements, end.onednn_disagreements) == (7, 0, 0)
    assert end.agreement == 1
    assert end.engine_top1 == end.pytorch_top1 == pytest.approx(6 / 7)
    assert min(*end.cosines, *end.onednn_cosines) > 0.999999
    assert len(end.cosines) == len(end.onednn_cosines) == 7
    assert found.to_dict()["end_to_end"]["median_cosine"] == pytest.approx(1)
    json.dumps(found.to_dict())
    assert found.to_dict()["end_to_end"]["images"] == 7


def _largest_normalised(images: Array) -> float:
    model = network("digits", "bnn", SIZE)
    found: list[float] = []
    model.get_submodule("norm2").register_forward_hook(
        lambda module, inputs, output: found.append(float(output.abs().max()))
    )
    pytorch_logits(model, images)
    return found[0]


def test_one_wrong_integer_is_found(digits: Compiled) -> None:
    engine = Tampered(digits.data, {"conv1#dots": np.array(2)})
    found = {node.name: node for node in verify_nodes(digits, pixels(3, SIZE), engine=engine)}
    assert found["conv1"].dots_different == 1
    assert not found["conv1"].agrees
    assert found["conv2"].agrees


def test_one_wrong_sign_is_found_unless_it_is_at_the_threshold(digits: Compiled) -> None:
    # A borderline value would hide the change: take the pixel's own, far from its threshold.
    tensor = 1  # the only one that the stem writes
    engine = Tampered(digits.data, {tensor: np.array(1)})
    bits = engine.run_nodes({0: pixels(3, SIZE)}, [tensor])[tensor]
    if bits[0, 0, 0, 0] > 1:  # 1 + 1 is no bit; either way it differs from PyTorch's
        bits[0, 0, 0, 0] = 0
    stem = verify_nodes(digits, pixels(3, SIZE), engine=engine)[0]
    assert stem.signs_different == 1
    assert stem.signs_near == []
    assert not stem.agrees


def test_one_wrong_real_is_found(digits: Compiled) -> None:
    engine = Tampered(digits.data, {digits.graph.outputs[0].tensor: np.array(0.5)})
    last = verify_nodes(digits, pixels(3, SIZE), engine=engine)[-1]
    assert last.max_error == pytest.approx(0.5, abs=1e-4)
    assert not last.agrees


@pytest.mark.parametrize("change", [np.nan, np.inf])
def test_what_is_no_number_is_wrong(digits: Compiled, change: float) -> None:
    engine = Tampered(digits.data, {digits.graph.outputs[0].tensor: np.array(change)})
    last = verify_nodes(digits, pixels(3, SIZE), engine=engine)[-1]
    assert last.max_error == np.inf
    assert not last.agrees


def test_answers_that_are_no_numbers_are_wrong(digits: Compiled) -> None:
    class Silent(ReferenceEngine):
        def __call__(self, images: Array) -> Array:
            return np.full_like(super().__call__(images), np.nan)

    found = verify_end_to_end(digits, pixels(2, SIZE), engine=Silent(digits.data))
    assert found.max_error == np.inf


def test_wrong_answers_are_counted(digits: Compiled) -> None:
    found = verify_end_to_end(digits, pixels(5, SIZE), engine=Tampered(digits.data, {}))
    assert found.disagreements == 5
    assert found.agreement == 0
    assert found.engine_top1 is None
    assert found.pytorch_top1 is None


def _stem_next_to_zero(bias: float) -> tuple[Compiled, Array]:
    """Every value behind the stem is `bias` where the image is all alike: its terms cancel."""
    model = network("digits", "bnn", SIZE)
    state = model.state_dict()
    state["stem.0.weight"].zero_()
    state["stem.0.weight"][:, 0, 1, 0] = 1
    state["stem.0.weight"][:, 0, 1, 1] = -1
    state["stem.1.running_mean"].zero_()
    state["stem.1.running_var"].fill_(1)
    state["stem.1.weight"].fill_(1)
    state["stem.1.bias"].fill_(bias)
    return compiled(model, SIZE), np.full((5, *SIZE), 200, np.uint8)


def _with_one_sign_positive(result: Compiled) -> ReferenceEngine:
    tensor = 1  # the only one that the stem writes

    class Positive(ReferenceEngine):
        def run_nodes(
            self, feeds: Mapping[int, Array], fetches: Iterable[int | str]
        ) -> dict[int | str, Array]:
            results = super().run_nodes(feeds, fetches)
            if tensor in results:
                results[tensor][-1, 7, 7, 31] = 0
            return results

    return Positive(result.data)


def test_a_sign_next_to_its_threshold_is_listed() -> None:
    result, images = _stem_next_to_zero(-1e-6)
    found = verify(result, images, engine=_with_one_sign_positive(result), batch_size=5)
    stem = found.nodes[0]
    assert stem.agrees
    assert stem.signs_different == 0
    (near,) = stem.signs_near
    assert (near.image, near.position) == (4, (7, 7, 31))
    assert near.value == pytest.approx(-1e-6)
    assert found.near == {"signs": 1, "images": 1, "answers_changed": 0}
    assert found.to_dict()["near"] == found.near


def test_answers_that_changed_with_a_sign_next_to_its_threshold_are_counted() -> None:
    result, images = _stem_next_to_zero(-1e-6)
    engine = _with_one_sign_positive(result)
    nodes = tuple(verify_nodes(result, images, engine=engine, batch_size=5))
    assert Agreement(nodes, EndToEnd(images=5, changed=[0, 4])).near["answers_changed"] == 1
    assert Agreement(nodes, EndToEnd(images=5, changed=[0])).near["answers_changed"] == 0


def test_what_is_near_depends_on_how_large_the_sum_can_be() -> None:
    # 9 taps of weights 1 and −1 on normalised pixels: 5e-5 is small, and far beyond any rounding.
    result, images = _stem_next_to_zero(-5e-5)
    stem = verify_nodes(result, images, engine=_with_one_sign_positive(result), batch_size=5)[0]
    assert stem.signs_different == 1
    assert stem.signs_near == []


HEADS: dict[str, list[nn.Module]] = {
    "Linear, Linear": [nn.Flatten(), nn.Linear(192, 32), nn.Linear(32, 10)],
    "Linear, Dropout, Linear behind a binary convolution": [
        *(nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), BinaryConv2d(8, 8, 3), nn.BatchNorm2d(8)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 16), nn.Dropout()),
        nn.Linear(16, 10),
    ],
    "Linear, BatchNorm1d, Linear": [
        *(nn.Flatten(), nn.Linear(192, 32), nn.BatchNorm1d(32), nn.Linear(32, 10)),
    ],
    "Conv2d with a bias to 1x1, sign": [
        *(nn.Conv2d(3, 8, 2, 2), nn.ReLU(), nn.Conv2d(8, 8, 1), nn.Conv2d(8, 32, 4)),
        *(nn.Flatten(), BinaryLinear(32, 10)),
    ],
    "three of them, then a sign": [
        *(nn.Flatten(), nn.Linear(192, 32), nn.Linear(32, 32), nn.BatchNorm1d(32)),
        *(nn.Linear(32, 32), BinaryLinear(32, 10)),
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(HEADS))
def test_a_bias_that_moved_on_is_no_false_alarm(name: str) -> None:
    """Its node yields the value without it, which PyTorch has not; the next node has both."""
    model = nn.Sequential(*HEADS[name]).eval()
    size = (8, 8, 3)
    images = pixels(16, size)
    found = verify(compiled(model, size), images)
    assert found.agrees
    assert max(node.relative_error for node in found.nodes) < 1e-5
    assert sum(node.signs_different for node in found.nodes) == 0
    assert found.end_to_end.max_error < 1e-4


def test_no_images_at_all(digits: Compiled) -> None:
    found = verify(digits, pixels(0, SIZE), engine=ReferenceEngine(digits.data))
    assert found.agrees
    assert found.end_to_end.agreement == 1


@pytest.mark.parametrize(
    "images", [np.zeros((2, 8, 8, 3), np.uint8), np.zeros((2, 8, 8, 1), np.float32)]
)
def test_refuses_other_images(digits: Compiled, images: Array) -> None:
    with pytest.raises(InputError, match=r"uint8 of shape \(N, 8, 8, 1\)"):
        verify_nodes(digits, images, engine=ReferenceEngine(digits.data))


def test_refuses_labels_that_do_not_fit(digits: Compiled) -> None:
    engine = ReferenceEngine(digits.data)
    with pytest.raises(InputError, match="labels"):
        verify_end_to_end(digits, pixels(2, SIZE), np.zeros(3, np.int64), engine=engine)


def test_relative_error_of_nothing() -> None:
    assert NodeAgreement("a", "real_conv", "").relative_error == 0
    assert EndToEnd(images=4, changed=[2]).agreement == 0.75
