"""Whether a stored run goes on as a recipe says: the same one, or one of other epochs alone."""

from __future__ import annotations

from pathlib import Path

import torch

from signbit.errors import CheckpointError
from signbit.nn.estimators import Estimator
from signbit.training.networks import make_method, network_of
from signbit.training.recipe import Recipe
from signbit.training.recipe.identity import identity
from signbit.training.recipe.parsing import flat
from signbit.training.recipe.sections import Steps, WarmUp

__all__ = ["require_continues"]


def require_continues(path: Path, stored: Recipe, recipe: Recipe, done: int) -> None:
    """Raise CheckpointError unless the run in `path`, of `stored`, goes on as `recipe`.

    It does where no value that changes the numbers differs, or none but the epochs and the `done`
    ones, those that are finished, would have been the same. The message names every difference.
    """
    there, now = flat(identity(stored)), flat(identity(recipe))
    differing = [key for key in sorted({*there, *now}) if there.get(key) != now.get(key)]
    if differing == ["epochs"]:
        _require_same_epochs(path, stored, recipe.epochs, done)
    elif differing:
        differences = [
            f"{key} is {there.get(key, 'absent')} there and {now.get(key, 'absent')} now"
            for key in differing
        ]
        raise CheckpointError(
            f"{path}: holds a run of another recipe ({'; '.join(differences)}); "
            "resume with the same recipe, or choose another folder"
        )


def _require_same_epochs(path: Path, stored: Recipe, epochs: int, done: int) -> None:
    reason = _why_not(stored, epochs, done)
    if reason is None:
        return
    cure = f"go on with epochs={stored.epochs}, or choose another folder"
    if done == stored.epochs < epochs:
        cure = f"to train its network further, begin another run from it: --out FOLDER start={path}"
    raise CheckpointError(
        f"{path}: epochs is {stored.epochs} there and {epochs} now, which cannot be, as {reason}; "
        f"{cure}"
    )


def _why_not(stored: Recipe, epochs: int, done: int) -> str | None:
    """Why the `done` epochs of a run of `stored` are not the first ones of one of `epochs`."""
    schedule = stored.schedule
    if epochs < done:
        return f"{done} are done already"
    if not done:
        return None
    if isinstance(schedule, Steps):
        if done / min(epochs, stored.epochs) > schedule.at[0]:
            return "its schedule lowers the rate at shares of all epochs, and some have gone by"
    elif isinstance(schedule, WarmUp):
        return "its schedule's warm-up is a share of all epochs, and some have gone by"
    elif schedule != "constant":
        if done == stored.epochs:
            return f"its {schedule} schedule has ended at a rate of 0: it has no next step"
        return f"its {schedule} schedule gave the {done} that are done other rates"
    if _estimators_move(stored):
        return "its method's estimators change from the first epoch to the last"
    return None


def _estimators_move(recipe: Recipe) -> bool:
    with torch.device("meta"):
        method, channels = make_method(recipe.method), len(recipe.data.mean)
        model = network_of(recipe, method, classes=2, channels=channels)
    estimators = (getattr(module, "estimator", None) for module in model.modules())
    return any(
        isinstance(each, Estimator) and type(each).set_progress is not Estimator.set_progress
        for each in estimators
    )
