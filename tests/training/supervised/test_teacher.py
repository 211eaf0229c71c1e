"""The loss against NumPy in float64, and which teachers are taken."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from signbit import recipes
from signbit.bitformat.graph import Resize
from signbit.data import open_dataset
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.data.pixels.transforms import Normalization, to_unit
from signbit.errors import CheckpointError, RecipeError
from signbit.methods import get
from signbit.models import build
from signbit.training import load_run, train
from signbit.training.recipe.sections import MethodRecipe, Teacher
from signbit.training.supervised.teacher import FrozenTeacher, SupervisedLoss, open_teacher

DIGITS = tuple("0123456789")
RULE = Preprocessing((8, 8, 1), (0.5,), (0.5,), Resize(8))


def log_softmax(x: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = x - x.max(1, keepdims=True)
    result: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return result


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_the_loss_and_its_gradient(smoothing: float, share: float, temperature: float) -> None:
    random = np.random.default_rng(0)
    logits, answers = random.normal(0, 3, (2, 7, 5))
    labels = random.integers(0, 5, 7)
    target = np.full((7, 5), smoothing / 5)
    target[np.arange(7), labels] += 1 - smoothing
    hard = -(target * log_softmax(logits)).sum()
    wanted = np.exp(log_softmax(answers / temperature))
    soft = -(wanted * log_softmax(logits / temperature)).sum()
    x = torch.tensor(logits, requires_grad=True)
    objective = SupervisedLoss(smoothing, share, temperature)
    loss = objective(x, torch.tensor(labels), torch.tensor(answers) if share else None)
    assert float(loss.detach()) == pytest.approx((1 - share) * hard + share * temperature**2 * soft)
    loss.backward()
    gradient = (1 - share) * (np.exp(log_softmax(logits)) - target) + share * temperature * (
        np.exp(log_softmax(logits / temperature)) - wanted
    )
    assert x.grad is not None
    np.testing.assert_allclose(x.grad, gradient, atol=1e-12)


def test_sixteen_bits_are_widened_first() -> None:
    logits = torch.tensor([[90.0, 0.0, 0.0]], dtype=torch.float16)
    assert float(SupervisedLoss()(logits, torch.tensor([1]), None)) == pytest.approx(90)
    assert SupervisedLoss()(logits, torch.tensor([1]), None).dtype == torch.float32


class Doubling(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(2.0))
        self.dropout = nn.Dropout(0.9)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(x * self.weight)


def test_a_teacher_is_frozen_and_sees_its_own_normalisation() -> None:
    student, own = ((0.5,), (0.25,)), ((0.2,), (0.4,))
    teacher = FrozenTeacher(Doubling(), student, own)
    teacher.train()
    assert not teacher.network.training
    assert [parameter.requires_grad for parameter in teacher.parameters()] == [False]
    pixels = torch.rand(3, 1, 2, 2)
    seen = teacher((pixels - 0.5) / 0.25)
    assert not seen.requires_grad
    torch.testing.assert_close(seen, 2 * (pixels - 0.2) / 0.4)
    assert torch.equal(FrozenTeacher(Doubling(), own, own)(pixels), 2 * pixels)


def test_the_digest_is_of_weights_and_normalisation() -> None:
    def digest(weight: float, mean: float) -> str:
        network = Doubling()
        network.weight.data.fill_(weight)
        return FrozenTeacher(network, ((0.5,), (0.5,)), ((mean,), (0.5,))).digest

    assert digest(1, 0.5) == digest(1, 0.5)
    assert len({digest(1, 0.5), digest(2, 0.5), digest(1, 0.4)}) == 3


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the digits."""
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp("teacher") / "run"
    recipe = recipes.load("bnn-digits", ["epochs=1", "train_images=64", "batch_size=32"])
    train(recipe, None, path, progress=False)
    return path


@pytest.fixture
def file(run: Path, tmp_path: Path) -> Path:
    """The same weights as a file."""
    path = tmp_path / "teacher.safetensors"
    save_file(load_run(run).model.state_dict(), path)
    return path


BNN = MethodRecipe(name="bnn")


