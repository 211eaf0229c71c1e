"""What the walk over the exported graph maps, and what it refuses with a reason."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from tests.compiler.file_nodes import has, step
from tests.compiler.nets import assert_same_answers, compiled, op_names, randomise
from torch import Tensor, nn

from signbit.compiler import compile_model
from signbit.errors import CompileError
from signbit.nn.layers import BinaryConv2d

SIZE = (8, 8, 3)


class Body(nn.Module):
    """A convolution to 4 channels, then the given function, then class scores."""

    def __init__(self, function: Callable[[Tensor], Tensor], features: int = 4 * 36) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.stem = nn.Conv2d(3, 4, 3)
        self.function = function
        self.head = nn.Linear(features, 5) if features else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.function(self.stem(x)).flatten(1))
        return y


def _signs(x: Tensor) -> Tensor:
    y: Tensor = torch.ops.signbit.sign(x, "clip", [])
    return y


WEIGHTS = torch.tensor([-1.0, 1.0]).repeat(72).reshape(4, 4, 3, 3)


def _binary(
    signs: Tensor,
    weight: Tensor = WEIGHTS,
    weight_offset: Tensor | None = None,
    input_offset: Tensor | None = None,
) -> Tensor:
    y: Tensor = torch.ops.signbit.binary_conv2d(
        *(signs, weight, None, weight_offset, input_offset), [1, 1], [1, 1], [1, 1], 1
    )
    return y


WIDE = torch.linspace(-1, 1, 32).reshape(8, 4, 1, 1)


def _one(x: Tensor) -> Tensor:
    return x.abs().mean(1, keepdim=True)


def _choice(x: Tensor) -> Tensor:
    return torch.where(x < 0, SCALE, 2 * SCALE)


SCALE = torch.tensor([0.5, -1.0, 2.0, 0.0]).reshape(4, 1, 1)

MAPPED: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "relu": (F.relu, 144),
    "relu in place": (lambda x: F.relu(x, inplace=True) + x, 144),
    "hardtanh": (F.hardtanh, 144),
    "clamp as hardtanh": (lambda x: x.clamp(-1, 1), 144),
    "clamp as relu": (lambda x: x.clamp(min=0), 144),
    "leaky relu": (lambda x: F.leaky_relu(x, 0.2), 144),
    "prelu": (lambda x: F.prelu(x, torch.tensor([0.1, -0.5, 0.0, 2.0])), 144),
    "sigmoid": (torch.sigmoid, 144),
    "maths by channel": (lambda x: (x * SCALE - 0.25) / 2 + SCALE, 144),
    "constant minus value": (lambda x: 3 - x, 144),
    "negation": (lambda x: -x, 144),
    "addition": (lambda x: x + F.relu(x), 144),
    "addition to itself": (lambda x: x + x, 144),
    "a row of each map": (lambda x: x + F.max_pool2d(x, (6, 1)), 144),
    "one value per channel, left": (lambda x: x.mean((2, 3), keepdim=True) + x, 144),
    "one value per channel, right": (lambda x: x + F.adaptive_avg_pool2d(x, 1), 144),
    "mean": (lambda x: x.mean((-1, -2)), 4),
    "mean of a padded pool": (lambda x: F.max_pool2d(x, 3, 2, 1).mean((2, 3)), 4),
    "adaptive pool to windows": (lambda x: F.adaptive_avg_pool2d(x, (3, 2)), 24),
    "average pool": (lambda x: F.avg_pool2d(x, 3, 2), 16),
    "max pool": (lambda x: F.max_pool2d(x, 2), 36),
    "dropout": (lambda x: F.dropout(x, 0.5, training=False), 144),
    "squeeze": (lambda x: x.mean((2, 3), keepdim=True).squeeze(-1).squeeze(-1), 4),
    "unsqueeze": (lambda x: x + x.mean((2, 3)).unsqueeze(-1).unsqueeze(-1), 144),
    "view": (lambda x: x.view(x.size(0), -1), 144),
    "view undone": (lambda x: F.relu(x.flatten(1).reshape(-1, 4, 6, 6)), 144),
    "copies": (lambda x: x.contiguous().clone().float().detach(), 144),
    "subsampled shortcut": (lambda x: F.max_pool2d(x, 2, 2) + x[:, :, ::2, ::2], 36),
    "sign of a sign": (lambda x: _binary(_signs(_signs(x))), 144),
    "real weights on signs": (lambda x: F.conv2d(_signs(x), WIDE), 288),
    "real weights of a binary convolution": (lambda x: _binary(_signs(x), 0.3 * WEIGHTS), 144),
    "binary weights on reals": (lambda x: _binary(F.relu(x)), 144),
    "two real operands": (lambda x: _binary(x, 0.3 * WEIGHTS), 144),
    "offset of the weights": (lambda x: _binary(_signs(x), weight_offset=SCALE.reshape(4)), 144),
    "offset of the weights, reals": (lambda x: _binary(x, weight_offset=SCALE.reshape(4)), 144),
    "offset of the input": (lambda x: _binary(_signs(x), input_offset=torch.tensor(0.3)), 144),
    "offset of the input, reals": (lambda x: _binary(x, input_offset=torch.tensor(0.3)), 144),
    "offsets of zero": (
        lambda x: _binary(_signs(x), WEIGHTS, torch.zeros(4), torch.zeros(())),
        144,
    ),
    "magnitudes": (lambda x: x.abs(), 144),
    "mean of magnitudes": (lambda x: x.abs().mean(1, keepdim=True), 36),
    "product with one value per pixel": (lambda x: x * x.abs().mean(1, keepdim=True), 144),
    "one value per pixel by another": (lambda x: _one(x) * F.relu(_one(x) - 0.7), 36),
    "maxout": (lambda x: x * _choice(x), 144),
    "maxout, factors first": (lambda x: _choice(x) * x, 144),
    "repeated shortcut": (lambda x: torch.cat((x, x), 1) + F.conv2d(x, WIDE), 288),
    "new tensor": (lambda x: x * x.new_full((4, 1, 1), 0.5), 144),
    "scale gradient": (lambda x: torch.ops.signbit.scale_gradient(x, torch.ones(1)), 144),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(MAPPED))
def test_maps(name: str) -> None:
    function, features = MAPPED[name]
    assert_same_answers(Body(function, features).eval(), SIZE)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 6, 3, padding="same", dilation=2),
        nn.Conv2d(3, 6, (3, 1), padding="valid", bias=False),
        nn.Conv2d(3, 6, (5, 3), stride=(2, 1), padding=(2, 1), groups=3),
    ],
    ids=["same", "valid", "grouped"],
)
def test_maps_convolutions_with_exact_zero_padding(layer: nn.Conv2d) -> None:
    torch.manual_seed(0)
    # Two of them: only the first has the normalisation folded into it.
    model = nn.Sequential(layer, nn.ReLU(), nn.Conv2d(6, 3, 3, padding=1)).eval()
    assert_same_answers(model, SIZE)


def test_maps_a_batch_norm_without_parameters() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, affine=False), nn.ReLU())
    assert op_names(assert_same_answers(randomise(model), SIZE)) == ["real_conv"]


class Shortcut(nn.Module):
    """The strided shortcut without parameters, on real convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.conv = nn.Conv2d(4, 9, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 3)) + self.conv(x)


