"""From a run folder to a compiled network, for every command that needs one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signbit.compiler import Compiled
    from signbit.training import Run

__all__ = ["compile_run", "with_int16_stem"]


def with_int16_stem(run: Run) -> Run:
    """The run with its network's stem rounded to int16; InputError where that cannot be done."""
    from signbit.rounding import round_stem

    mean, std = run.normalization
    return replace(run, model=round_stem(run.model, mean, std, input_size=run.input_size))


def compile_run(run: Run, notes: Mapping[str, str] | None = None) -> Compiled:
    """Compile a run's network; the file remembers where it came from, and these notes."""
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
            **(notes or {}),
        },
    )
