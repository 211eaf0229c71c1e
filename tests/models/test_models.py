"""What holds for every architecture with every method: shapes, learning, saving, exporting."""

import pytest
import torch
from safetensors.torch import load, save
from tests.thorough import sample
from torch.export import Dim, export

from signbit import methods, models
from signbit.errors import RecipeError

CHANNELS = {"digits": 1, "resnet18": 3, "resnet18-cifar": 3, "resnet20": 3, "vgg-small": 3}
"""The others have tests of their own: they are real, or large and made of the same units."""

GRID = [(m, a) for m in methods.names() for a in ("digits", "resnet20")]
GRID += [(m, a) for m in ("bireal", "bnn", "sdbnn") for a in CHANNELS if (m, a) not in GRID]
TELLING = [(m, "digits") for m in methods.names()]
TELLING += [("adabin", "resnet20"), ("bnn", "resnet18-cifar"), ("sdbnn", "vgg-small")]
"""Every method, and other architectures."""

STEPS = {"digits": 25, "resnet18-cifar": 20, "resnet20": 60, "vgg-small": 24}
"""Until a batch is learned; ResNet-18 for large images is left out, as its units are the same."""

LEARNING = [pair for pair in GRID if pair[1] in STEPS and pair != ("irnet", "resnet20")]
"""IR-Net's steps are too rough for so few; it learns in test_digits."""

RATES = {"vgg-small": 1e-3}
"""Where 0.01 throws the loss about, so that rounding decides where it is at the end."""

COMMON_OPS = {
    "aten.batch_norm.default",
    "aten.conv2d.default",
    "aten.linear.default",
    "signbit.binary_conv2d.default",
}
PLAIN_OPS = {"aten.max_pool2d.default", "aten.flatten.using_ints"}
MODEL_OPS = {
    "digits": PLAIN_OPS,
    "vgg-small": PLAIN_OPS,
    "resnet18": {
        "aten.add.Tensor",
        "aten.avg_pool2d.default",
        "aten.max_pool2d.default",
        "aten.mean.dim",
    },
    "resnet18-cifar": {"aten.add.Tensor", "aten.mean.dim"},
    "resnet20": {"aten.add.Tensor", "aten.mean.dim", "aten.pad.default", "aten.slice.Tensor"},
}
SCALED = {  # by the weights' mean magnitude, which a compiler folds
    "aten.abs.default",
    "aten.detach.default",
    "aten.flatten.using_ints",
    "aten.ge.Scalar",
    "aten.mean.dim",
    "aten.mul.Tensor",
    "aten.reciprocal.default",
    "aten.reshape.default",
    "aten.where.ScalarOther",
    "signbit.scale_gradient.default",
}
STANDARDISED = {  # weights, which a compiler folds
    "aten.clamp.default",
    "aten.div.Tensor",
    "aten.flatten.using_ints",
    "aten.mean.dim",
    "aten.reshape.default",
    "aten.std.correction",
    "aten.sub.Tensor",
}
DISTRIBUTED = {  # ASD on the activations; WSD on the weights, which a compiler folds
    "aten.add.Tensor",
    "aten.detach.default",
    "aten.flatten.using_ints",
    "aten.mean.dim",
    "aten.mul.Tensor",
    "aten.relu.default",
    "aten.reshape.default",
    "aten.sigmoid.default",
    "aten.unsqueeze.default",
}
RPRELU = {"aten.add.Tensor", "aten.prelu.default", "aten.unsqueeze.default"}
METHOD_OPS = {
    # Maxout
    "adabin": STANDARDISED | {"aten.lt.Scalar", "aten.mul.Tensor", "aten.where.self"},
    "bireal": SCALED,
    "bnn": {"aten.hardtanh.default"},
    "combined": SCALED | RPRELU,
    "irnet": STANDARDISED
    | {
        "aten.abs.default",
        "aten.detach.default",
        "aten.exp2.default",
        "aten.hardtanh.default",
        "aten.log2.default",
        "aten.round.default",
    },
    "reactnet": SCALED | RPRELU,
    "real": {"aten.relu.default"},
    "real-to-binary": {"aten.prelu.default"},
    "resnet-e": set(),
    "sdbnn": DISTRIBUTED | {"aten.hardtanh.default"},
    "sdbnn-imagenet": DISTRIBUTED | {"aten.prelu.default"},
    "xnor": SCALED
    | {  # the gradient's factor, and K's window
        "aten._assert_tensor_metadata.default",
        "aten.add.Tensor",
        "aten.div.Tensor",
        "aten.le.Scalar",
        "aten.new_full.default",
        "aten.to.dtype",
    },
}


def build(method, architecture, seed=0, **parameters):
    torch.manual_seed(seed)
    built = methods.get(method, **parameters)
    model = models.build(architecture, built, classes=10, channels=CHANNELS[architecture])
    return built, model


def images_for(model, architecture, count):
    """Random images, of 64x64 where the network's own size would only take longer."""
    size = [min(side, 64) for side in model.input_size]
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, CHANNELS[architecture], *size, generator=generator)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "architecture"), sample(GRID, *TELLING, ("bireal", "resnet18")))
def test_export_keeps_the_named_operations(method, architecture):
    _, model = build(method, architecture)
    model.eval()
    images = images_for(model, architecture, 3)
    program = export(model, (images[:2],), dynamic_shapes=({0: Dim("n", min=1, max=1024)},))
    found = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
    signs = {"signbit.sign.default"} if method != "real" else set()
    assert found == COMMON_OPS | signs | MODEL_OPS[architecture] | METHOD_OPS[method]
    with torch.no_grad():
        for batch in (images, images[:1]):
            assert torch.equal(program.module()(batch), model(batch))


@pytest.mark.slow
@pytest.mark.parametrize(("method", "architecture"), sample(LEARNING, *TELLING))
def test_a_few_steps_learn_a_tiny_batch(method, architecture):
    parts, model = build(method, architecture)
    images, labels = images_for(model, architecture, 8), torch.arange(8)
    optimiser = torch.optim.Adam(model.parameters(), RATES.get(architecture, 1e-2))
    losses, steps = [], STEPS[architecture]
    for step in range(steps):
        parts.on_epoch(model, step, steps)
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        parts.after_step(model)
        losses.append(loss.item())
    assert all(p.grad is not None for p in model.parameters())
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "architecture"), sample(GRID, *TELLING))
def test_a_saved_model_gives_the_same_logits(method, architecture):
    _, model = build(method, architecture)
    images = images_for(model, architecture, 4)
    model(images)  # moves the running statistics
    model.eval()
    _, other = build(method, architecture, seed=7)
    other.eval()
    with torch.no_grad():
        assert not torch.equal(other(images), model(images))
        other.load_state_dict(load(save(model.state_dict())))
        assert torch.equal(other(images), model(images))


def test_the_same_seed_builds_the_same_network():
    first, second = build("sdbnn", "resnet20")[1], build("sdbnn", "resnet20")[1]
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_bad_requests_are_refused_with_the_choices():
    method = methods.get("bnn")
    with pytest.raises(
        RecipeError, match=r"'resnet21'.*digits, .*reactnet-a, .*, resnet20, .*resnet34, vgg-small"
    ):
        models.build("resnet21", method, classes=10, channels=3)
    with pytest.raises(RecipeError, match=r"real-resnet20 .* its method is 'real', not 'bnn'"):
        models.build("real-resnet20", method, classes=10, channels=3)
    with pytest.raises(RecipeError, match="classes"):
        models.build("resnet20", method, classes=0, channels=3)
