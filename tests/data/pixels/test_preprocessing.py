import json

import numpy as np

from signbit.bitformat.graph import Resize
from signbit.data import ImageDataset, Preprocessing

RULE = Preprocessing((4, 4, 1), (0.5,), (0.25,), Resize(6, "nearest"))


def test_json_round_trip() -> None:
    assert Preprocessing.from_json(json.loads(json.dumps(RULE.to_json()))) == RULE


def test_fit_resizes_then_cuts() -> None:
    images = np.random.randint(0, 256, (2, 3, 3, 1), dtype=np.uint8)
    source = ImageDataset.from_arrays(images, [0, 0], ["a"], source="s", split="test")
    doubled = images.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_array_equal(RULE.fit(source).images, doubled[:, 1:5, 1:5])
