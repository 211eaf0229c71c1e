"""`signbit compile`: a trained network to a one-bit file, and how far both sides agree."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signbit.cli import console
from signbit.cli.arguments import Data, Isa, Json, Keep, RunFolder, Threads, UnreadableImages
from signbit.cli.levels import Level, level
from signbit.cli.main import DONE, PROBLEMS
from signbit.errors import InputError
from signbit.files import descriptor_of, held_open, require_writable
from signbit.words import counted

if TYPE_CHECKING:
    from signbit.compiler.verification.stem_change import StemChange
    from signbit.data import ImageDataset
    from signbit.training import Run

__all__ = ["Stem", "compile_"]

_BATCH = 64
"""Images of a batch whose statistics are taken."""


class Stem(Enum):
    """What the first layer computes in."""

    FLOAT32 = "float32"
    INT16 = "int16"


def compile_(
    run: RunFolder,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="MODEL.sbnn",
            help="The file to write; needed without --check.",
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Write nothing: list all that cannot be compiled, if there is any."
        ),
    ] = False,
    data: Data = None,
    images: Annotated[int, typer.Option(min=1, help="Images to compare both sides on.")] = 256,
    stem: Annotated[
        Stem, typer.Option(help="int16 rounds the first layer: whole numbers on every CPU.")
    ] = Stem.FLOAT32,
    renew_statistics: Annotated[
        int | None,
        typer.Option(
            "--renew-statistics",
            min=1,
            metavar="N",
            help="With --stem int16: estimate the batch-norms' statistics anew on N training "
            "images.",
        ),
    ] = None,
    features: Annotated[
        bool,
        typer.Option("--features", help="The backbone alone: a vector for each image, no classes."),
    ] = False,
    probe: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            exists=True,
            file_okay=False,
            help="The backbone and the classifier that [bold]signbit probe[/] wrote there.",
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="The test images' split; default: as the run or the probe has it."),
    ] = None,
    unreadable: UnreadableImages = None,
    allow_real: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-real",
            metavar="LAYER",
            help="A layer that may compute in float32 although it was meant to be binary; again "
            "for each one.",
        ),
    ] = None,
    any_size: Annotated[
        bool,
        typer.Option(
            "--any-size",
            help="A file that takes images of any height and width; it is compared with PyTorch at "
            "three other sizes or more.",
        ),
    ] = False,
    calibrate: Annotated[
        int | None,
        typer.Option(
            min=10,
            metavar="N",
            help="Fit a temperature on N test images, so that the probabilities that the file "
            "gives are as often right as they say.",
        ),
    ] = None,
    none_below: Annotated[
        float | None,
        typer.Option(
            "--none-below",
            min=0,
            metavar="P",
            help="Where no class has this probability, from 0 to below 1, the answer is none of "
            "these.",
        ),
    ] = None,
    keep: Keep = None,
    details: Annotated[
        bool,
        typer.Option(
            "--details", help="Also print every layer, node and comparison, as --verbose does."
        ),
    ] = False,
    threads: Threads = None,
    isa: Isa = None,
    json: Json = False,
) -> None:
    """Compile a trained network to one bit, then run both sides on real images and compare.

    Says how large the file is, whether it gives the same answers, and what is not binary and why.
    The images are test images of the run's own data, or of --data. Exit code 1: they disagree.
    With --stem int16 the network is rounded in PyTorch first, and what that changed is reported;
    with --renew-statistics also what it is with the batch-norms' statistics estimated anew.
    With --calibrate the calibration error before and after is reported, each half of the N images
    with the temperature of the other half.

    With --check nothing is written or compared: exit code 1 if something cannot be compiled.

    Example: [bold]signbit compile runs/a -o model.sbnn[/]
    Example: [bold]signbit compile runs/a --check[/]
    Example: [bold]signbit compile runs/b --features -o features.sbnn[/]
    """
    import signbit
    from signbit.cli.runs import compile_run, deployed, refusals_of, with_int16_stem
    from signbit.cli.scoring import sample_images
    from signbit.cli.tables.agreement import (
        end_to_end_table,
        features_table,
        near_table,
        nodes_table,
        sizes_table,
        stem_table,
    )
    from signbit.cli.tables.calibration import calibrate as fitted
    from signbit.cli.tables.costs import kinds_table, layers_table, totals_table
    from signbit.cli.tables.verdict import agreement_lines, cost_lines, refusal_lines, stem_line
    from signbit.compiler.verification.verify import verify

    if (output is None) is not check:
        raise InputError("-o MODEL.sbnn names the file to write, --check writes none; give one")
    if renew_statistics is not None and (stem is not Stem.INT16 or output is None):
        raise InputError(
            "--renew-statistics is for a network whose stem is rounded: add --stem int16 and -o"
        )
    sure_of = {"--calibrate": calibrate, "--none-below": none_below}
    for option in (name for name, given in sure_of.items() if given is not None):
        if features or output is None:
            why = "--features has none" if features else "--check writes no file"
            raise InputError(f"{option} is about the classes of a file, and {why}; leave one out")
    if none_below is not None and not 0 <= none_below < 1:
        raise InputError(f"--none-below: must be from 0 to below 1, is {none_below:g}")
    if output is None:
        with console.figures_only():
            trained = deployed(run, features=features, probe=probe).run
            trained = with_int16_stem(trained) if stem is Stem.INT16 else trained
            refused = refusals_of(trained, allow_real or (), any_size=any_size, keep=keep or ())
        found = {"run": str(run), "refused": [asdict(each) for each in refused]}
        console.publish(found, refusal_lines(run, refused), as_json=json)
        raise typer.Exit(PROBLEMS if refused else DONE)
    require_writable(output)
    with console.figures_only(), ExitStack() as stack:
        source = deployed(run, features=features, probe=probe)
        trained, notes = source.run, source.notes
        weights = sum(parameter.numel() for parameter in trained.model.parameters())
        # A bit for each is the least that the file can take.
        stack.enter_context(held_open(output, least=weights // 8))
        dataset = sample_images(source, data, split, unreadable, images)
        labels = dataset.labels if trained.class_names else None
        change = renewed = None
        if stem is Stem.INT16:
            rounded = with_int16_stem(trained)
            change = _stem_change(trained, rounded, dataset)
            if renew_statistics is not None:
                seen = sample_images(source, data, "train", unreadable, renew_statistics)
                rounded = _renewed(rounded, seen)
                renewed = _stem_change(trained, rounded, dataset)
                notes = {**notes, "statistics": f"renewed on {counted(len(seen), 'image')}"}
            trained, notes = rounded, {**notes, "stem": stem.value}
        sure = None
        if calibrate is not None:
            seen = sample_images(source, data, split, unreadable, calibrate)
            notes = {**notes, "calibrated": f"on {counted(len(seen), 'image')} ({seen.split})"}
        compiled = compile_run(trained, notes, allow_real or (), any_size=any_size, keep=keep or ())
        if calibrate is not None:
            sure = fitted(compiled, seen)
        if sure is not None or none_below is not None:
            temperature = 1.0 if sure is None else sure.temperature
            compiled = compiled.with_confidence(temperature, none_below or 0.0)
        compiled.save(output)
        stack.close()  # who reads a FIFO has all of it
        console.say(f"{output}: written; running both sides on {counted(len(dataset), 'image')}")
        engine = signbit.load(compiled.data, threads=threads, isa=isa)
        agreement = verify(compiled, dataset.images, labels, engine=engine)
    cost = compiled.cost
    figures: dict[str, object] = {
        "run": str(run),
        "model": str(output),
        **cost.to_dict(),
        "agreement": agreement.to_dict(),
    }
    size, *costs = cost_lines(cost)
    answers = agreement_lines(compiled, agreement, classes=labels is not None)
    verdict = [f"{output}: {size}", *answers, *costs]
    wrong = [node for node in agreement.nodes if not node.agrees]
    tables = [
        kinds_table(cost),
        layers_table(cost),
        totals_table(str(output), cost),
        nodes_table(agreement.nodes),
        features_table(agreement) if labels is None else end_to_end_table(agreement),
        near_table(agreement),
    ]
    if any_size:
        figures["sizes"] = [each.to_dict() for each in compiled.sizes]
        tables.append(sizes_table(compiled))
    if sure is not None:
        figures["calibration"] = asdict(sure)
        verdict.append(sure.line)
    if change is not None:
        figures["int16_stem"] = change.to_dict()
        tables.append(stem_table(change))
        verdict.append(stem_line(change))
    if renewed is not None:
        figures["int16_stem_renewed"] = renewed.to_dict()
        tables.append(stem_table(renewed, renewed=True))
        verdict.append(f"with statistics estimated anew {stem_line(renewed)}")
    details = details or level() is Level.VERBOSE
    if not details:
        tables = [nodes_table(wrong)] if wrong else []
    shown: list[console.Titled | str] = [*verdict, "", *tables]
    console.publish(figures, shown, as_json=json, aside=descriptor_of(output) == 1)
    if not details:
        console.say("every layer, node and comparison: the same command with --details")
    if not agreement.agrees:
        console.say(
            "signbit: the engine and PyTorch disagree on some nodes; see the table", problem=True
        )
        raise typer.Exit(1)


def _renewed(rounded: Run, dataset: ImageDataset) -> Run:
    """The run with its batch-norms' statistics estimated anew on these images."""
    from dataclasses import replace

    from signbit.compiler.exporting.exported import normalise
    from signbit.nn import renew_statistics

    images = dataset.images
    mean, std = rounded.normalization
    batches = (
        normalise(images[first : first + _BATCH], mean, std)
        for first in range(0, len(images), _BATCH)
    )
    return replace(rounded, model=renew_statistics(rounded.model, batches))


def _stem_change(run: Run, rounded: Run, dataset: ImageDataset) -> StemChange:
    from signbit.compiler.verification.stem_change import compare_stems

    mean, std = run.normalization
    images, labels = dataset.images, dataset.labels if run.class_names else None
    return compare_stems(run.model, rounded.model, images, labels, mean=mean, std=std)
