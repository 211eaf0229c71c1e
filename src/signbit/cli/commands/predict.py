"""`signbit predict`: what a compiled network sees in photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signbit.cli import console
from signbit.cli.arguments import InputSize, Isa, Json, Model, Threads
from signbit.errors import SignbitError

if TYPE_CHECKING:
    from signbit.runtime.engine import Engine

__all__ = ["predict"]


def predict(
    model: Model,
    photos: Annotated[
        list[Path],
        typer.Argument(metavar="PHOTO", exists=True, dir_okay=False, help="Any image files."),
    ],
    top: Annotated[
        int, typer.Option(min=1, help="Classes, or similar images, to show for each photo.")
    ] = 5,
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

    Each photo is scaled and cropped by the rule in the file; the likeliest classes are printed.

    With --nearest the images of a folder are printed instead whose outputs are most similar, by
    their cosine. Compile the network with --features for it. An image that cannot be read is named
    and left out.

    Example: [bold]signbit predict model.sbnn cat.jpg dog.png --top 3[/]
    Example: [bold]signbit predict features.sbnn cat.jpg --nearest photos[/]
    """
    import signbit
    from signbit.cli.scoring import load_classifier

    if nearest is None:
        engine = load_classifier(model, threads, isa, input_size)
        _classify(engine, model, photos, top, as_json=json)
    else:
        engine = signbit.load(model, threads=threads, isa=isa, input_size=input_size)
        _similar(engine, model, photos, nearest, top, as_json=json)


def _classify(engine: Engine, model: Path, photos: list[Path], top: int, *, as_json: bool) -> None:
    import numpy as np

    from signbit.data.pixels.images import decode, fit
    from signbit.runtime.photographs import resize_rule

    shorter_side, interpolation = resize_rule(engine)
    rule = engine.input_shape, shorter_side, interpolation
    images = [fit(decode(photo.read_bytes(), str(photo)), *rule) for photo in photos]
    logits = engine(np.stack(images)).astype(np.float64)
    for photo, row in zip(photos, logits, strict=True):
        if not np.isfinite(row).all():
            raise SignbitError(
                f"{model}: its scores for {photo} are not finite numbers, as constants of the "
                "file overflow float32; compile the run again"
            )
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    names = engine.class_names or [f"class {index}" for index in range(logits.shape[1])]

    found, tables = [], []
    for photo, row in zip(photos, probabilities, strict=True):
        best = np.argsort(-row, kind="stable")[:top]
        classes = [{"name": names[index], "probability": float(row[index])} for index in best]
        found.append({"file": str(photo), "classes": classes})
        rows = [[names[index], console.percent(row[index])] for index in best]
        tables.append(console.table(str(photo), ["class", "probability"], rows))
    console.publish({"model": str(model), "photos": found}, tables, as_json=as_json)


def _similar(
    engine: Engine, model: Path, photos: list[Path], folder: Path, top: int, *, as_json: bool
) -> None:
    import numpy as np

    from signbit.data.pixels.images import decode, fit
    from signbit.runtime.photographs import resize_rule
    from signbit.selfsup.evaluation.retrieval import embed, image_files, read_gallery

    shorter_side, interpolation = resize_rule(engine)
    rule = engine.input_shape, shorter_side, interpolation
    images = [fit(decode(photo.read_bytes(), str(photo)), *rule) for photo in photos]
    skipped: list[str] = []

    def skip(reason: str) -> None:
        console.say(f"left out: {reason}")
        skipped.append(reason)

    files, gallery = read_gallery(engine, image_files(folder), shorter_side, interpolation, skip)
    matches = gallery.nearest(embed(engine, np.stack(images)), top)
    found, tables = [], []
    for photo, best in zip(photos, matches, strict=True):
        similar = [{"file": str(files[each.index]), "cosine": each.similarity} for each in best]
        found.append({"file": str(photo), "nearest": similar})
        rows = [[each["file"], each["cosine"]] for each in similar]
        tables.append(console.table(str(photo), ["most similar", "cosine"], rows))
    figures: dict[str, object] = {
        "model": str(model),
        "folder": str(folder),
        "images": len(files),
        "skipped": skipped,
        "photos": found,
    }
    console.publish(figures, tables, as_json=as_json)
