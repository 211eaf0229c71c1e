"""What a caller may give the native engine is what the reference takes, and refusals are alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.bitformat.samples import offsets_sample, sample_bytes
from tests.runtime.identity import ISAS, assert_identical, named

import signbit
from signbit.bitformat import encode
from signbit.errors import InputError
from signbit.runtime.reference import ReferenceEngine

Array = npt.NDArray[Any]

# Tensors of the sample.
IMAGE, STEM, STEM_BITS, MEAN, LOGITS = 0, 1, 2, 6, 7


def test_public_attributes_agree() -> None:
    reference, engine = ReferenceEngine(sample_bytes()), signbit.load(sample_bytes())
    assert engine.input_shape == reference.input_shape == (6, 6, 3)
    assert engine.class_names == reference.class_names == ["cat", "dog", "émeu", "Ω"]
    assert engine.source == reference.graph.source


PIXELS = np.zeros((1, 6, 6, 3), np.uint8)


@pytest.mark.parametrize(
    ("feeds", "fetches"),
    [
        ({}, [LOGITS]),
        ({IMAGE: np.zeros((1, 6, 5, 3), np.uint8)}, [LOGITS]),
        ({IMAGE: np.zeros((6, 6, 3), np.uint8)}, [LOGITS]),
        ({IMAGE: np.zeros((1, 3, 6, 6), np.uint8)}, [LOGITS]),
        ({IMAGE: np.zeros((1, 6, 6, 3), np.float64)}, [LOGITS]),
        ({IMAGE: np.zeros((1, 6, 6, 3), np.int8)}, [LOGITS]),
        ({IMAGE: np.full((1, 6, 6, 3), np.nan, np.float32)}, [LOGITS]),
        ({IMAGE: np.full((1, 6, 6, 3), -np.inf, np.float32)}, [LOGITS]),
        ({STEM_BITS: np.zeros((1, 6, 6, 8), np.uint8)}, [LOGITS]),
        ({STEM_BITS: np.full((1, 6, 6, 8), 2, np.uint8)}, ["body#dots"]),
        ({STEM_BITS: np.zeros((1, 6, 6, 8), np.float32)}, ["body#dots"]),
        ({STEM: np.zeros((1, 6, 6, 8), np.uint8)}, [STEM]),
        ({IMAGE: PIXELS}, [8]),
        ({IMAGE: PIXELS}, [-1]),
        ({IMAGE: PIXELS}, ["logits"]),
        ({IMAGE: PIXELS}, ["pool#dots"]),
        ({IMAGE: PIXELS}, ["softmax#dots"]),
        ({8: PIXELS}, [LOGITS]),
        ({-1: PIXELS}, [LOGITS]),
        ({"image": PIXELS}, [LOGITS]),
        ({IMAGE: PIXELS, MEAN: np.zeros((2, 1, 1, 10), np.float32)}, [LOGITS]),
    ],
)
def test_both_refuse_the_same_feeds(feeds: dict[Any, Array], fetches: list[Any]) -> None:
    for engine in (ReferenceEngine(sample_bytes()), signbit.load(sample_bytes())):
        with pytest.raises(InputError) as caught:
            engine.run_nodes(feeds, fetches)
        assert len(str(caught.value)) > 10


def test_images_in_any_memory_layout() -> None:
    """Strided, reversed and Fortran-ordered arrays are the arrays they show."""
    engine, reference = signbit.load(sample_bytes()), ReferenceEngine(sample_bytes())
    images = np.random.default_rng(5).integers(0, 256, (4, 6, 6, 3)).astype(np.uint8)
    for view in (images[::2], images[:, ::-1], np.asfortranarray(images), images[..., ::-1]):
        assert_identical(named(engine(view)), named(reference(view)))


@pytest.mark.parametrize("isa", ISAS)
def test_explain_names_the_parts(isa: str) -> None:
    reports = signbit.load(encode(*offsets_sample()), threads=1, isa=isa).explain()
    assert [report["kernel"] for report in reports] == [
        f"identity_f32_{isa}+steps",
        f"mean_abs_f32_{isa}",
        f"conv_f32_{isa}",
        f"sign_sum_b1_{isa}",
        f"conv_b1_{isa}+steps",
        f"conv_f32_{isa}+signs+packed",
    ]
    limits = [report["limit_gmacs_per_s"] for report in reports]
    assert [limit is not None for limit in limits] == [False, False, True, False, True, True]
