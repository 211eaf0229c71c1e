"""`signbit report`: a page that shows how a network was trained, answers, looks and costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signbit.cli import console
from signbit.cli.arguments import (
    Data,
    Isa,
    Json,
    License,
    RunOrModel,
    Threads,
    UnreadableImages,
    is_run,
)
from signbit.errors import InputError
from signbit.files import require_writable, write_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from signbit.data.loading.dataset import ImageDataset
    from signbit.data.loading.readable import Unreadable
    from signbit.report.findings import Agreed, Findings
    from signbit.runtime.engine import Engine
    from signbit.training.recipe import Recipe
    from signbit.training.reports.curves import Curves

__all__ = ["Asked", "Subject", "made", "of_run", "report"]

_COMPARED = 256


@dataclass(frozen=True)
class Asked:
    """What the command line says of the images and the engine."""

    data: str | None
    split: str | None
    unreadable: Unreadable | None
    images: int
    threads: int | None
    isa: str | None

    def dataset(
        self,
        source: str,
        split: str,
        unreadable: Unreadable,
        names: Sequence[str],
        outputs: int | None = None,
    ) -> ImageDataset:
        """The images to answer, in the network's class order; arguments are what is not asked."""
        from signbit.cli.scoring import evenly, match_classes, open_split

        opened = open_split(self.data or source, self.split or split, self.unreadable or unreadable)
        return match_classes(opened.take(evenly(len(opened), self.images)), names, outputs)


@dataclass(frozen=True)
class Subject:
    """What the report is of: the file's bytes, its engine, and what else is known."""

    data: bytes
    engine: Engine
    images: ImageDataset | None
    curves: Curves | None = None
    agreed: Agreed | None = None
    without: tuple[str, ...] = ()
    recipe: Recipe | None = None
    facts: dict[str, Any] | None = None


def report(
    path: RunOrModel,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="REPORT.html", help="The page to write.")
    ],
    data: Data = None,
    split: Annotated[
        str | None,
        typer.Option(help="Which images; default: the recipe's test split, or test."),
    ] = None,
    unreadable: UnreadableImages = None,
    images: Annotated[
        int, typer.Option(min=1, help="The most labelled images to answer, evenly chosen.")
    ] = 10_000,
    figures: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write the charts there, too: SVG, PDF and PNG."),
    ] = None,
    license: License = None,
    threads: Threads = None,
    isa: Isa = None,
    json: Json = False,
) -> None:
    """Write a page that shows a run or a compiled network: one file, which opens anywhere.

    Curves, confusion matrix, accuracy of each class, the most certain mistakes, how often an answer
    of a given probability is right, signs and flips of every layer, first filters and sign maps of
    a photograph, bytes, operations and time of each layer. A run is compiled for it, and compared
    with PyTorch. A .sbnn file has no curves, and needs --data for answers.

    Example: [bold]signbit report runs/a -o report.html[/]
    Example: [bold]signbit report runs/demo/model.sbnn --data digits -o r.html[/]
    """
    from signbit.report.drawn import write_charts

    require_writable(output)
    if output.suffix.lower() not in (".html", ".htm") and not output.is_fifo():
        raise InputError(f"{output}: -o names a .html file")
    with console.figures_only():
        asked = Asked(data, split, unreadable, images, threads, isa)
        subject = of_run(path, asked) if is_run(path) else _of_file(path, asked)
        findings, charts, page = made(path.resolve().name, subject, license)
        write_file(output, page)
        written = [] if figures is None else write_charts(charts, figures)
    scores = findings.scores
    found: dict[str, object] = {
        "report": str(output),
        "bytes": len(page),
        "images": 0 if subject.images is None else len(subject.images),
        "top1": None if scores is None else scores.top1,
        "calibration_error": None if scores is None else scores.calibration_error(),
        "none_share": None if scores is None else float(1 - scores.named.mean()),
        "charts": [str(each) for each in written],
    }
    rows = {key: value for key, value in found.items() if key != "charts" and value is not None}
    console.publish(found, [console.figures_table("report", rows)], as_json=json)
    for line in subject.without:
        console.say(line)
    console.say(f"{output}: written")


def made(
    title: str, subject: Subject, license: str | None
) -> tuple[Findings, dict[str, Figure], bytes]:
    """What is found out about it, its charts, and the page."""
    from signbit.cli.progress import progress
    from signbit.report import card_of, gather, page_of
    from signbit.report.charts import charts_of

    total = 0 if subject.images is None else len(subject.images)
    with progress("images", total) as done:
        findings = gather(
            title,
            subject.data,
            subject.engine,
            card=card_of(subject.engine.source, subject.recipe, subject.facts, license=license),
            images=subject.images,
            curves=subject.curves,
            agreed=subject.agreed,
            without=subject.without,
            progress=done,
        )
    charts = charts_of(findings)
    return findings, charts, page_of(findings, charts).encode("utf-8", "replace")


def of_run(path: Path, asked: Asked) -> Subject:
    """The run in `path`, compiled, and compared with PyTorch."""
    import signbit
    from signbit.cli.runs import compile_run, deployed
    from signbit.cli.scoring import evenly
    from signbit.compiler.verification.verify import verify_end_to_end
    from signbit.report.findings import Agreed
    from signbit.training.reports.curves import read_curves
    from signbit.training.runs.folder import RunFolder, read_run

    features = read_run(path).recipe.selfsup is not None
    source = deployed(path, features=features, probe=None)
    run = source.run
    compiled = compile_run(run, source.notes)
    engine = signbit.load(compiled.data, threads=asked.threads, isa=asked.isa)
    known: dict[str, Any] = {"recipe": run.recipe, "facts": RunFolder(path).facts()}
    without: tuple[str, ...] = ()
    curves = None
    if run.history:
        curves = read_curves(path)
    else:
        without = ("It has no finished epoch here, so there are no curves.",)
    if not run.class_names:
        without = (*without, "It gives features, no classes, so there are no answers to show.")
        return Subject(compiled.data, engine, None, curves, without=without, **known)
    dataset = asked.dataset(source.data, source.test_split, source.unreadable, run.class_names)
    compared = run.preprocessing.fit(dataset.take(evenly(len(dataset), _COMPARED)))
    ends = verify_end_to_end(compiled, compared.images, compared.labels, engine=engine)
    agreed = Agreed(ends.images, ends.images - len(ends.changed))
    return Subject(compiled.data, engine, dataset, curves, agreed, without, **known)


def _of_file(path: Path, asked: Asked) -> Subject:
    import signbit
    from signbit.cli.scoring import load_classifier

    untold = "A file does not know how it was trained; a report of its run has the curves."
    if asked.data is None:
        engine = signbit.load(path, threads=asked.threads, isa=asked.isa)
        unseen = "No images were given: --data SOURCE shows how it answers."
        return Subject(path.read_bytes(), engine, None, without=(untold, unseen))
    engine = load_classifier(path, asked.threads, asked.isa)
    scores = engine.outputs[0].shape[2]
    dataset = asked.dataset(asked.data, "test", "refuse", engine.class_names, scores)
    return Subject(path.read_bytes(), engine, dataset, without=(untold,))
