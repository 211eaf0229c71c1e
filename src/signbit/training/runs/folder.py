"""A run folder: what was trained, how, on what, how it went, and the network itself.

recipe.yaml  run.json  metrics.jsonl  log.txt  tensorboard/  checkpoints/epoch-0012/
With `early_stopping` also images.json, which lists the images of each part, and best/epoch-0007/.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from torch import nn

from signbit import methods
from signbit.data.pixels.images import Resize
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.errors import CheckpointError
from signbit.extensions import differences
from signbit.files import checked_path
from signbit.training.networks import is_known, make_method, network_of
from signbit.training.recipe import Recipe
from signbit.training.recipe.identity import recipe_digest
from signbit.training.recipe.parsing import parse_recipe
from signbit.training.runs import checkpoint as checkpoints
from signbit.training.runs import whole_files
from signbit.training.runs.best_epoch import is_finished, kept_epoch
from signbit.training.runs.checkpoint import Checkpoint
from signbit.training.runs.continuation import require_continues

__all__ = ["Run", "RunFolder", "StoredRun", "load_run", "read_run"]


@dataclass(frozen=True)
class Run:
    """A run as read back; `model` is in eval mode, `epoch` counts its finished epochs.

    The network is that of the last one, or with `early_stopping` of the best (`kept_epoch`).

    A network that was imported has none.
    """

    path: Path
    model: nn.Module
    recipe: Recipe
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    epoch: int
    history: list[dict[str, float]]
    changed: tuple[str, ...] = ()
    """What is no longer as it was of the files that were imported for it, each with the cure."""

    @property
    def input_size(self) -> tuple[int, int, int]:
        """(height, width, channels) of the network's input."""
        return self.preprocessing.input_size

    @property
    def normalization(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """(mean, std) per channel, in units of 0 … 1."""
        return self.preprocessing.mean, self.preprocessing.std

    @property
    def resize(self) -> Resize:
        """How a photograph becomes an input."""
        return self.preprocessing.resize

    @property
    def finished(self) -> bool:
        """Whether every epoch of the recipe is done."""
        return is_finished(self.recipe, self.history)


class RunFolder:
    """The files of a run, by name; every one of them is replaced whole."""

    def __init__(self, path: str | Path) -> None:
        if isinstance(path, str) and not path.strip():
            raise CheckpointError("the run folder's name is empty; name a folder, such as runs/one")
        self.path = Path(checked_path("run folder", path))
        self.checkpoints = self.path / "checkpoints"
        self.best = self.path / "best"
        self.tensorboard = self.path / "tensorboard"

    def recipe(self) -> Recipe | None:
        """The stored recipe, or None in a folder without one."""
        path = self.path / "recipe.yaml"
        if not path.exists():
            return None
        try:
            return parse_recipe(yaml.safe_load(path.read_text("utf-8")), str(path))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise CheckpointError(f"{path}: cannot be read ({error})") from error

    def facts(self) -> dict[str, Any]:
        """What `facts.run_facts` stored. Raises CheckpointError where it is missing or damaged."""
        path = self.path / "run.json"
        try:
            return dict(whole_files.read_json(path))
        except (OSError, ValueError, TypeError) as error:
            raise CheckpointError(f"{path}: cannot be read ({error})") from error

    def checkpoint(self, recipe: Recipe) -> Checkpoint | None:
        """The newest checkpoint, or None. CheckpointError where it is not of `recipe`."""
        path = checkpoints.latest(self.checkpoints)
        if path is None:
            return None
        checkpoint = checkpoints.read_checkpoint(path)
        if checkpoint.recipe_digest not in self._digests(recipe):
            raise CheckpointError(f"{path}: belongs to another recipe than {self.path}/recipe.yaml")
        return checkpoint

    def network(self, recipe: Recipe) -> Checkpoint | None:
        """The newest checkpoint, with the network of the epoch that is kept. Raises likewise."""
        newest = self.checkpoint(recipe)
        if newest is None or recipe.early_stopping is None or not newest.history:
            return newest
        path = checkpoints.of_epoch(self.best, kept_epoch(newest.history))
        return replace(newest, model=checkpoints.read_checkpoint(path).model)

    def _digests(self, recipe: Recipe) -> Iterator[str]:
        """The digests of `recipe`, and of it with the epochs that the run had before."""
        yield recipe_digest(recipe)
        stored = self.recipe()
        if stored is not None:
            for epochs in (stored.epochs, *self.facts().get("earlier_epochs", ())):
                yield recipe_digest(recipe.model_copy(update={"epochs": epochs}))

    def require_same_recipe(self, recipe: Recipe) -> None:
        """Raise CheckpointError unless the stored run goes on as `recipe`: `require_continues`.

        The description and the data's location may differ; the images themselves are compared by
        `require_same_inputs`.
        """
        stored = self.recipe()
        if stored is None:
            if checkpoints.latest(self.checkpoints) is not None:
                raise CheckpointError(f"{self.path}: has checkpoints, but recipe.yaml is missing")
            return
        require_continues(self.path, stored, recipe, checkpoints.epochs_done(self.checkpoints))

    def require_same_inputs(self, facts: dict[str, Any]) -> None:
        """Raise CheckpointError where the stored run saw other images, labels or class names.

        Or had another teacher, or began with other weights.
        """
        stored = self.facts()
        if "imported" in stored:
            raise CheckpointError(
                f"{self.path}: holds an imported network; to train it further, choose another "
                f"folder and start={self.path}"
            )
        for key in ("class_names", "train_images", "train_digest"):
            if stored.get(key) != facts[key]:
                raise CheckpointError(
                    f"{self.path}: its run used other training data ({key} differs); resume with "
                    f"the same data ({stored.get('source')}), or choose another folder"
                )
        for key, what in (("teacher_digest", "another teacher"), ("start_digest", "other weights")):
            if stored.get(key) != facts[key]:
                raise CheckpointError(
                    f"{self.path}: its run has {what} to learn from ({key} differs); resume with "
                    "the same, or choose another folder"
                )

    def create(
        self,
        recipe: Recipe,
        facts: dict[str, Any],
        image_names: dict[str, list[str | int]] | None = None,
    ) -> None:
        """Write recipe.yaml and what it needs, recipe last: with it the folder is a run."""
        with whole_files.writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            if image_names is not None:
                whole_files.write_json(self.path / "images.json", image_names)
            whole_files.write_json(self.path / "run.json", facts)
            whole_files.write_text(self.path / "recipe.yaml", recipe.to_yaml())

    def move_to(self, recipe: Recipe) -> None:
        """Replace recipe.yaml by `recipe`, the same one with other epochs or its images elsewhere.

        run.json first gets the epochs that checkpoints are of: after a kill both are right.
        """
        stored, facts = self.recipe(), self.facts()
        with whole_files.writing(self.path):
            if stored is not None and stored.epochs != recipe.epochs:
                facts["earlier_epochs"] = [*facts.get("earlier_epochs", ()), stored.epochs]
                whole_files.write_json(self.path / "run.json", facts)
            whole_files.write_text(self.path / "recipe.yaml", recipe.to_yaml())

    def write_metrics(self, history: list[dict[str, float]]) -> None:
        """metrics.jsonl: one JSON object per line, one line per epoch."""
        text = "".join(json.dumps(entry) + "\n" for entry in history)
        with whole_files.writing(self.path / "metrics.jsonl"):
            whole_files.write_text(self.path / "metrics.jsonl", text)


@dataclass(frozen=True)
class StoredRun:
    """What a run folder holds, its network's weights as those of `checkpoint`."""

    path: Path
    recipe: Recipe
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    checkpoint: Checkpoint
    changed: tuple[str, ...] = ()

    def require_known(self) -> None:
        """Raise CheckpointError where its method or its network has no name here."""
        method, network = self.recipe.method.name, self.recipe.network
        for kind, name, known in (
            ("method", method, method in methods.names()),
            ("network", network, self.recipe.graph is not None or is_known(network)),
        ):
            if not known:
                cure = "; ".join(self.changed) or (
                    "register it in a file (signbit.models.register) and --import that, or give "
                    "the network to signbit.training.load_run(RUN, model)"
                )
                raise CheckpointError(
                    f"{self.path}: its {kind} {name!r} is not signbit's own; {cure}"
                )

    def with_model(self, model: nn.Module) -> Run:
        """The run, once its network is built."""
        return Run(
            path=self.path,
            model=model.eval(),
            recipe=self.recipe,
            class_names=self.class_names,
            preprocessing=self.preprocessing,
            epoch=self.checkpoint.epoch,
            history=self.checkpoint.history,
            changed=self.changed,
        )


def read_run(path: str | Path) -> StoredRun:
    """Read a run folder of any kind of training, at its newest checkpoint or its best epoch.

    Raises CheckpointError where the folder is not a run, has no finished epoch, or is damaged.
    """
    folder = RunFolder(path)
    recipe = folder.recipe()
    if recipe is None:
        raise CheckpointError(
            f"{path}: not a run folder (no recipe.yaml in it); name one that has been trained"
        )
    facts = folder.facts()
    checkpoint = folder.network(recipe)
    if checkpoint is None:
        raise CheckpointError(f"{path}: no epoch is finished yet, so there is no network to load")
    try:
        preprocessing = Preprocessing.from_json(facts["preprocessing"])
        names = tuple(str(name) for name in facts["class_names"])
        changed = tuple(differences(facts.get("imports", ())))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder.path}/run.json: bad or missing {error}") from error
    return StoredRun(folder.path, recipe, names, preprocessing, checkpoint, changed)


def load_run(path: str | Path, model: nn.Module | None = None) -> Run:
    """Read a run folder: the network of its newest, or best, epoch, and what it was made of.

    model: the network that gets the run's weights, of a run of `signbit.training.fit` on one that
    has no name; by default it is built anew. Raises CheckpointError as `read_run` does, where the
    run has no classifier, as it learned without labels, and where the network does not fit or has
    no name.
    """
    stored = read_run(path)
    if stored.recipe.selfsup is not None:
        raise CheckpointError(
            f"{path}: this run learned without labels, so it has no classifier; train one on its "
            f"features (signbit probe {path}), or compile them alone (signbit compile {path} "
            "--features)"
        )
    if model is None:
        stored.require_known()
        model = network_of(
            stored.recipe,
            make_method(stored.recipe.method),
            classes=len(stored.class_names),
            channels=stored.preprocessing.input_size[2],
        )
    stored.checkpoint.restore_model(model)
    return stored.with_model(model)