def test_maps_a_subsampled_padded_shortcut() -> None:
    result = assert_same_answers(Shortcut().eval(), SIZE)
    assert op_names(result) == ["real_conv", "real_conv"]
    added = step(result.graph.nodes[1], "add")
    assert (added["every"], added["offset"]) == ((2, 2), 2)


def test_a_module_used_twice_keeps_both_results_apart() -> None:
    act = nn.PReLU(4)
    conv = BinaryConv2d(4, 4, 3, padding=1)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), act, conv, act, conv, nn.BatchNorm2d(4))
    result = assert_same_answers(randomise(model), SIZE)
    assert len({node.name for node in result.graph.nodes}) == len(result.graph.nodes)


def _mean(x: Tensor) -> Tensor:
    return x.mean((2, 3), keepdim=True)


OF_TWO_VALUES: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "a gate": (lambda x: x * _mean(x).sigmoid(), "multiply"),
    "a gate in front": (lambda x: _mean(x).sigmoid() * x, "multiply"),
    "a map": (lambda x: x * _one(x), "multiply"),
    "a product": (lambda x: x * F.relu(x), "multiply"),
    "a sum with a map": (lambda x: F.relu(x) + _one(x), "add"),
    "a sum with one value": (lambda x: x + _mean(_one(x)), "add"),
    "a difference": (lambda x: x - F.relu(x), "subtract"),
    "from a map": (lambda x: x - _mean(x), "subtract"),
    "a map from a vector": (lambda x: _mean(x) - x, "subtract"),
}


@pytest.mark.parametrize("name", list(OF_TWO_VALUES))
def test_operations_of_two_values_of_the_image(name: str) -> None:
    function, op = OF_TWO_VALUES[name]
    result = assert_same_answers(Body(function).eval(), SIZE)
    assert any(has(node, op) for node in result.graph.nodes)


