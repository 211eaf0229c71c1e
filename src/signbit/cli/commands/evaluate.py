"""`signbit evaluate`: top-1 of a trained or of a compiled network."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signbit.cli import console
from signbit.cli.arguments import (
    Data,
    InputSize,
    Isa,
    Json,
    RunOrModel,
    Threads,
    UnreadableImages,
    is_run,
    what_it_is,
)
from signbit.errors import DataError, InputError

if TYPE_CHECKING:
    from signbit.data.loading.readable import Unreadable

__all__ = ["evaluate"]

Split = Annotated[
    str | None,
    typer.Option(help="Which images of the source; default: the recipe's test split, or test."),
]


def evaluate(
    path: RunOrModel,
    data: Data = None,
    split: Split = None,
    unreadable: UnreadableImages = None,
    input_size: InputSize = None,
    threads: Threads = None,
    isa: Isa = None,
    json: Json = False,
) -> None:
    """Measure top-1 on labelled images: of a run with PyTorch, of a .sbnn file with the engine.

    Every image counts once. A run knows its own data; a .sbnn file needs --data.

    Example: [bold]signbit evaluate runs/a[/]
    Example: [bold]signbit evaluate runs/demo/model.sbnn --data digits[/]
    """
    with console.figures_only():
        if is_run(path):
            if input_size is not None:
                raise InputError("--input-size is for a .sbnn file; a run has its own size")
            figures = _evaluate_run(path, data, split, unreadable)
        elif data is None:
            raise DataError(f"{path}: a compiled network does not know its data; add --data SOURCE")
        else:
            rule = split or "test", unreadable or "refuse"
            figures = _evaluate_model(path, data, *rule, input_size, threads, isa)
    figures = {what_it_is(path): str(path), **figures}
    console.publish(figures, [console.figures_table("evaluation", figures)], as_json=json)


def _evaluate_run(
    path: Path, data: str | None, split: str | None, unreadable: Unreadable | None
) -> dict[str, object]:
    from signbit.cli.runs import say_state
    from signbit.cli.scoring import match_classes, open_split
    from signbit.training import evaluate_model, load_run

    run = load_run(path)
    say_state(run)
    source = data or run.recipe.data.source
    split = split or run.recipe.data.test_split
    images = open_split(source, split, unreadable or run.recipe.data.unreadable)
    dataset = match_classes(images, run.class_names)
    measured = evaluate_model(run.model, dataset, run.preprocessing)
    return {
        "split": dataset.split,
        "data": source,
        "top1": measured.top1,
        "images": measured.images,
        "loss": measured.loss,
    }


def _evaluate_model(
    path: Path,
    data: str,
    split: str,
    unreadable: Unreadable,
    input_size: tuple[int, int] | None,
    threads: int | None,
    isa: str | None,
) -> dict[str, object]:
    from signbit.cli.progress import progress
    from signbit.cli.scoring import load_classifier, match_classes, open_split
    from signbit.data.loading.readers import HOW_TO_SKIP
    from signbit.data.pixels.decoding import batches
    from signbit.runtime.photographs import resize_rule
    from signbit.runtime.ports import first_output

    engine = load_classifier(path, threads, isa, input_size)
    rule = resize_rule(engine)
    opened = open_split(data, split, "refuse")
    dataset = match_classes(opened, engine.class_names, engine.outputs[0].shape[2])
    skips = unreadable == "skip"
    read = dataset.reader(engine.input_shape, rule, cure="" if skips else HOW_TO_SKIP)
    skipped: list[str] = []

    def skip(reason: str) -> None:
        console.say(f"skipped: {reason}")
        skipped.append(reason)

    right = 0
    start = time.perf_counter()
    with progress("images", len(dataset)) as done:
        for indices, images in batches(
            read, len(dataset), engine.input_shape, skip if skips else None
        ):
            right += int(
                (first_output(engine(images)).argmax(axis=1) == dataset.labels[indices]).sum()
            )
            done(indices[-1] + 1)
    count = len(dataset) - len(skipped)
    if not count:
        raise DataError(
            f"{data}: none of the {len(dataset)} images of the {split} split can be read"
        )
    return {
        "split": dataset.split,
        "data": data,
        "top1": right / count,
        "images": count,
        "input_size": list(engine.input_shape[:2]),
        "images_per_s": count / (time.perf_counter() - start),
        "threads": engine.threads,
        "isa": engine.isa,
    }
