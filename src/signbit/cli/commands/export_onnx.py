"""`signbit export onnx`: a trained network as ONNX, checked in the runtime that it is for."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from signbit.cli import console
from signbit.cli.arguments import Data, Json, Keep, RunFolder, UnreadableImages
from signbit.cli.main import PROBLEMS
from signbit.files import descriptor_of, held_open, write_file
from signbit.words import counted

if TYPE_CHECKING:
    from signbit.exchange.onnx.writing.peers import Asked

__all__ = ["Form", "export_onnx"]


class Form(Enum):
    """How signs and their products are written."""

    PLAIN = "plain"
    QONNX = "qonnx"
    OPENVINO = "openvino"


def export_onnx(
    run: RunFolder,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="MODEL.onnx", help="The file to write.")
    ],
    form: Annotated[
        Form,
        typer.Option(
            help="Signs as floats, for ONNX Runtime and most others; as QONNX's quantisers; or as "
            "OpenVINO makes binary convolutions of them."
        ),
    ] = Form.PLAIN,
    data: Data = None,
    images: Annotated[int, typer.Option(min=1, help="Images to compare both sides on.")] = 256,
    split: Annotated[
        str | None, typer.Option(help="The test images' split; default: as the run has it.")
    ] = None,
    unreadable: UnreadableImages = None,
    allow_real: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LAYER",
            help="As of [bold]signbit compile[/]: a layer that may compute in float32.",
        ),
    ] = None,
    keep: Keep = None,
    json: Json = False,
) -> None:
    """Write a trained network as ONNX, for other people's runtimes.

    Whatever [bold]signbit compile[/] takes can be exported. If the form's own runtime is installed
    (onnxruntime, openvino or qonnx), the file runs in it on test images, beside PyTorch. Exit code
    1: they disagree.

    Example: [bold]signbit export onnx runs/a -o model.onnx[/]
    """
    from signbit.cli.runs import compile_run, deployed
    from signbit.cli.scoring import sample_images
    from signbit.exchange.onnx.writing import PEERS, ask_peer, to_onnx

    peer = PEERS[form.value]
    with console.figures_only(), held_open(output):
        source = deployed(run, features=False, probe=None)
        dataset = sample_images(source, data, split, unreadable, images)
        compiled = compile_run(source.run, source.notes, allow_real or (), keep=keep or ())
        written = to_onnx(compiled, form.value)
        write_file(output, written)
    with console.figures_only():
        labels = dataset.labels if source.run.class_names else None
        asked = ask_peer(written, form.value, compiled, dataset.images, labels)
    figures = {
        "run": str(run),
        "onnx": str(output),
        "form": form.value,
        "bytes": len(written),
        "check": asked and asked.to_dict(),
    }
    lines = [f"{output}: {console.compact(len(written), 'B')} of ONNX, form {form.value}"]
    lines += _verdict(asked) if asked else [f"not checked: {peer.title} is not installed"]
    console.publish(figures, lines, as_json=json, aside=descriptor_of(output) == 1)
    if asked is None:
        console.say(f"to check it, install the package {peer.module} and export again")
    elif not asked.agrees:
        console.say(f"signbit: {asked.runtime} and PyTorch disagree", problem=True)
        raise typer.Exit(PROBLEMS)


def _verdict(asked: Asked) -> list[str]:
    """How many answers are PyTorch's, and how many of PyTorch's are its own in another order."""
    found = asked.end_to_end
    count = counted(found.images, "image")
    same = (
        f"{asked.runtime}: PyTorch's top class on {found.images - found.disagreements} of {count}"
        f"; PyTorch without oneDNN: on {found.images - found.onednn_disagreements}"
    )
    if found.engine_top1 is None or found.pytorch_top1 is None:
        return [same]
    tops = (console.percent(top) for top in (found.engine_top1, found.pytorch_top1))
    return [same, "top-1 {}, PyTorch {}".format(*tops)]
