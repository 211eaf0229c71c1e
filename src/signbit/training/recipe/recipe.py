"""What a training run is made of, as validated data. No torch here, no defaults that hide choices.

A recipe is read from YAML (see signbit/recipes and parsing.py), changed by overrides such as
`optimizer.lr=0.05`, and stored in the run folder as it was used.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from signbit.errors import InputError
from signbit.training.recipe.augment import Augment
from signbit.training.recipe.early_stopping import EarlyStopping
from signbit.training.recipe.graph import Graph
from signbit.training.recipe.section import Number, Section, Whole
from signbit.training.recipe.sections import (
    Binarize,
    DataRecipe,
    MethodRecipe,
    Optimizer,
    Schedule,
    Teacher,
)
from signbit.training.recipe.selfsup import SelfSup
from signbit.training.recipe.yaml_text import written

__all__ = ["IMPORTED", "Recipe", "require_recipe"]

IMPORTED = "imported"
"""The network of a recipe that has a graph."""


class Recipe(Section):
    """One training run, or several in a row: with labels, or by `selfsup` without.

    `schedule` takes the learning rate from `optimizer.lr` to 0 (cosine, linear;
    linear-stepped-first: epoch e of E, from 0, at 1 − (e + 1)/E of it), leaves it, or lowers it in
    steps. `train_images` keeps that many training images, the first after a seeded
    shuffle, and `label_share` that share of every class of them, one image at least. `batch_size`
    is over all processes. With `sync_batch_norm` several of them normalise by the statistics of the
    whole batch, as one would; without, each by those of its own part.
    `gradients: bfloat16` rounds the gradients of native binary convolutions before they meet signs,
    on CPUs that multiply bfloat16; others refuse it.

    `start` is a finished run folder, a .safetensors file, or "hub:OWNER/NAME" (perhaps with
    @REVISION), a network on the Hub, whose weights the run begins with.
    With `binarize` the network is a real-valued one, whose layers the method makes binary; `start`
    may then name the real network's weights. `stages` are two or more runs, each from the weights
    of the one before: each is this recipe with the changes that it lists. `label_smoothing` takes
    that share from the label and spreads it over all classes. `precision` is what real layers
    compute in while training; dot products of signs stay exact. `compile` hands the network to
    torch.compile while training. `graph` is the network itself where it was imported: `network` is
    then the word "imported". With `early_stopping` the network is that of the best epoch. `license`
    is what others may do with the network, best by its name at SPDX (Apache-2.0), for its card.
    """

    description: str
    network: str
    method: MethodRecipe
    binarize: Binarize | None = None
    data: DataRecipe
    epochs: Whole = Field(gt=0)
    batch_size: Whole = Field(gt=1)
    optimizer: Optimizer
    schedule: Schedule
    seed: Whole = Field(default=0, ge=0)
    train_images: Whole | None = Field(default=None, gt=0)
    label_share: Number | None = Field(default=None, gt=0, le=1)
    label_smoothing: Number = Field(default=0.0, ge=0, lt=1)
    teacher: Teacher | None = None
    early_stopping: EarlyStopping | None = None
    selfsup: SelfSup | None = None
    start: str | None = None
    stages: tuple[dict[str, Any], ...] | None = Field(default=None, min_length=2)
    sync_batch_norm: bool = True
    gradients: Literal["float32", "bfloat16"] = "float32"
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    compile: bool = False
    graph: Graph | None = None
    license: str | None = Field(default=None, min_length=1, max_length=200)

    @model_validator(mode="after")
    def _a_graph_is_the_network(self) -> Recipe:
        if (self.network == IMPORTED) != (self.graph is not None):
            raise ValueError(
                f"network {IMPORTED!r} and graph go together: the recipe.yaml of an imported run "
                f"has both; another network has a name, and no graph (this one: {self.network!r})"
            )
        return self

    @model_validator(mode="after")
    def _something_learns(self) -> Recipe:
        if self.schedule == "linear-stepped-first" and self.epochs == 1:
            raise ValueError(
                "schedule: linear-stepped-first leaves the last epoch no rate, so that one epoch "
                "learns nothing; give epochs 2 or more, or schedule: linear"
            )
        return self

    @model_validator(mode="after")
    def _no_idle_keys(self) -> Recipe:
        if self.label_smoothing and self.teacher is not None and self.teacher.weight == 1:
            raise ValueError(
                "label_smoothing does nothing where teacher.weight is 1, as labels are not "
                "learned; lower the weight or leave the smoothing out"
            )
        if self.gradients != "float32" and (self.precision != "fp32" or self.compile):
            raise ValueError(
                f"gradients: {self.gradients} does nothing beside precision or compile, under "
                "which native convolutions step aside; leave one of them out"
            )
        return self

    @model_validator(mode="after")
    def _no_idle_keys_without_labels(self) -> Recipe:
        if self.selfsup is None:
            return self
        if self.binarize is not None:
            raise ValueError("binarize is for learning from labels; leave it or selfsup out")
        views = self.selfsup.views
        for idle, name, instead in (
            (self.label_smoothing != 0, "label_smoothing", "labels are not learned"),
            (self.label_share is not None, "label_share", "labels are not learned"),
            (self.teacher is not None, "teacher", "selfsup.guided.teacher is who guides"),
            (self.early_stopping is not None, "early_stopping", "labels are not learned"),
            (self.data.augment != Augment(), "data.augment", "selfsup.views says what is done"),
            (
                self.data.input_size is not None,
                "data.input_size",
                "a backbone learns at its network's own size",
            ),
            (
                len(self.data.mean) == 1 and views.gray_probability > 0,
                "selfsup.views.gray_probability",
                "images of one channel are gray",
            ),
        ):
            if idle:
                raise ValueError(f"{name} does nothing: {instead}; leave it out")
        return self

    def to_yaml(self) -> str:
        """The whole recipe; `parse_recipe(yaml_text.read(text))` gives it back."""
        return written(self.model_dump(mode="json"))


def require_recipe(given: object) -> None:
    """Raise InputError for what is no recipe, such as the name of one."""
    if not isinstance(given, Recipe):
        raise InputError(
            "recipe: must be a Recipe, as signbit.recipes.load(NAME) gives one, is "
            f"{type(given).__name__}"
        )
