import pytest
import torch
from torch import nn

from signbit.errors import CheckpointError
from signbit.methods import get
from signbit.nn.layers import BinaryConv2d
from signbit.training.runs.state_dicts import binarizer_names, load_state, state_digest


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def test_values_arrive() -> None:
    one, other = network(), network()
    load_state(other, one.state_dict(), "it")
    for name, value in one.state_dict().items():
        assert torch.equal(other.state_dict()[name], value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"0.bias": None, "2.bias": None}, "it has no 0.bias, which is 4 in this network"),
        (
            {"2.weight": torch.zeros(5, 4), "2.bias": torch.zeros(5)},
            "2.weight is 5×4 there and 2×4 in this network",
        ),
        (
            {"3.weight": torch.zeros(5, 4), "4.bias": torch.zeros(())},
            "it has 3.weight, 5×4, which is not in this network",
        ),
        ({"0.bias": torch.zeros(())}, "0.bias is one number there and 4 in this network"),
    ],
)
def test_the_first_difference_is_named(
    change: dict[str, torch.Tensor | None], message: str
) -> None:
    state = {**network().state_dict(), **change}
    state = {name: value for name, value in state.items() if value is not None}
    model = network()
    before = state_digest(model.state_dict())
    with pytest.raises(CheckpointError) as caught:
        load_state(model, state, "start runs/a")
    assert str(caught.value) == f"start runs/a does not fit: {message}"
    assert state_digest(model.state_dict()) == before


def test_a_state_may_have_names_of_its_own() -> None:
    one, other = network(), network()
    theirs = {f"net.{name}": value for name, value in one.state_dict().items()}
    load_state(other, theirs, "it", called=lambda name: f"net.{name}")
    assert state_digest(other.state_dict()) == state_digest(one.state_dict())
    with pytest.raises(CheckpointError, match=r"it has 0\.weight, 4×3, which is not"):
        load_state(other, {**theirs, **one.state_dict()}, "it", called=lambda name: f"net.{name}")
    del theirs["net.2.bias"]
    with pytest.raises(CheckpointError, match=r"it has no net\.2\.bias, which is 2"):
        load_state(other, theirs, "it", called=lambda name: f"net.{name}")


def test_counters_of_batches_may_be_absent() -> None:
    state = network().state_dict()
    del state["1.num_batches_tracked"]
    load_state(network(), state, "it")


def test_binarizers_may_have_other_parameters() -> None:
    torch.manual_seed(0)
    wsd, plain = (
        nn.Sequential(get(name).conv2d(16, 4, 3), nn.BatchNorm2d(4)) for name in ("sdbnn", "bnn")
    )
    assert isinstance(wsd[0], BinaryConv2d)
    with pytest.raises(CheckpointError, match=r"it has 0\.\w+_binarizer\."):
        load_state(plain, wsd.state_dict(), "it")
    load_state(plain, wsd.state_dict(), "it", optional=binarizer_names(plain))
    assert torch.equal(plain.state_dict()["0.weight"], wsd.state_dict()["0.weight"])
    again = nn.Sequential(get("sdbnn").conv2d(16, 4, 3), nn.BatchNorm2d(4))
    own = again.state_dict()["0.activation_binarizer.squeeze.weight"].clone()
    load_state(again, plain.state_dict(), "it", optional=binarizer_names(again))
    assert torch.equal(again.state_dict()["0.weight"], wsd.state_dict()["0.weight"])
    assert torch.equal(again.state_dict()["0.activation_binarizer.squeeze.weight"], own)
    assert binarizer_names(nn.Sequential(nn.Conv2d(1, 1, 1))) == []


def test_the_digest_sees_names_types_shapes_and_values_but_not_the_order() -> None:
    x = torch.arange(6.0)
    digest = state_digest({"a": x, "b": x + 1})
    assert digest == state_digest({"b": x + 1, "a": x})
    others = [
        {"a": x, "c": x + 1},
        {"a": x, "b": (x + 1).double()},
        {"a": x, "b": (x + 1).reshape(2, 3)},
        {"a": x, "b": x + 2},
        {"a": x},
    ]
    assert len({digest, *map(state_digest, others)}) == 6
    assert state_digest({"a": x.reshape(2, 3).t()}) == state_digest(
        {"a": x.reshape(2, 3).t().contiguous()}
    )
    state_digest({"counter": torch.tensor(3)})
