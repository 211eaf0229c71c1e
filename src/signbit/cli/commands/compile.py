"""`signbit compile`: a trained network to a one-bit file, and how far both sides agree."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signbit.cli import console
from signbit.cli.arguments import Data, Isa, Json, RunFolder, Threads, UnreadableImages
from signbit.cli.levels import Level, level
from signbit.files import descriptor_of, require_writable
from signbit.words import counted

if TYPE_CHECKING:
    from signbit.cli.runs import Deployed
    from signbit.compiler import Compiled
    from signbit.compiler.verification.agreement import Agreement, NodeAgreement
    from signbit.compiler.verification.stem_change import StemChange
    from signbit.data import ImageDataset
    from signbit.data.loading.readable import Unreadable
    from signbit.training import Run

__all__ = ["Stem", "compile_"]


class Stem(Enum):
    """What the first layer computes in."""

    FLOAT32 = "float32"
    INT16 = "int16"


def compile_(
    run: RunFolder,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="MODEL.sbnn", help="The file to write.")
    ],
    data: Data = None,
    images: Annotated[int, typer.Option(min=1, help="Images to compare both sides on.")] = 256,
    stem: Annotated[
        Stem, typer.Option(help="int16 rounds the first layer: whole numbers on every CPU.")
    ] = Stem.FLOAT32,
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
    With --stem int16 the network is rounded in PyTorch first, and what that changed is reported.

    Example: [bold]signbit compile runs/a -o model.sbnn[/]
    Example: [bold]signbit compile runs/b --features -o features.sbnn[/]
    """
    import signbit
    from signbit.cli.runs import compile_run, deployed, with_int16_stem
    from signbit.cli.tables.costs import kinds_table, layers_table, totals_table
    from signbit.cli.tables.verdict import agreement_lines, cost_lines, stem_line
    from signbit.compiler.verification.verify import verify

    require_writable(output)
    with console.figures_only():
        source = deployed(run, features=features, probe=probe)
        trained, notes = source.run, source.notes
        dataset = _sample(source, data, split, unreadable, images)
        labels = dataset.labels if trained.class_names else None
        change = None
        if stem is Stem.INT16:
            rounded = with_int16_stem(trained)
            change = _stem_change(trained, rounded, dataset)
            trained, notes = rounded, {**notes, "stem": stem.value}
        compiled = compile_run(trained, notes, allow_real or (), any_size=any_size)
        compiled.save(output)
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
        _nodes(agreement.nodes),
        _features(agreement) if labels is None else _end_to_end(agreement),
        _near(agreement),
    ]
    if any_size:
        figures["sizes"] = [each.to_dict() for each in compiled.sizes]
        tables.append(_sizes(compiled))
    if change is not None:
        figures["int16_stem"] = change.to_dict()
        tables.append(_stem_table(change))
        verdict.append(stem_line(change))
    details = details or level() is Level.VERBOSE
    if not details:
        tables = [_nodes(wrong)] if wrong else []
    shown: list[console.Titled | str] = [*verdict, "", *tables]
    console.publish(figures, shown, as_json=json, aside=descriptor_of(output) == 1)
    if not details:
        console.say("every layer, node and comparison: the same command with --details")
    if not agreement.agrees:
        console.say(
            "signbit: the engine and PyTorch disagree on some nodes; see the table", problem=True
        )
        raise typer.Exit(1)


def _sample(
    source: Deployed,
    data: str | None,
    split: str | None,
    unreadable: Unreadable | None,
    count: int,
) -> ImageDataset:
    """`count` test images, spread evenly, as the network's input."""
    import numpy as np

    from signbit.cli.scoring import match_classes, open_split

    run = source.run
    # Features have no classes, so that images to compare them on need none either.
    labelled = bool(run.class_names)
    dataset = open_split(
        data or source.data,
        split or source.test_split,
        unreadable or source.unreadable,
        labelled=labelled,
    )
    chosen = np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(np.int64)
    return run.preprocessing.fit(match_classes(dataset.take(chosen), run.class_names))


