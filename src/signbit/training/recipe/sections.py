"""The sections that a recipe is made of: method, data, optimiser, schedule and teacher, as data."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from signbit.training.recipe.augment import Augment
from signbit.training.recipe.section import Number, Section, Whole
from signbit.words import counted

__all__ = [
    "Adam",
    "Binarize",
    "Bop",
    "DataRecipe",
    "MethodRecipe",
    "Optimizer",
    "Schedule",
    "Sgd",
    "Side",
    "Steps",
    "Teacher",
    "WarmUp",
]


def _limit(value: Any) -> Any:
    if value is False or value is None:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ValueError("a number > 0 is needed, or false for no limit")
    return float(value)


class MethodRecipe(Section):
    """A method of `signbit.methods` by name, with the parameters that its paper leaves open.

    Latent weights are clipped to ± `latent_limit` after every step, or not (false); absent, that is
    as the method has it.
    """

    name: str
    params: dict[str, bool | int | float | str] = Field(default_factory=dict)
    latent_limit: Annotated[Literal[False] | float | None, BeforeValidator(_limit)] = None


class Binarize(Section):
    """A real-valued network becomes a binary one of the method: `signbit.nn.binarize`.

    `keep` are paths of layers, or of modules with layers inside, that stay real; absent, they are
    the first and the last. `shortcuts` go around binary convolutions where the method wants them.
    """

    keep: tuple[str, ...] | None = None
    shortcuts: bool = True


Side = Annotated[Whole, Field(gt=0, le=16_384)]  # the most that a file holds


class DataRecipe(Section):
    """Where images come from and what happens to them before the network.

    `mean` and `std` are per channel in units of 0 … 1; their length, 1 or 3, is the number of
    channels. `input_size` is (height, width) of what the network sees, for one that takes other
    images than its own; absent, it is the network's. A photograph is scaled until its shorter side
    has `resize_shorter_side` pixels (absent, the larger side of that, or of the part `crop_ratio`
    of what is scaled), or to `resize_both_sides`, (height, width), and its centre is cut out; or it
    is scaled to lie inside, with bars of the colour `letterbox`, 0 to 255 for each channel.
    `antialias` false looks at the nearest pixels alone; `colours` is the order of three channels.
    `workers` is how many processes decode images while training; with 0 they are decoded once, into
    memory or the cache, and absent, that is so if they fit. The numbers are the same for all.
    `test_split` is what the source calls the images that an epoch is measured on. Images that
    cannot be decoded end the run before it begins, or are skipped, each of them named.
    """

    source: str
    mean: tuple[Number, ...] = Field(min_length=1, max_length=3)
    std: tuple[Annotated[Number, Field(gt=0)], ...] = Field(min_length=1, max_length=3)
    augment: Augment = Augment()
    input_size: tuple[Side, Side] | None = None
    resize_shorter_side: Whole | None = Field(default=None, gt=0)
    resize_both_sides: tuple[Side, Side] | None = None
    crop_ratio: Number | None = Field(default=None, gt=0, le=1)
    letterbox: tuple[Annotated[Whole, Field(ge=0, le=255)], ...] | None = None
    interpolation: Literal["bilinear", "nearest", "bicubic"] = "bilinear"
    antialias: bool = True
    colours: Literal["rgb", "bgr", "gray"] = "rgb"
    workers: Whole | None = Field(default=None, ge=0)
    test_split: str = "test"
    unreadable: Literal["refuse", "skip"] = "refuse"

    @model_validator(mode="after")
    def _one_value_a_channel(self) -> DataRecipe:
        if len(self.mean) != len(self.std) or len(self.mean) == 2:
            raise ValueError(
                f"mean has {counted(len(self.mean), 'value')}, std {len(self.std)}; "
                "both need 1 (gray) or 3 (RGB)"
            )
        return self

    @model_validator(mode="after")
    def _one_way_to_resize(self) -> DataRecipe:
        ways = ("resize_shorter_side", "resize_both_sides", "crop_ratio", "letterbox")
        given = [way for way in ways if getattr(self, way) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are ways to resize; keep one")
        if self.letterbox is not None and len(self.letterbox) != len(self.mean):
            raise ValueError("letterbox needs as many values as mean has")
        if self.colours != "rgb" and len(self.mean) != 3:
            raise ValueError(f"colours: {self.colours} goes with three channels")
        return self


class _Descent(Section):
    """What gradient descent has in common; weight decay is added to the gradient.

    `decay_on` says what of (signbit.training.decay): `reactnet`, as ReActNet's published code does:
    the weights of convolutions, the shifts of RSign and RPReLU; `bireal`, as Bi-Real Net's: the
    weights of real convolutions; `convolutions`, of all of them.
    """

    name: str
    lr: Number = Field(gt=0)
    weight_decay: Number = Field(ge=0)
    decay_on: Literal["everything", "convolutions", "reactnet", "bireal"] = "everything"

    @model_validator(mode="after")
    def _something_to_decay(self) -> _Descent:
        if self.decay_on != "everything" and not self.weight_decay:
            raise ValueError(f"decay_on: {self.decay_on} does nothing where weight_decay is 0")
        return self


class Sgd(_Descent):
    """Stochastic gradient descent with momentum."""

    name: Literal["sgd"]
    momentum: Number = Field(ge=0, lt=1)


class Adam(_Descent):
    """Adam with β = (0.9, 0.999)."""

    name: Literal["adam"]


class Bop(Section):
    """Binary weights are flipped by Bop (signbit.training.bop); `rest` moves everything else.

    `gamma` is how fast the average of gradients follows them, 0 … 1, and falls with the schedule;
    `threshold` is how large the average must be for a flip.
    """

    name: Literal["bop"]
    gamma: Number = Field(gt=0, le=1)
    threshold: Number = Field(gt=0)
    rest: Annotated[Sgd | Adam, Field(discriminator="name")]


Optimizer = Annotated[Sgd | Adam | Bop, Field(discriminator="name")]


class Steps(Section):
    """The rate is multiplied by `factor` each time that one of the shares `at` of a run is done.

    {at: [0.5, 0.75], factor: 0.1} divides it by ten after half and after three quarters.
    """

    at: tuple[Annotated[Number, Field(gt=0, lt=1)], ...] = Field(min_length=1)
    factor: Number = Field(gt=0, lt=1)

    @model_validator(mode="after")
    def _ascending(self) -> Steps:
        if any(late <= early for early, late in zip(self.at, self.at[1:], strict=False)):
            raise ValueError(f"at must ascend, got {list(self.at)}")
        return self


class WarmUp(Section):
    """The rate rises for the share `warm_up` of a run, and then goes as `then` says.

    It begins at 1/25 of the base rate, as in Smith and Topin 2018, "Super-Convergence", whose one
    cycle is {warm_up: 0.3, then: cosine}.
    """

    warm_up: Number = Field(gt=0, lt=1)
    then: Literal["cosine", "linear", "constant"] = "cosine"


def _schedule_kind(value: Any) -> str:
    if isinstance(value, WarmUp) or (isinstance(value, dict) and "warm_up" in value):
        return "with a warm-up"
    return "by steps" if isinstance(value, dict | Steps) else "by name"


Schedule = Annotated[
    Annotated[Literal["cosine", "linear", "linear-stepped-first", "constant"], Tag("by name")]
    | Annotated[Steps, Tag("by steps")]
    | Annotated[WarmUp, Tag("with a warm-up")],
    Discriminator(_schedule_kind),
]


class Teacher(Section):
    """A trained network whose answers are learned beside the labels, or instead of them.

    `checkpoint` is a finished run folder, which knows its method and normalisation, or a
    .safetensors file of the weights of `network` (with `method` where it is a binary one), whose
    images were normalised by `mean` and `std` (absent: the data's own). A run of another network
    than `network` is refused.
    loss = weight · T² · cross-entropy(softmax(teacher / T), softmax(logits / T))
    + (1 − weight) · cross-entropy(label), with T = `temperature`: Hinton, Vinyals, Dean 2015,
    "Distilling the Knowledge in a Neural Network"; weight 1 and T = 1 is ReActNet's.
    """

    checkpoint: str | None = None
    network: str | None = None
    method: MethodRecipe | None = None
    mean: tuple[Number, ...] | None = Field(default=None, min_length=1, max_length=3)
    std: tuple[Annotated[Number, Field(gt=0)], ...] | None = Field(
        default=None, min_length=1, max_length=3
    )
    temperature: Number = Field(default=1.0, gt=0)
    weight: Number = Field(default=1.0, gt=0, le=1)

    @model_validator(mode="after")
    def _both_or_none(self) -> Teacher:
        if (self.mean is None) != (self.std is None):
            raise ValueError("mean and std go together; give both or none")
        return self
