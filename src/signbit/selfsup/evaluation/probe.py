"""The linear probe of a run: what its frozen backbone's features are worth to a linear classifier.

A probe is a folder: probe.safetensors (weight, bias) and metrics.json (how it was made).
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.readable import Unreadable
from signbit.data.loading.say import Say
from signbit.data.sources.any_source import absolute_source
from signbit.data.sources.split import share_of_classes
from signbit.errors import CheckpointError
from signbit.files import write_file
from signbit.selfsup.evaluation.features import AugmentedBatches, Batches, CachedBatches, extract
from signbit.selfsup.evaluation.linear import (
    ProbePlan,
    Trial,
    choose_rate,
    diverged,
    empty_linear,
    score,
    train_linear,
)
from signbit.selfsup.trained import backbone_digest
from signbit.training.images import open_images
from signbit.training.runs import whole_files
from signbit.training.runs.folder import Run
from signbit.training.runs.place import require_place
from signbit.words import counted

__all__ = [
    "Probe",
    "load_probe",
    "open_probe_images",
    "require_folder",
    "save_probe",
    "train_probe",
]

_WEIGHTS = "probe.safetensors"
_FACTS = "metrics.json"


@dataclass(frozen=True)
class Probe:
    """A linear classifier on the CPU, the names of its classes, and `facts` as JSON values.

    Among the facts: top1 and top5 (0 … 1) on all test images, the learning rate, and the digest of
    the backbone whose features it reads.
    """

    head: nn.Linear
    class_names: tuple[str, ...]
    facts: dict[str, Any]

    def require_backbone(self, backbone: nn.Module, what: str) -> None:
        """Raise CheckpointError where it reads the features of another backbone than `what`'s."""
        if self.facts["backbone_digest"] != backbone_digest(backbone):
            raise CheckpointError(
                f"the probe was trained on features of another backbone ({self.facts['network']}, "
                f"{self.facts['run']} after {counted(self.facts['epoch'], 'epoch')}) than that of "
                f"{what}; train one with: signbit probe {what}"
            )


def open_probe_images(
    run: Run,
    data: str | None,
    test_split: str | None,
    unreadable: Unreadable | None = None,
    say: Say | None = None,
) -> tuple[ImageDataset, ImageDataset]:
    """All training and all test images: of `data`, or where it is None the run's own.

    test_split: what the source calls its test images; None: as in the recipe for the run's own
    data, "test" for other data. unreadable: what is done about images that cannot be decoded; None:
    as in the recipe, for any data. `say` hears which are skipped. Raises DataError as `open_images`
    does.
    """
    section = run.recipe.data
    if data is not None:
        source = absolute_source(data)
        section = section.model_copy(update={"source": source, "test_split": "test"})
    if test_split is not None:
        section = section.model_copy(update={"test_split": test_split})
    if unreadable is not None:
        section = section.model_copy(update={"unreadable": unreadable})
    return open_images(
        run.recipe.model_copy(
            # Without selfsup, so that images without labels are refused.
            update={"data": section, "train_images": None, "label_share": None, "selfsup": None}
        ),
        say,
    )


