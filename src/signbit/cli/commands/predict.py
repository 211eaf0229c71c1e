"""`signbit predict`: what a compiled network sees in photos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signbit.cli import console
from signbit.cli.answers import CLASSES, NEAREST, Answers, Found, Kind, answers_file
from signbit.cli.arguments import InputSize, Isa, Json, Model, Threads
from signbit.cli.main import PROBLEMS
from signbit.errors import InputError, SignbitError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from signbit.runtime.engine import Engine

__all__ = ["predict"]


def predict(
    model: Model,
    photos: Annotated[
        list[str],
        typer.Argument(
            metavar="PHOTO",
            help="Image files, folders with all images in them, or patterns in quotes ('*.jpg').",
        ),
    ],
    top: Annotated[
        int | None,
        typer.Option(
            min=1, help="Classes, or similar images, for each photo; default: 1 class, or 5 images."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=answers_file,
            help="Write the answers to a .csv or .jsonl file, each as soon as it is known.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file of --out if it is there.")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the file of --out: answer what it lacks."),
    ] = False,
    nearest: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            exists=True,
            file_okay=False,
            help="Show the images of this folder, and of those in it, that are most similar.",
        ),
    ] = None,
    input_size: InputSize = None,
    threads: Threads = None,
    isa: Isa = None,
    json: Json = False,
) -> None:
    """Classify photos with a compiled network, or find similar ones, without PyTorch.

    Each photo is scaled and cropped by the rule in the file; a line says its likeliest class. A
    photo that cannot be read is named and left out, and the exit code is 1.

    With --nearest the images of a folder are printed instead whose outputs are most similar, by
    their cosine. Compile the network with --features for it.

    Example: [bold]signbit predict model.sbnn cat.jpg --top 3[/]
    Example: [bold]signbit predict model.sbnn photos --out answers.csv[/]
    Example: [bold]signbit predict features.sbnn cat.jpg --nearest photos[/]
    """
    import signbit
    from signbit.cli.photos import photographs
    from signbit.cli.progress import progress
    from signbit.cli.scoring import load_classifier
    from signbit.data.pixels.decoding import batches
    from signbit.runtime.photographs import Photographs

    if out is None and (resume or overwrite):
        raise InputError("--resume and --overwrite are about the file of --out; add --out FILE")
    if resume and overwrite:
        raise InputError("--resume keeps the file of --out, --overwrite replaces it; give only one")
    given = photographs(photos)
    skipped: list[str] = []

    def skip(reason: str) -> None:
        console.say(f"left out: {reason}", problem=True)
        skipped.append(reason)

    def read(index: int) -> NDArray[Any]:
        return prepare(files[index])

    if nearest is None:
        engine = load_classifier(model, threads, isa, input_size)
        finder = _classes(engine, model, top or 1)
    else:
        engine = signbit.load(model, threads=threads, isa=isa, input_size=input_size)
        finder = _similar(engine, nearest, top or 5, skip)
    of_folder = len(skipped)
    prepare = Photographs(engine)
    existing = {"resume": resume, "overwrite": overwrite}
    answers = Answers(
        finder.kind, finder.most, out, **existing, as_json=json, tells_none=finder.tells_none
    )
    files = answers.left(given)
    with (
        closing(answers),
        answers.told_of_interrupts(),
        progress("photos", len(files), lines=answers.are_lines) as done,
    ):
        for indices, images in batches(read, len(files), engine.input_shape, skip):
            names = [files[index] for index in indices]
            for name, found in zip(names, finder.find(names, images), strict=True):
                answers.add(name, found)
            done(indices[-1] + 1)
        answers.say_where()
        if json:
            answers.publish({"model": str(model), **finder.figures, "skipped": skipped})
    if len(skipped) > of_folder:
        raise typer.Exit(PROBLEMS)


@dataclass(frozen=True)
class _Finder:
    """What is found for photographs, how much of it at most, by what, and figures about that.

    `find` takes paths and their pixels (n, H, W, C). tells_none: whether the answer can be none.
    """

    kind: Kind
    most: int
    find: Callable[[Sequence[str], NDArray[Any]], list[Found]]
    figures: dict[str, object]
    tells_none: bool = False


def _classes(engine: Engine, model: Path, top: int) -> _Finder:
    from signbit.runtime.ports import first_output
    from signbit.runtime.prediction import class_labels, predictions

    labels, output = class_labels(engine), engine.outputs[0]

    def find(files: Sequence[str], images: NDArray[Any]) -> list[Found]:
        try:
            scores = first_output(engine(images))
            found = predictions(scores, output, labels, files)
            return [Found(each.top(top), each.is_none) for each in found]
        except SignbitError as error:
            raise SignbitError(f"{model}: {error}") from error

    return _Finder(CLASSES, min(top, len(labels)), find, {}, output.least_probability > 0)


def _similar(engine: Engine, folder: Path, top: int, skip: Callable[[str], None]) -> _Finder:
    from signbit.runtime.photographs import resize_rule
    from signbit.selfsup.evaluation.retrieval import embed, image_files, read_gallery

    files, gallery = read_gallery(engine, image_files(folder), resize_rule(engine), skip)

    def find(_: Sequence[str], images: NDArray[Any]) -> list[Found]:
        matches = gallery.nearest(embed(engine, images), top)
        return [
            Found([(str(files[each.index]), each.similarity) for each in best]) for best in matches
        ]

    figures = {"folder": str(folder), "images": len(files)}
    return _Finder(NEAREST, min(top, len(files)), find, figures)