REFUSED: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "mish": (F.mish, "the engine has no such non-linearity; it knows relu"),
    "unknown operation": (lambda x: x.flip(3), "no such operation"),
    "torch sign": (lambda x: x.sign(), "yields 0 for 0"),
    "division by a value": (lambda x: 1 / x, "no such operation"),
    "quotient": (lambda x: x / F.relu(x), "divides by a value"),
    "scaled addition": (lambda x: torch.add(x, F.relu(x), alpha=2), "multiply first"),
    "scaled subtraction": (lambda x: torch.sub(x, F.relu(x), alpha=2), "multiply first"),
    "comparison of two values": (lambda x: x + (x < F.relu(x)), "compares two values"),
    "choice between values": (lambda x: torch.where(x < 0, x, 2 * x), "chooses between values"),
    "mean over all": (lambda x: x + x.mean(), "no such operation"),
    "uneven adaptive pool": (lambda x: F.adaptive_max_pool2d(x, 4), "different sizes"),
    "batch into channels": (lambda x: x.reshape(-1, 2, 2), "one result for each image"),
    "padding with ones": (lambda x: F.pad(x, (0, 0, 0, 0, 1, 1), value=1.0), "zero channels"),
    "double precision": (lambda x: x.double().float(), "torch.float64"),
    "random values": (lambda x: x + torch.rand(4, 1, 1), "random values"),
    "input offset from the image": (
        lambda x: _binary(_signs(x), input_offset=x.mean((0, 2, 3))[0]),
        "averages something",
    ),
    "weights from the image": (lambda x: F.prelu(x, x.mean((0, 2, 3))), "averages something"),
    "one image alone": (lambda x: x.squeeze(0), "drops the dimension of the images"),
    "one image alone, of several": (lambda x: x.squeeze((-4, 2)), "drops the dimension of"),
    "constant that is not finite": (lambda x: x + float("inf"), "not finite"),
    "output without input": (lambda x: torch.ones(3, 5), "does not depend on its input"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(REFUSED))
def test_refuses(name: str) -> None:
    function, reason = REFUSED[name]
    with pytest.raises(CompileError) as caught:
        compiled(Body(function, features=0).eval(), SIZE)
    # Beside that the network ends in a map, as it has no head here.
    told = [each for each in caught.value.refusals if "this is a map" not in each.reason]
    assert [reason in str(each) for each in told] == [True]


def test_refusal_names_the_path_of_the_module() -> None:
    inner = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Mish())
    model = nn.Sequential(nn.Identity(), nn.Sequential(nn.Identity(), inner)).eval()
    with pytest.raises(CompileError) as caught:
        compiled(model, SIZE)
    assert str(caught.value) == (
        "1.1.1 (aten.mish): the engine has no such non-linearity; it knows relu, hardtanh, clip, "
        "prelu, maxout, sigmoid, hard_sigmoid, hardswish, silu, gelu, tanh"
    )


def test_refuses_batch_statistics() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)).eval()
    with pytest.raises(CompileError, match=r"1 .*running statistics"):
        compiled(model, SIZE)


class Counter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.seen += 1
        return x * self.seen


def test_refuses_a_model_that_writes_into_a_buffer() -> None:
    with pytest.raises(CompileError, match="seen: is a buffer that the model writes into"):
        compiled(Counter().eval(), SIZE)


@pytest.mark.parametrize("function", [lambda x: x < 0, lambda x: x.norm(dim=1, keepdim=True)])
def test_refuses_half_an_operation_as_the_output(function: Callable[[Tensor], Tensor]) -> None:
    class Half(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            return function(self.conv(x))

    with pytest.raises(CompileError, match="is the model's output"):
        compiled(Half().eval(), SIZE)


@pytest.mark.parametrize(
    ("mean", "std", "reason"),
    [
        ((0.5,), (0.5, 0.5, 0.5), "one value for each of the 3 channels"),
        ((0.5, 0.5, 0.5), (0.5, 0.0, 0.5), "more than 0"),
        ((0.5, float("nan"), 0.5), (0.5, 0.5, 0.5), "finite"),
    ],
)
def test_refuses_a_normalisation_that_does_not_fit(
    mean: tuple[float, ...], std: tuple[float, ...], reason: str
) -> None:
    with pytest.raises(CompileError, match=reason):
        compile_model(
            nn.Conv2d(3, 4, 3).eval(),
            input_size=SIZE,
            mean=mean,
            std=std,
            class_names=(),
            resize_shorter_side=8,
        )


def test_refuses_class_names_that_do_not_fit() -> None:
    with pytest.raises(CompileError, match="class_names: "):
        compiled(Body(F.relu).eval(), SIZE, class_names=["a", "b"])