def train_probe(
    run: Run,
    plan: ProbePlan,
    *,
    data: str | None = None,
    test_split: str | None = None,
    labels: float = 1.0,
    augment: bool = False,
    unreadable: Unreadable | None = None,
    device: torch.device | None = None,
    say: Say | None = None,
) -> Probe:
    """Train a linear classifier on the frozen backbone of `run` (see `load_backbone_run`).

    data, test_split, unreadable: see `open_probe_images`; images are brought to the backbone's
    input, gray ones repeated to its channels. labels: the share of every class that is learned from
    (0 excluded … 1). Of several rates in the plan the one that does best on a tenth of the training
    images is taken, and learned anew from all of them. augment: features are computed in every
    epoch from cropped and mirrored images, where otherwise they are computed once. device: by
    default a GPU where there is one. `say` hears what is being done, and which images are skipped;
    without it a logger hears the latter. Raises InputError, DataError and DivergedError.
    """
    device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
    training, test = open_probe_images(run, data, test_split, unreadable, say)
    say = say or (lambda text: None)
    if labels != 1:
        training = training.take(share_of_classes(training.labels, labels, plan.seed))
    classes = len(training.class_names)
    backbone, preprocessing = run.model, run.preprocessing
    digest = backbone_digest(backbone)
    started = time.perf_counter()
    say(f"features of {counted(len(test), 'test image')}")
    tested = extract(backbone, test, preprocessing, device)
    rate = plan.rates[0]
    trials: list[Trial] = []
    features = None
    if not augment or len(plan.rates) > 1:
        say(f"features of {counted(len(training), 'training image')}")
        features = extract(backbone, training, preprocessing, device)
    extracted = time.perf_counter()
    if features is not None and len(plan.rates) > 1:
        say(f"learning rates {', '.join(f'{each:g}' for each in plan.rates)}, a tenth held out")
        rate, trials = choose_rate(features, classes, plan, device)
    chosen = ProbePlan(plan.epochs, plan.batch_size, (rate,), plan.seed)
    batches: Batches
    if augment or features is None:
        batches = AugmentedBatches(
            backbone, training, preprocessing, device, plan.batch_size, plan.seed
        )
    else:
        batches = CachedBatches(features, plan.batch_size, plan.seed)
    say(f"{counted(plan.epochs, 'epoch')} at learning rate {rate:g}")
    (head,) = train_linear(batches, tested.values.shape[1], classes, chosen, device)
    if head is None:
        raise diverged([rate])
    scores = score(head, tested)
    backbone.cpu()
    facts = {
        "format": 1,
        "run": str(run.path.absolute()),
        "network": run.recipe.network,
        "method": run.recipe.method.name,
        "epoch": run.epoch,
        "backbone_digest": digest,
        "width": tested.values.shape[1],
        "data": training.source,
        "test_split": test.split,
        "unreadable": unreadable or run.recipe.data.unreadable,
        "class_names": list(training.class_names),
        "labels": labels,
        "train_images": len(training),
        "test_images": len(test),
        "augment": augment,
        "epochs": plan.epochs,
        "batch_size": plan.batch_size,
        "seed": plan.seed,
        "lr": rate,
        "trials": [asdict(trial) for trial in trials],
        "top1": scores.top1,
        "top5": scores.top5,
        "seconds": {
            "features": extracted - started,
            "training": time.perf_counter() - extracted,
        },
        "torch": torch.__version__,
        "device": device.type,
    }
    return Probe(head.cpu(), training.class_names, facts)


def require_folder(folder: Path, source: str) -> bool:
    """Whether a probe is in `folder` already; nothing is written.

    source: the images that it learns from. Raises CheckpointError where one could not be written
    there, as there are other files for one, before the work is done.
    """
    require_place(folder, source, begun=(_WEIGHTS,), own=(_FACTS,))
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise _not_written(folder, error) from error
    return (folder / _FACTS).exists()


def save_probe(probe: Probe, folder: Path) -> None:
    """Write the probe's two files, metrics last. Raises CheckpointError where that fails."""
    tensors = {name: value.contiguous() for name, value in probe.head.state_dict().items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_file(folder / _WEIGHTS, safetensors.torch.save(tensors))
        whole_files.write_json(folder / _FACTS, probe.facts)
    except OSError as error:
        raise _not_written(folder, error, f"; its top-1 was {probe.facts['top1']:.4f}") from error


def _not_written(folder: Path, error: OSError, more: str = "") -> CheckpointError:
    return CheckpointError(
        f"{folder}: a probe cannot be written there ({error.strerror or error}); make room, or "
        f"name another folder (--out){more}"
    )


def load_probe(folder: str | Path) -> Probe:
    """Read a probe's folder. Raises CheckpointError where it is none, or is damaged."""
    folder = Path(folder)
    if not (folder / _FACTS).is_file():
        raise CheckpointError(
            f"{folder}: not a probe's folder (no {_FACTS} in it); signbit probe RUN makes one"
        )
    try:
        facts = dict(whole_files.read_json(folder / _FACTS))
        tensors = safetensors.torch.load((folder / _WEIGHTS).read_bytes())
        names = tuple(str(name) for name in facts["class_names"])
        for key in ("backbone_digest", "network", "run", "epoch", "data", "test_split"):
            facts[key]
        head = empty_linear(int(facts["width"]), len(names))
        head.load_state_dict(tensors)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise CheckpointError(f"{folder}: this probe is damaged ({error})") from error
    return Probe(head.eval().requires_grad_(False), names, facts)
