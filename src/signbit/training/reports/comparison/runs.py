"""The runs of a comparison: which there are, that they share a protocol, and how they are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from signbit.errors import CheckpointError, DivergedError, RecipeError
from signbit.training.networks import make_method
from signbit.training.recipe import Recipe
from signbit.training.recipe.identity import identity
from signbit.training.recipe.idle_keys import require_effect
from signbit.training.recipe.parsing import apply_overrides, flat, kept
from signbit.training.recipe.sections import MethodRecipe
from signbit.training.runs.checkpoint import epochs_done
from signbit.training.runs.folder import RunFolder
from signbit.training.runs.place import require_place
from signbit.training.supervised.train import train

__all__ = [
    "Contender",
    "Finished",
    "compare",
    "finished_runs",
    "require_one_protocol",
    "unfinished_runs",
]

# What a contender brings along; all else is the protocol.
_ITS_OWN = ("method.", "seed")
_TABLES = ("table.md", "table.tex", "table.csv", "table.json", "plot.png")
# Characters of a label that folder names had better not have.
_UNUSUAL = str.maketrans({":": "_", ",": "_", "=": "-", "/": "-", " ": "_"})


@dataclass(frozen=True)
class Contender:
    """A method with parameters, as a person names it: NAME or NAME:KEY=VALUE,KEY=VALUE."""

    label: str
    method: MethodRecipe

    def __hash__(self) -> int:
        return hash(self.label)

    @classmethod
    def parse(cls, text: str) -> Contender:
        """Raises RecipeError on an unknown method or parameter, naming the choices."""
        name, _, parameters = text.partition(":")
        values = apply_overrides({}, kept(parameters.split(",") if parameters else []))
        try:
            method = MethodRecipe(name=name, params=values)
        except ValidationError:
            raise RecipeError(f"{text}: write METHOD, or METHOD:KEY=VALUE,KEY=VALUE") from None
        make_method(method)
        return cls(_label(method), method)

    def recipe(self, protocol: Recipe, seed: int) -> Recipe:
        """The run that it is under `protocol`."""
        return protocol.model_copy(
            update={
                "description": f"{self.label} in a comparison",
                "method": self.method,
                "seed": seed,
            }
        )

    def folder(self, out: Path, seed: int) -> Path:
        """Where its run with `seed` is, in the comparison's folder."""
        return out / self.label.translate(_UNUSUAL) / f"seed-{seed}"


@dataclass(frozen=True)
class Finished:
    """A run that is done: of which contender, and its history, one entry per epoch."""

    label: str
    recipe: Recipe
    history: list[dict[str, float]]


def compare(
    contenders: Iterable[Contender],
    protocol: Recipe,
    seeds: Iterable[int],
    out: Path,
    *,
    say: Callable[[str], None],
    after_each: Callable[[], None],
) -> list[str]:
    """Train every contender with every seed under `protocol`, but for what `out` has already.

    The protocol's own method and seed do not count. `say` hears what comes next; `after_each` is
    called whenever a run is done. Runs that diverge are passed over: the result names them. Raises
    RecipeError for a protocol in stages, a method that the network does not take, or a parameter
    that does nothing, and CheckpointError where `out` holds a comparison under another protocol, or
    other files.
    """
    if protocol.stages is not None:
        raise RecipeError("a protocol of several stages cannot be shared by methods; use one")
    if protocol.early_stopping is not None:
        raise RecipeError(
            "a protocol that stops early would compare methods after different epochs; add "
            "early_stopping=null"
        )
    plan = [(contender, seed) for contender in dict.fromkeys(contenders) for seed in seeds]
    recipes = [contender.recipe(protocol, seed) for contender, seed in plan]
    for recipe in recipes:
        require_effect([recipe])
    require_place(out, protocol.data.source, begun=("*/seed-*",), own=_TABLES)
    require_one_protocol(out, protocol)
    diverged = []
    for number, ((contender, seed), recipe) in enumerate(zip(plan, recipes, strict=True), 1):
        say(f"{contender.label}, seed {seed} ({number} of {len(plan)})")
        try:
            train(recipe, None, contender.folder(out, seed))
        except DivergedError as error:
            say(f"{contender.label}, seed {seed}: {error}")
            diverged.append(f"{contender.label}, seed {seed}: {error}")
        after_each()
    return diverged


def require_one_protocol(out: Path, protocol: Recipe) -> None:
    """Raise CheckpointError where a run in `out` was made under another protocol or on other data.

    Data are compared between runs of one seed, which chooses them where a recipe takes a part.
    """
    digests: dict[int, str] = {}
    for folder, recipe in _runs(out):
        there, now = (_shared(each) for each in (recipe, protocol))
        for key in sorted({*there, *now}):
            if there.get(key) != now.get(key):
                raise CheckpointError(
                    f"{out}: holds a comparison under another protocol ({key} is "
                    f"{there.get(key, 'absent')} there and {now.get(key, 'absent')} now); choose "
                    "another folder, or its protocol (--protocol, KEY=VALUE)"
                )
        digest = str(folder.facts()["train_digest"])
        if digests.setdefault(recipe.seed, digest) != digest:
            raise CheckpointError(f"{folder.path}: trained on other images than its neighbours")


def finished_runs(out: Path) -> list[Finished]:
    """Every finished run of the comparison in `out`, by folder."""
    found = []
    for folder, recipe in _runs(out):
        checkpoint = folder.checkpoint(recipe)
        if checkpoint is not None and checkpoint.epoch == recipe.epochs:
            found.append(Finished(_label(recipe.method), recipe, checkpoint.history))
    return found


def unfinished_runs(out: Path) -> list[str]:
    """The runs of the comparison in `out` that are not finished, and how far each one has come."""
    return [
        f"{_label(recipe.method)}, seed {recipe.seed}: {done} of {recipe.epochs} epochs are done"
        for folder, recipe in _runs(out)
        if (done := epochs_done(folder.checkpoints)) < recipe.epochs
    ]


def _runs(out: Path) -> Iterator[tuple[RunFolder, Recipe]]:
    for path in sorted(out.glob("*/seed-*")):
        folder = RunFolder(path)
        recipe = folder.recipe()
        if recipe is not None:
            yield folder, recipe


def _shared(recipe: Recipe) -> dict[str, object]:
    return {
        key: value for key, value in flat(identity(recipe)).items() if not key.startswith(_ITS_OWN)
    }


def _label(method: MethodRecipe) -> str:
    parameters = ",".join(f"{key}={_word(value)}" for key, value in method.params.items())
    return f"{method.name}:{parameters}" if parameters else method.name


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
