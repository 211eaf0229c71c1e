"""`signbit predict`: what a compiled network sees in photos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from signbit.cli import console
from signbit.cli.arguments import Isa, Json, Model, Threads
from signbit.errors import SignbitError

__all__ = ["predict"]


def predict(
    model: Model,
    photos: Annotated[
        list[Path],
        typer.Argument(metavar="PHOTO", exists=True, dir_okay=False, help="Any image files."),
    ],
    top: Annotated[int, typer.Option(min=1, help="Classes to show for each photo.")] = 5,
    threads: Threads = None,
    isa: Isa = None,
    json: Json = False,
) -> None:
    """Classify photos with a compiled network, without PyTorch.

    Each photo is scaled and cropped by the rule in the file; the likeliest classes are printed.

    Example: [bold]signbit predict model.sbnn cat.jpg dog.png --top 3[/]
    """
    import numpy as np

    from signbit.cli.scoring import load_classifier, resize_rule
    from signbit.data.images import decode, fit

    engine = load_classifier(model, threads, isa)
    shorter_side, interpolation = resize_rule(engine)
    images = [
        fit(decode(photo.read_bytes(), str(photo)), engine.input_shape, shorter_side, interpolation)
        for photo in photos
    ]
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
    console.publish({"model": str(model), "photos": found}, tables, as_json=json)
