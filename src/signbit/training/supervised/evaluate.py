"""Top-1 and loss over a whole data set, every image counted once, over all processes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import nn
from torchmetrics import SumMetric
from torchmetrics.classification import MulticlassStatScores

from signbit.data.loading.batches import image_batches, in_order
from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.loader import shard
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.data.pixels.transforms import Normalization, to_unit
from signbit.errors import InputError

__all__ = ["Evaluation", "count_correct", "evaluate_model"]


@dataclass(frozen=True)
class Evaluation:
    """`top1` in 0 … 1 over `images` images; `loss` is the mean cross-entropy in nats."""

    top1: float
    images: int
    loss: float


def evaluate_model(
    model: nn.Module,
    dataset: ImageDataset,
    preprocessing: Preprocessing,
    *,
    batch_size: int = 500,
    accelerator: Accelerator | None = None,
) -> Evaluation:
    """Evaluate `model` (normalised float NCHW → logits) on every image of `dataset`.

    The model is put into eval mode and back. With an Accelerator each process takes its own part
    of the images, none of them twice. Raises InputError for anything else than these three.
    """
    for name, given, kind in (
        ("model", model, nn.Module),
        ("dataset", dataset, ImageDataset),
        ("preprocessing", preprocessing, Preprocessing),
    ):
        if not isinstance(given, kind):
            raise InputError(
                f"{name}: must be of the class {kind.__name__}, is {type(given).__name__}"
            )
    return count_correct(
        model,
        preprocessing.fit(dataset),
        Normalization(preprocessing.mean, preprocessing.std),
        accelerator or Accelerator(mixed_precision="no"),
        batch_size=batch_size,
    )


def count_correct(
    model: nn.Module,
    fitted: ImageDataset,
    normalization: Normalization,
    accelerator: Accelerator,
    *,
    batch_size: int = 500,
) -> Evaluation:
    """`evaluate_model` for images that already have the network's input size."""
    device = accelerator.device
    normalization = normalization.to(device)
    own = shard(len(fitted), accelerator.process_index, accelerator.num_processes)
    parts = [own[part] for part in in_order(len(own), batch_size)]
    counts = MulticlassStatScores(len(fitted.class_names), average="micro").to(device)
    # By default torchmetrics drops NaN, and a broken network would score well.
    loss = SumMetric(nan_strategy="disable").set_dtype(torch.float64).to(device)
    was_training = model.training
    model.to(device).eval()
    with torch.no_grad():
        for chosen, images in zip(parts, image_batches(fitted, parts), strict=True):
            logits = model(normalization(to_unit(torch.from_numpy(images).to(device))))
            truth = torch.from_numpy(fitted.labels[chosen]).to(device)
            counts.update(logits, truth)
            loss.update(F.cross_entropy(logits, truth, reduction="sum"))
    model.train(was_training)
    # (true positives, false positives, true negatives, false negatives, support), as integers.
    correct = int(counts.compute()[0])
    return Evaluation(
        top1=correct / len(fitted), images=len(fitted), loss=float(loss.compute()) / len(fitted)
    )
