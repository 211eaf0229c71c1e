"""What training waits for: opening a data set, and preparing a batch on one thread.

    python benchmarks/training_input.py --data PATH

Opening and fitting the training split is timed with the images decoded into memory, into an empty
cache, and found in that cache. A batch is timed part by part, and beside kornia's flip and crop
where kornia is installed. How much of a step is waited for, `signbit train` shows itself.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from measuring import machine
from signbit import recipes
from signbit.bitformat.graph import Resize
from signbit.data import ImageDataset, Preprocessing, open_dataset
from signbit.data.loading.inputs import normalized
from signbit.data.pixels.augment import Augmentation
from signbit.data.pixels.transforms import Normalization, to_unit


def timed(call: Callable[[], object], repeat: int = 1) -> float:
    """Median seconds of `call`."""
    seconds = []
    for _ in range(repeat):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def opening(data: str, rule: Preprocessing) -> ImageDataset:
    """Print how long the training split takes to open, and return it."""

    def start() -> ImageDataset:
        return rule.fit(open_dataset(data, "train"), say=lambda text: None)

    def in_memory() -> None:
        dataset = open_dataset(data, "train")
        dataset.fitted(rule.input_size, rule.resize)

    with tempfile.TemporaryDirectory() as folder:
        os.environ["SIGNBIT_CACHE"] = folder
        print(f"reading the source   {timed(lambda: open_dataset(data, 'train'), 3):8.2f} s")
        print(f"decoded into memory  {timed(in_memory):8.2f} s")
        print(f"first start, cached  {timed(start):8.2f} s")
        print(f"later starts         {timed(start, 3):8.2f} s")
        return start()


def batches(dataset: ImageDataset, rule: Preprocessing, size: int) -> None:
    """Print how long the parts of a batch take, in milliseconds."""
    order = np.random.default_rng(0).permutation(len(dataset))[:size]
    images = np.take(dataset.images, order, axis=0)
    mean, std = np.float32(rule.mean), np.float32(rule.std)
    augment = Augmentation(flip=True, crop_padding=4)
    parts: dict[str, Callable[[], object]] = {
        "gathered": lambda: np.take(dataset.images, order, axis=0),
        "flipped and cropped": lambda: augment(images, seed=1),
        "normalized": lambda: normalized(images, mean, std),
    }
    own = {name: 1e3 * timed(part, 100) for name, part in parts.items()}
    for name, milliseconds in {**own, "together": sum(own.values())}.items():
        print(f"{name:20s} {milliseconds:8.2f} ms")
    try:
        from kornia import augmentation
    except ImportError:
        return
    height, width, _ = rule.input_size
    steps = torch.nn.Sequential(
        augmentation.RandomHorizontalFlip(p=0.5),
        augmentation.RandomCrop((height, width), padding=4, cropping_mode="slice"),
    )
    normalize = Normalization(rule.mean, rule.std)

    def by_kornia() -> Tensor:
        return normalize(steps(to_unit(torch.from_numpy(dataset.images)[order])))

    print(f"{'with kornia':20s} {1e3 * timed(by_kornia, 100):8.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--recipe", default="sdbnn-resnet20-cifar10")
    parser.add_argument("--side", type=int, default=32, help="height and width in pixels")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(", ".join(f"{name} {value}" for name, value in machine.facts("torch", "kornia").items()))
    recipe = recipes.load(arguments.recipe)
    side = arguments.side
    size = (side, side, len(recipe.data.mean))
    rule = Preprocessing(size, recipe.data.mean, recipe.data.std, Resize(side))
    batches(opening(arguments.data, rule), rule, recipe.batch_size)


if __name__ == "__main__":
    main()
