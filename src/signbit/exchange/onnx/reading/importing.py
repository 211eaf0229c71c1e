"""`signbit import FILE.onnx`: a file becomes a run folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from signbit.data import open_dataset
from signbit.data.loading.say import Say, log
from signbit.errors import InputError
from signbit.exchange.imported import new_folder, write_graph_run
from signbit.exchange.onnx.reading.walk import read_onnx
from signbit.printable import printable
from signbit.training.runs.folder import Run
from signbit.words import counted

__all__ = ["import_onnx"]


def import_onnx(
    file: str | Path,
    out: str | Path,
    *,
    data: str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    raw_pixels: bool = False,
    input_size: tuple[int, int] | None = None,
    sign_of_zero: int = 0,
    say: Say = log,
) -> Run:
    """Write the network of an ONNX or QONNX file as the run folder `out`, and read it back.

    data: a source of images, which the run remembers as its own, and whose classes are the scores'
    names, in the same order; without it they are as signbit wrote into the file, or numbers. The
    other arguments are `read_onnx`'s, and so are the errors; InputError where the images have
    another number of classes.
    """
    file = Path(file)
    folder = new_folder(out, file, data)
    graph = read_onnx(
        file,
        mean=mean,
        std=std,
        raw_pixels=raw_pixels,
        input_size=input_size,
        sign_of_zero=sign_of_zero,
        say=say,
    )
    names = None if data is None else tuple(open_dataset(data, "train").class_names)
    if names is not None and len(names) != graph.classes:
        raise InputError(
            f"{data} has {counted(len(names), 'class', 'classes')}, {file} {graph.classes} scores"
        )
    return write_graph_run(
        graph,
        folder,
        file,
        name=file.name,
        source=printable(file.name),
        data=data,
        class_names=names or graph.class_names or None,
    )