def test_a_run_and_a_file_answer_alike(run: Path, file: Path) -> None:
    pixels = torch.randn(4, 1, 8, 8)
    with torch.no_grad():
        expected = load_run(run).model(pixels)
    assert torch.equal(open_teacher(Teacher(checkpoint=str(run)), DIGITS, RULE)(pixels), expected)
    section = Teacher(checkpoint=str(file), network="digits", method=BNN)
    torch.manual_seed(1)
    assert torch.equal(open_teacher(section, DIGITS, RULE)(pixels), expected)
    own = Teacher(checkpoint=str(file), network="digits", method=BNN, mean=(0.0,), std=(1.0,))
    teacher = open_teacher(own, DIGITS, RULE)
    with torch.no_grad():
        torch.testing.assert_close(
            teacher(pixels), load_run(run).model(pixels * 0.5 + 0.5), atol=1e-5, rtol=1e-4
        )


def refused(
    error: type[Exception], section: Teacher, names: tuple[str, ...] = DIGITS, size: int = 8
) -> str:
    with pytest.raises(error) as caught:
        open_teacher(section, names, Preprocessing((size, size, 1), (0.5,), (0.5,), Resize(8)))
    return str(caught.value)


def test_other_classes_are_refused(run: Path, file: Path) -> None:
    by_file = Teacher(checkpoint=str(file), network="digits", method=BNN)
    message = refused(CheckpointError, by_file, ("a", "b", "c"))
    assert message == f"teacher {file} has 10 classes, the data has 3"
    by_run = Teacher(checkpoint=str(run))
    message = refused(CheckpointError, by_run, ("a", "b"))
    assert "has other classes than the data: 10 (0, 1, 2, …) instead of 2 (a, b)" in message
    # As many, in another order: every answer would be about another class.
    assert "has other classes" in refused(CheckpointError, by_run, DIGITS[::-1])


def test_what_does_not_fit_is_named(run: Path, file: Path, tmp_path: Path) -> None:
    section = Teacher(checkpoint=str(file), network="digits", method=MethodRecipe(name="sdbnn"))
    assert "does not fit: it has no conv1" in refused(CheckpointError, section)
    state = build("digits", get("bnn"), classes=10, channels=1).state_dict()
    state["conv2.weight"] = torch.zeros(64, 64, 5, 5)
    save_file(state, tmp_path / "wide.safetensors")
    section = Teacher(checkpoint=str(tmp_path / "wide.safetensors"), network="digits", method=BNN)
    assert "conv2.weight is 64×64×5×5 there and 64×64×3×3 in" in refused(CheckpointError, section)
    assert "sees images of 8×8×1, the student of 32×32×1" in refused(
        CheckpointError, Teacher(checkpoint=str(run)), size=32
    )


def test_missing_and_idle_keys_are_named(run: Path, file: Path, tmp_path: Path) -> None:
    assert "the .safetensors file, of resnet21" in refused(RecipeError, Teacher(network="resnet21"))
    assert "teacher.network is missing" in refused(RecipeError, Teacher(checkpoint=str(file)))
    idle = Teacher(checkpoint=str(run), method=BNN)
    assert "teacher.method does nothing: the run folder" in refused(RecipeError, idle)
    open_teacher(Teacher(checkpoint=str(run), network="digits"), DIGITS, RULE)
    other = Teacher(checkpoint=str(run), network="resnet20")
    assert "is a digits, but teacher.network=resnet20" in refused(CheckpointError, other)
    unknown = Teacher(checkpoint=str(file), network="resnet21", method=BNN)
    assert "unknown model 'resnet21'; choose one of" in refused(RecipeError, unknown)
    absent = Teacher(checkpoint=str(tmp_path / "absent"), network="digits", method=BNN)
    assert "neither a run folder nor a .safetensors file" in refused(CheckpointError, absent)


@pytest.mark.parametrize("depth", [20, 56])
def test_published_real_networks_teach(shared_data: Path, depth: int) -> None:
    file = shared_data / f"weights/resnet{depth}-cifar10-real.safetensors"
    section = Teacher(checkpoint=str(file), network=f"real-resnet{depth}")
    test = open_dataset(shared_data / "data/cifar10", "test").take(range(100))
    rule = Preprocessing((32, 32, 3), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), Resize(32))
    teacher = open_teacher(section, test.class_names, rule)
    pixels = Normalization(rule.mean, rule.std)(to_unit(torch.from_numpy(test.images)))
    answers = teacher(pixels).argmax(1)
    assert float((answers == torch.from_numpy(test.labels)).double().mean()) > 0.7
    with pytest.raises(CheckpointError, match="has 10 classes, the data has 9"):
        open_teacher(section, test.class_names[:9], rule)