def _stem_change(run: Run, rounded: Run, dataset: ImageDataset) -> StemChange:
    from signbit.compiler.verification.stem_change import compare_stems

    mean, std = run.normalization
    images, labels = dataset.images, dataset.labels if run.class_names else None
    return compare_stems(run.model, rounded.model, images, labels, mean=mean, std=std)


def _stem_table(change: StemChange) -> console.Titled:
    from signbit.compiler.verification.cosine import median

    rows: list[list[object]] = [
        ["images", change.images],
        ["other top class, or largest feature", change.changed],
        ["median cosine of the outputs", _cosine(median(list(change.cosines)))],
    ]
    if change.float32_top1 is not None and change.int16_top1 is not None:
        rows.append(["top-1, float32 stem", console.percent(change.float32_top1)])
        rows.append(["top-1, int16 stem", console.percent(change.int16_top1)])
    return console.table("what the int16 stem changed, in PyTorch", ["what", "figure"], rows)


def _nodes(nodes: Sequence[NodeAgreement]) -> console.Titled:
    columns = ["node", "op", "integers", "differ", "signs", "differ", "at threshold", "reals"]
    rows = [
        [
            node.name,
            node.op,
            node.dots or None,
            node.dots_different if node.dots else None,
            node.signs or None,
            node.signs_different if node.signs else None,
            len(node.signs_near) if node.signs else None,
            f"{node.relative_error:.1e}" if node.reals else None,
            "yes" if node.agrees else "NO",
        ]
        for node in nodes
    ]
    return console.table(
        "node by node, each fed PyTorch's own input; reals: largest error by largest value",
        [*columns, "agrees"],
        rows,
        words=(0, 1),
        names=True,
    )


def _near(agreement: Agreement) -> console.Titled:
    near = agreement.near
    rows: list[list[object]] = [
        ["signs that differ", near["signs"]],
        ["images with such a sign", near["images"]],
        ["of these, another top class, or largest feature", near["answers_changed"]],
    ]
    return console.table("signs next to their threshold", ["what", "figure"], rows)


def _sizes(compiled: Compiled) -> console.Titled:
    rows: list[list[object]] = []
    for other in compiled.sizes:
        size = "×".join(map(str, other.size))
        if other.agreement is None:
            rows.append([size, None, None, f"does not fit: {other.why}"])
            continue
        signs = sum(node.signs for node in other.agreement.nodes)
        error = max(node.relative_error for node in other.agreement.nodes)
        rows.append([size, signs, f"{error:.1e}", "agrees"])
    columns = ["height×width", "signs", "largest error", "with PyTorch, on random pixels"]
    return console.table("other sizes", columns, rows, words=(0, 3))


def _end_to_end(agreement: Agreement) -> console.Titled:
    found = agreement.end_to_end
    rows: list[list[object]] = [
        ["images", found.images],
        ["same top class", console.percent(found.agreement)],
        ["other top class, engine", found.disagreements],
        ["other top class, PyTorch without oneDNN", found.onednn_disagreements],
    ]
    if found.pytorch_top1 is not None and found.engine_top1 is not None:
        rows.append(["top-1, PyTorch", console.percent(found.pytorch_top1)])
        rows.append(["top-1, engine", console.percent(found.engine_top1)])
    return console.table("end to end, against PyTorch", ["what", "figure"], rows)


def _features(agreement: Agreement) -> console.Titled:
    from signbit.compiler.verification.cosine import median

    found = agreement.end_to_end
    rows: list[list[object]] = [["images", found.images]]
    for what, cosines in (
        ("engine", found.cosines),
        ("PyTorch without oneDNN", found.onednn_cosines),
    ):
        rows.append([f"median cosine of the features, {what}", _cosine(median(cosines))])
        rows.append([f"smallest cosine, {what}", _cosine(min(cosines, default=None))])
    return console.table("end to end, against PyTorch", ["what", "figure"], rows)


def _cosine(value: float | None) -> str | None:
    return None if value is None else f"{value:.6f}"
