"""What `signbit inspect --training` prints: bytes kept for backward, and which way layers take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from signbit.cli import console
from signbit.cli.arguments import is_run
from signbit.errors import InputError

if TYPE_CHECKING:
    from signbit.nn.paths import LayerPath

__all__ = ["paths_table", "show_training"]


def show_training(path: Path, *, as_json: bool) -> None:
    """Run one batch of the recipe's size through the run's network, and print what it keeps, and
    where native ops stand in for its layers."""
    if not is_run(path):
        raise InputError(
            f"{path}: --training needs a run folder; a compiled network does not train"
        )
    with console.figures_only():
        import torch

        from signbit.nn.paths import why
        from signbit.training import load_run
        from signbit.training.precision import Precision
        from signbit.training.reports.memory import kept_for_backward

        run = load_run(path)
        height, width, channels = run.input_size
        batch, compiled = run.recipe.batch_size, run.recipe.compile
        images = torch.randn(batch, channels, height, width)
        images = images.to(memory_format=torch.channels_last)
        parts = kept_for_backward(run.model, images)
        run.model.train()
        with Precision(run.recipe.precision, "cpu").forward():
            paths = why(run.model, images)
    total = sum(part.bytes for part in parts)
    figures = {
        "run": str(path),
        "batch_size": batch,
        "kept_bytes": total,
        "modules": [
            {"module": part.module, "type": part.kind, "kept_bytes": part.bytes} for part in parts
        ],
        "paths": [
            {"module": way.module, "type": way.kind, "path": way.path, "why": way.reason}
            for way in paths
        ],
    }
    rows: list[list[object]] = [[part.module, part.kind, part.bytes] for part in parts]
    rows.append(["all", "", total])
    title = f"kept for backward, a batch of {batch}"
    tables = [
        console.table(title, ["layer", "kind", "bytes"], rows, words=(0, 1), names=True),
        paths_table(paths, compiled),
    ]
    console.publish(figures, tables, as_json=as_json)


def paths_table(paths: list[LayerPath], compiled: bool) -> console.Titled:
    """A row for each layer; `compiled` says that the run trains under torch.compile."""
    return console.table(
        "how they train on a CPU" + (", were they not compiled" if compiled else ""),
        ["layer", "kind", "path", "why"],
        [[path.module, path.kind, path.path, path.reason] for path in paths],
        words=(0, 1, 2, 3),
        names=True,
    )
