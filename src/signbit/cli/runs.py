"""From a run folder to a compiled network, for every command that needs one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from signbit.cli import console
from signbit.errors import InputError, Refusal
from signbit.printable import printable
from signbit.runtime.prediction import OUTPUT

if TYPE_CHECKING:
    from signbit.compiler import Compiled
    from signbit.data.loading.readable import Unreadable
    from signbit.training import Run

__all__ = [
    "Deployed",
    "compile_run",
    "deployed",
    "refusals_of",
    "say_state",
    "with_int16_stem",
]


@dataclass(frozen=True)
class Deployed:
    """What a file is made of: `run` with the network that goes into it, and notes for the file.

    `data` and `test_split` name the images to compare both sides on, `unreadable` says what is done
    about those that cannot be decoded.
    """

    run: Run
    notes: dict[str, str]
    data: str
    test_split: str
    unreadable: Unreadable


def deployed(path: Path, *, features: bool, probe: Path | None) -> Deployed:
    """A run's network as it is, its backbone alone, or its backbone and the classifier of a probe.

    Raises CheckpointError where run or probe cannot be read or the probe is of another backbone,
    InputError where both features and a probe are asked for.
    """
    if features and probe is not None:
        raise InputError("--features is the backbone alone, --probe has a classifier; keep one")
    if probe is not None:
        return _with_probe(path, probe)
    if features:
        return _backbone(path)
    from signbit.training import load_run

    run = load_run(path)
    return _of_own_images(run, {})


def _backbone(path: Path) -> Deployed:
    from signbit.compiler.exporting.feature_map import as_feature_map
    from signbit.selfsup.trained import load_backbone_run

    run = load_backbone_run(path)
    run = replace(run, model=as_feature_map(run.model, run.input_size))
    return _of_own_images(run, {OUTPUT: "features"})


def _of_own_images(run: Run, notes: dict[str, str]) -> Deployed:
    say_state(run)
    data = run.recipe.data
    return Deployed(run, notes, data.source, data.test_split, data.unreadable)


def _with_probe(path: Path, folder: Path) -> Deployed:
    from torch import nn

    from signbit.data.sources.any_source import source_name
    from signbit.selfsup.evaluation.probe import load_probe
    from signbit.selfsup.trained import load_backbone_run

    run = load_backbone_run(path)
    probe = load_probe(folder)
    probe.require_backbone(run.model, str(path))
    classifier = nn.Sequential()
    classifier.add_module("backbone", run.model)
    classifier.add_module("classifier", probe.head)
    run = replace(run, model=classifier.eval(), class_names=probe.class_names)
    data, test_split = str(probe.facts["data"]), str(probe.facts["test_split"])
    # Probes from before it was written down have the run's rule.
    unreadable = probe.facts.get("unreadable", run.recipe.data.unreadable)
    return Deployed(run, {"probe": source_name(data)}, data, test_split, unreadable)


def say_state(run: Run) -> None:
    """Tell, of a run whose recipe has more epochs than are done, how far it has come.

    And what is not as it was of the files that it was trained with.
    """
    for line in run.changed:
        console.say(f"{run.path}: {line}")
    if not run.finished and run.epoch:
        console.say(f"{run.path}: unfinished, {run.epoch} of {run.recipe.epochs} epochs are done")


def _recipe_notes(run: Run) -> dict[str, str]:
    """The recipe and its epochs; of an unfinished run how many of them, as its figures are not so.

    An imported network has no epochs of its own.
    """
    if run.finished or run.epoch == 0:
        return {"recipe": run.recipe.description, "epochs": str(run.epoch)}
    return {"epochs": f"{run.epoch} of {run.recipe.epochs}, unfinished"}


def _licence(run: Run) -> dict[str, str]:
    stated = run.recipe.license
    return {} if stated is None else {"license": printable(stated)}


def with_int16_stem(run: Run) -> Run:
    """The run with its network's stem rounded to int16; InputError where that cannot be done."""
    from signbit.nn.pixels.stem_rounding import round_stem

    mean, std = run.normalization
    return replace(run, model=round_stem(run.model, mean, std, input_size=run.input_size))


def refusals_of(
    run: Run, allow_real: Sequence[str], *, any_size: bool, keep: Sequence[str] = ()
) -> list[Refusal]:
    """All that `compile_run` would refuse of a run."""
    from signbit.compiler import check

    mean, std = run.normalization
    return check(
        run.model,
        input_size=run.input_size,
        mean=mean,
        std=std,
        allow_real=allow_real,
        any_size=any_size,
        keep=keep,
    )


def compile_run(
    run: Run,
    notes: Mapping[str, str] | None = None,
    allow_real: Sequence[str] = (),
    *,
    any_size: bool = False,
    keep: Sequence[str] = (),
) -> Compiled:
    """Compile a run's network; the file remembers where it came from, and these notes.

    allow_real, any_size, keep: as `compile_model` takes them.
    """
    import signbit
    from signbit.compiler import compile_model
    from signbit.data.sources.any_source import source_name

    mean, std = run.normalization
    return compile_model(
        run.model,
        input_size=run.input_size,
        mean=mean,
        std=std,
        class_names=run.class_names,
        resize=run.resize,
        allow_real=allow_real,
        any_size=any_size,
        keep=keep,
        source={
            **_recipe_notes(run),
            "network": run.recipe.network,
            "method": run.recipe.method.name,
            "data": printable(source_name(run.recipe.data.source)),
            "signbit": signbit.__version__,
            **_licence(run),
            **{key: printable(note) for key, note in (notes or {}).items()},
        },
    )
