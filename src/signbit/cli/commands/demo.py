"""`signbit demo`: train, compile and run on the built-in digits, and compare the two sides."""

from __future__ import annotations

import json as json_text
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signbit.cli import console
from signbit.cli.arguments import Json, folder_to_write
from signbit.errors import SignbitError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["demo"]

RECIPE = "sdbnn-digits"


def demo(
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR", parser=folder_to_write, help="Where the run and model.sbnn go."
        ),
    ],
    json: Json = False,
) -> None:
    """Do the whole job on the built-in digits: train, compile to one bit, run without PyTorch.

    Leaves DIR/run and DIR/model.sbnn, and compares what was trained with what runs.

    Example: [bold]signbit demo --out runs/demo[/]
    """
    import torch

    from signbit import recipes
    from signbit.cli.runs import compile_run
    from signbit.cli.scoring import match_classes, top1
    from signbit.data import open_dataset
    from signbit.data.pixels.transforms import Normalization, to_unit
    from signbit.training import load_run
    from signbit.training import train as train_recipe

    torch.set_num_threads(1)  # images of 8×8: a second thread costs more than it brings
    model_file = out / "model.sbnn"
    with console.figures_only():
        console.say("training on 1,435 digits of scikit-learn")
        train_recipe(recipes.load(RECIPE), None, out / "run")
        run = load_run(out / "run")
        console.say("compiling")
        compile_run(run).save(model_file)
        dataset = match_classes(open_dataset(run.recipe.data.source, "test"), run.class_names)
        dataset = run.preprocessing.fit(dataset)
        normalize = Normalization(*run.normalization)
        with torch.inference_mode():
            trained = run.model(normalize(to_unit(torch.from_numpy(dataset.images)))).numpy()
        console.say("running the file in a process of its own, without PyTorch")
        compiled, speed = _run_alone(model_file, dataset.images)

    figures: dict[str, Any] = {
        "run": str(out / "run"),
        "model": str(model_file),
        "pytorch_top1": top1(trained, dataset.labels),
        "engine_top1": top1(compiled, dataset.labels),
        "same_answers": float((trained.argmax(1) == compiled.argmax(1)).mean()),
        "trained_bytes": 4 * sum(parameter.numel() for parameter in run.model.parameters()),
        "bytes": model_file.stat().st_size,
        "images": len(dataset),
        **speed,
    }
    console.publish(figures, [_table(figures)], as_json=json)
    console.say(f"next: {console.command('inspect', model_file)}")


def _run_alone(
    model_file: Path, images: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Logits and speed of the file in a fresh process that cannot import PyTorch."""
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        inputs, outputs = Path(folder) / "images.npy", Path(folder) / "logits.npy"
        np.save(inputs, images)
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "signbit.cli.without_torch",
                str(model_file),
                str(inputs),
                str(outputs),
            ],
            stdout=subprocess.PIPE,
            check=False,
        )
        if done.returncode:
            raise SignbitError(f"{model_file}: could not be run; the reason is printed above")
        return np.load(outputs), json_text.loads(done.stdout)


def _table(figures: dict[str, Any]) -> console.Titled:
    rows = [
        ["top-1, trained network", console.percent(figures["pytorch_top1"])],
        ["top-1, compiled file", console.percent(figures["engine_top1"])],
        ["same answer", console.percent(figures["same_answers"])],
        ["network in float32", console.compact(figures["trained_bytes"], "B")],
        ["model.sbnn", console.compact(figures["bytes"], "B")],
        ["times smaller", f"{figures['trained_bytes'] / figures['bytes']:.1f}"],
        ["one image", f"{figures['ms_per_image']:.3f} ms"],
    ]
    return console.table(f"{figures['images']} held-out digits", ["what", "figure"], rows)
