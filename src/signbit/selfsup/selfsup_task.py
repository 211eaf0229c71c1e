"""Learning without labels as the loop's task: views of the images, and an objective of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import cast

import numpy as np
import torch
from accelerate.utils import broadcast
from numpy.typing import NDArray
from torch import Tensor

from signbit.data.loading.batches import image_batches, in_order
from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.loader import shard
from signbit.data.loading.prefetch import timed
from signbit.data.loading.view_inputs import ViewInputs
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.data.pixels.transforms import Normalization, to_unit
from signbit.data.pixels.views import Views
from signbit.methods import Method
from signbit.selfsup.evaluation.diagnostics import diagnose
from signbit.selfsup.evaluation.knn import weighted_knn
from signbit.selfsup.objectives.joined_batch import gather_parts
from signbit.selfsup.objectives.objective import Losses, Objective
from signbit.training.loop import Step
from signbit.training.recipe import Recipe
from signbit.training.reports.signs import SignRecords
from signbit.training.session import Materials
from signbit.training.supervised.teacher import FrozenTeacher

__all__ = ["SelfSupervised"]

# On so many test images, evenly out of all, an epoch's diagnostics are taken.
_WATCHED = 2048


class SelfSupervised:
    """The loop's task for `objective`, which `materials.wrapped` calls.

    bank: the training images, of the network's input size, whose labels the nearest-neighbour
    measure knows; no label is used for anything else. None leaves the measure out.

    An epoch's measures: loss/NAME for each part of the loss; what `evaluation.diagnostics` has
    of some test images; what happened to the signs; and knn_top1, 0 … 1, every `knn_every` epochs
    and after the last one.
    """

    def __init__(
        self,
        recipe: Recipe,
        method: Method,
        objective: Objective,
        teacher: FrozenTeacher | None,
        preprocessing: Preprocessing,
        bank: ImageDataset | None,
        materials: Materials,
    ) -> None:
        assert recipe.selfsup is not None
        self._section = recipe.selfsup
        self._epochs = recipe.epochs
        self._method = method
        self._objective = objective
        self._embedder = objective.embedder
        self._teacher = teacher
        self._wrapped = materials.wrapped
        self._precision = materials.precision
        self._accelerator = materials.accelerator
        self._device = materials.accelerator.device
        self._bank = bank
        self._test = materials.test
        every = -(-len(self._test) // _WATCHED)
        self._watched = self._test.take(torch.arange(0, len(self._test), every).numpy())
        height, width, _ = preprocessing.input_size
        views = Views(
            **self._section.views.model_dump(exclude={"side"}),
            size=(height, width),
        )
        self.steps = materials.loader.steps
        self._inputs = ViewInputs(
            materials.loader,
            views,
            2 if objective.needs_two_views else 1,
            preprocessing,
            self._device,
        )
        self._normalize = Normalization(preprocessing.mean, preprocessing.std).to(self._device)
        self._signs = SignRecords(self._embedder.backbone.network)
        self._parts: dict[str, Tensor] = {}

    def start_epoch(self, epoch: int) -> None:
        """Training mode, and the method's schedules."""
        self._objective.train()
        self._method.on_epoch(self._embedder, epoch, self._epochs)
        self._signs.start_epoch()
        self._parts = {}

    def forward(self, epoch: int) -> Iterator[Step]:
        """The losses of the epoch's steps."""
        with closing(self._inputs.epoch(epoch)) as steps:
            for views, waited in timed(steps):
                with self._precision.forward():
                    losses: Losses = self._wrapped(*views)
                for name, part in losses.parts.items():
                    # Added up where they are: reading them would wait for the device.
                    self._parts[name] = self._parts.get(name, 0) + part.double()
                yield Step(losses.total, len(views[0]), waited)

    def after_step(self) -> None:
        """Clip latent weights, where the method does; then what the objective keeps."""
        self._method.after_step(self._embedder)
        self._objective.after_step()

    @torch.no_grad()
    def evaluate(self, epoch: int) -> dict[str, float]:
        """See the class."""
        # Each process has normalised its own images: all evaluate the statistics that are saved.
        for buffer in self._embedder.buffers():
            buffer.copy_(broadcast(buffer))
        measures = {
            f"loss/{name}": float(self._mean(total)) / self.steps
            for name, total in self._parts.items()
        }
        self._embedder.eval()
        looked_at = (epoch + 1) % self._section.knn_every == 0 or epoch + 1 == self._epochs
        if looked_at and self._bank is not None:
            measures["knn_top1"] = self._knn(self._bank)
        with self._signs.watching():
            features, embedding, *answers = map(
                _of_all, zip(*self._seen(self._watched), strict=True)
            )
        guided = self._section.guided
        temperature = 0.2 if guided is None else guided.temperature
        measures |= diagnose(
            features, embedding, answers[0] if answers else None, temperature=temperature
        )
        return measures | self._signs.measures(self._sum)

    def _knn(self, known: ImageDataset) -> float:
        """The share of the test images that their nearest neighbours classify as labelled."""
        bank = _of_all([features for features, *_ in self._seen(known)])
        own = torch.cat([features for features, *_ in self._seen(self._test)])
        labels = torch.from_numpy(known.labels).to(self._device)
        truth = torch.from_numpy(self._test.labels[self._part(self._test)]).to(self._device)
        found = weighted_knn(bank, labels, own, classes=len(known.class_names))
        return float(self._sum((found == truth).sum())) / len(self._test)

    def _seen(self, dataset: ImageDataset) -> Iterator[tuple[Tensor, ...]]:
        """Features, embedding and the teacher's, if any, of batches of this process's part."""
        own = self._part(dataset)
        parts = [own[part] for part in in_order(len(own), 100)]
        for images in image_batches(dataset, parts):
            pixels = self._normalize(to_unit(torch.from_numpy(images).to(self._device)))
            pixels = pixels.contiguous(memory_format=torch.channels_last)
            answers = () if self._teacher is None else (self._teacher(pixels),)
            yield (*self._embedder(pixels), *answers)

    def _part(self, dataset: ImageDataset) -> NDArray[np.int64]:
        return shard(len(dataset), self._accelerator.process_index, self._accelerator.num_processes)

    def _sum(self, values: Tensor) -> Tensor:
        return cast(Tensor, self._accelerator.reduce(values, reduction="sum"))

    def _mean(self, values: Tensor) -> Tensor:
        return cast(Tensor, self._accelerator.reduce(values, reduction="mean"))


def _of_all(parts: tuple[Tensor, ...] | list[Tensor]) -> Tensor:
    """The rows of all processes' images, in their order."""
    rows, _ = gather_parts(torch.cat(list(parts)))
    return rows
