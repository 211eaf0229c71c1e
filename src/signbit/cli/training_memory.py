"""What `signbit inspect --training` prints: bytes kept for backward, by layer."""

from __future__ import annotations

from pathlib import Path

from signbit.cli import console
from signbit.cli.arguments import is_run
from signbit.errors import InputError

__all__ = ["show_training_memory"]


def show_training_memory(path: Path, *, as_json: bool) -> None:
    """Run one batch of the recipe's size through the run's network, and print what it keeps."""
    if not is_run(path):
        raise InputError(
            f"{path}: --training needs a run folder; a compiled network does not train"
        )
    with console.figures_only():
        import torch

        from signbit.training import load_run
        from signbit.training.memory import kept_for_backward

        run = load_run(path)
        height, width, channels = run.input_size
        batch = run.recipe.batch_size
        images = torch.randn(batch, channels, height, width)
        parts = kept_for_backward(run.model, images.contiguous(memory_format=torch.channels_last))
    total = sum(part.bytes for part in parts)
    figures = {
        "model": str(path),
        "batch_size": batch,
        "bytes": total,
        "layers": [
            {"module": part.module, "kind": part.kind, "bytes": part.bytes} for part in parts
        ],
    }
    rows: list[list[object]] = [[part.module, part.kind, part.bytes] for part in parts]
    rows.append(["all", "", total])
    title = f"kept for backward, a batch of {batch}"
    tables = [console.table(title, ["layer", "kind", "bytes"], rows, words=(0, 1))]
    console.publish(figures, tables, as_json=as_json)
