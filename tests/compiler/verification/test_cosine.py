import numpy as np
import pytest

from signbit.compiler.verification.cosine import cosines, median


def test_cosines_image_by_image() -> None:
    generator = np.random.default_rng(0)
    one, other = generator.normal(size=(2, 5, 7)).astype(np.float32)
    expected = [
        sum(a * b for a, b in zip(x, y, strict=True))
        / (sum(a * a for a in x) * sum(b * b for b in y)) ** 0.5
        for x, y in zip(one.tolist(), other.tolist(), strict=True)
    ]
    assert cosines(one, other) == pytest.approx(expected, abs=1e-12)
    assert cosines(one, one * 3) == pytest.approx([1.0] * 5)
    assert max(cosines(one, one)) <= 1


def test_vectors_of_zeros_are_alike_and_like_nothing_else() -> None:
    zeros, ones = np.zeros((1, 3)), np.ones((1, 3))
    assert cosines(zeros, zeros) == [1.0]
    assert cosines(zeros, ones) == [0.0]


def test_the_median() -> None:
    assert median([0.1, 0.9, 0.5]) == 0.5
    assert median([]) is None
