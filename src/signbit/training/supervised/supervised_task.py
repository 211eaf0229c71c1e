"""Supervised learning as the loop's task: labels, and a teacher's answers, on augmented images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import cast

import torch
from accelerate.utils import broadcast
from torch import Tensor, nn

from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.inputs import Inputs
from signbit.data.loading.prefetch import prefetched, timed
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.data.pixels.transforms import Normalization
from signbit.methods import Method
from signbit.training.images import augmentation_of
from signbit.training.loop import Step
from signbit.training.recipe import Recipe
from signbit.training.reports.signs import SignRecords
from signbit.training.runs.best_epoch import VALIDATION_LOSS
from signbit.training.session import Materials
from signbit.training.supervised.evaluate import Evaluation, count_correct
from signbit.training.supervised.remembered import WORTHWHILE, Answers, few_images, remembered
from signbit.training.supervised.teacher import FrozenTeacher, SupervisedLoss

__all__ = ["Supervised"]


class Supervised:
    """The loop's task for `model`, which `materials.wrapped` calls."""

    def __init__(
        self,
        recipe: Recipe,
        method: Method,
        model: nn.Module,
        teacher: FrozenTeacher | None,
        preprocessing: Preprocessing,
        materials: Materials,
    ) -> None:
        self._wrapped = materials.wrapped
        self._model = model
        self._method = method
        self._epochs = recipe.epochs
        self._test = materials.test
        self._validation = materials.validation
        self._chooses = recipe.early_stopping is not None
        self._precision = materials.precision
        self._accelerator = accelerator = materials.accelerator
        loader = materials.loader
        self.steps = loader.steps
        augmentation = augmentation_of(recipe, preprocessing)
        self._inputs = Inputs(loader, augmentation, preprocessing, accelerator.device)
        self._normalize = Normalization(preprocessing.mean, preprocessing.std)
        self._signs = SignRecords(model)
        self._teacher: Answers | None = None if teacher is None else teacher.to(accelerator.device)
        alone = accelerator.num_processes == 1 and accelerator.device.type == "cpu"
        if (
            self._teacher is not None
            and alone
            and recipe.precision == "fp32"
            and recipe.epochs >= WORTHWHILE
            and few_images(augmentation, loader.dataset)
        ):
            materials.say("the teacher answers all training images first, and not again")
            mirrored = recipe.data.augment.flip
            self._teacher = remembered(
                self._teacher, loader.dataset, preprocessing, mirrored=mirrored
            )
        section = recipe.teacher
        self._loss = SupervisedLoss(
            recipe.label_smoothing,
            0.0 if section is None else section.weight,
            1.0 if section is None else section.temperature,
        )

    def start_epoch(self, epoch: int) -> None:
        """Training mode, and the method's schedules."""
        self._model.train()
        self._method.on_epoch(self._model, epoch, self._epochs)
        self._signs.start_epoch()

    def forward(self, epoch: int) -> Iterator[Step]:
        """The losses of the epoch's steps."""
        # Closed here, so that the preparing thread ends with the epoch, however that ends.
        with closing(prefetched(self._inputs.epoch(epoch))) as batches:
            for batch, waited in timed(batches):
                with self._precision.forward():
                    logits = self._wrapped(batch.pixels)
                    answers = None if self._teacher is None else self._teacher(batch.pixels)
                loss = self._loss(logits, batch.labels, answers)
                # Accelerate averages gradients over processes, whose parts may differ by an image.
                share = self._accelerator.num_processes / batch.total
                yield Step(loss * share, len(batch.labels), waited)

    def after_step(self) -> None:
        """Clip latent weights, where the method does."""
        self._method.after_step(self._model)

    @torch.no_grad()
    def evaluate(self, epoch: int) -> dict[str, float]:
        """Top-1, test loss, and what happened to the signs."""
        # Each process has normalised its own images: all evaluate the statistics that are saved.
        for buffer in self._model.buffers():
            buffer.copy_(broadcast(buffer))
        with self._signs.watching():
            measured = self._measured(self._test)
        measures = {"top1": measured.top1, "test_loss": measured.loss}
        if self._chooses:
            if self._validation is not None:
                measured = self._measured(self._validation)
            measures |= {"validation_top1": measured.top1, VALIDATION_LOSS: measured.loss}
        return {**measures, **self._signs.measures(self._sum)}

    def _measured(self, images: ImageDataset) -> Evaluation:
        return count_correct(self._model, images, self._normalize, self._accelerator)

    def _sum(self, values: Tensor) -> Tensor:
        return cast(Tensor, self._accelerator.reduce(values, reduction="sum"))
