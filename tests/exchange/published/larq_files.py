"""Files that Keras writes of Larq Zoo's networks, and what Keras answers: run by Larq's Python.

    python larq_files.py NETWORK FOLDER

leaves NETWORK.h5 and NETWORK.npz in the folder: images, normalised (N, 224, 224, 3), and logits.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from larq_zoo import literature, sota

NETWORKS = {
    "larq-quicknet": sota.QuickNet,
    "larq-quicknet-large": sota.QuickNetLarge,
    "larq-quicknet-small": sota.QuickNetSmall,
    "larq-resnet-e18": literature.BinaryResNetE18,
}
CLASSES, IMAGES = 10, 2


def trained_like(model: tf.keras.Model) -> None:
    """Give normalisations statistics and factors as after training."""
    random = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            values = [random.normal(0, 0.5, weight.shape) for weight in layer.weights]
            values[-1] = 0.5 + np.abs(values[-1]) * 20
            if len(values) == 4:
                values[0] += 1
            layer.set_weights(values)


def main(name: str, folder: Path) -> None:
    tf.keras.utils.set_random_seed(0)
    tf.keras.layers.Conv2D(1, 1)  # so that numbers do not begin at 0
    model = NETWORKS[name](weights=None, input_shape=(224, 224, 3), num_classes=CLASSES)
    trained_like(model)
    images = np.random.default_rng(1).normal(0, 1, (IMAGES, 224, 224, 3)).astype(np.float32)
    logits = tf.keras.Model(model.inputs, model.layers[-2].output)
    np.savez(folder / f"{name}.npz", images=images, logits=logits(images, training=False))
    model.save_weights(folder / f"{name}.h5")


main(sys.argv[1], Path(sys.argv[2]))
