"""From a run folder to a compiled network, for every command that needs one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signbit.compiler import Compiled
    from signbit.training import Run

__all__ = ["compile_run"]


def compile_run(run: Run) -> Compiled:
    """Compile a run's network; the file remembers where it came from."""
    import signbit
    from signbit.compiler import compile_model

    mean, std = run.normalization
    shorter_side, interpolation = run.resize
    return compile_model(
        run.model,
        input_size=run.input_size,
        mean=mean,
        std=std,
        class_names=run.class_names,
        resize_shorter_side=shorter_side,
        interpolation=interpolation,
        source={
            "recipe": run.recipe.description,
            "network": run.recipe.network,
            "method": run.recipe.method.name,
            "data": run.recipe.data.source,
            "epochs": str(run.epoch),
            "signbit": signbit.__version__,
        },
    )
