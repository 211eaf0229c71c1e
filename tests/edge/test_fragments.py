"""The arithmetic that generated C brings with it: right on every board, whatever the flags.

Against exact fractions: fma_once and sqrt_once. Against NumPy: the operations that the compiler
and its library do, which no mode of the processor may change.
"""

from __future__ import annotations

import subprocess
from fractions import Fraction
from itertools import product
from math import copysign, inf, isqrt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.edge.tools import compiler, require

import signbit
from edge.boards import BOARDS

FRAGMENTS = Path(signbit.__file__).parent / "targets" / "c" / "fragments"
Floats = npt.NDArray[np.float32]

SPECIAL = np.array(
    [0, 0x80000000, 1, 0x807FFFFF, 0x00800000, 0x7F7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000,
     0x3F800000, 0xBF800001, 0x33800000],
    np.uint32,
)  # fmt: skip
DRAWN = 2500
CONTRACTING = ("-std=gnu11", "-ffp-contract=fast", "-O3", "-mfma")
"""GCC multiplies and adds in one, unless it is told not to. (Clang cannot be told so.)"""
WITHIN = ("-std=gnu11", "-ffp-contract=on", "-O3", "-mfma")
"""As `CONTRACTING`, within an expression."""


def drawn(rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Operands: special ones, and random ones whose sum is near a tie, cancels, or is tiny."""
    special = np.array(list(product(SPECIAL, repeat=3)), np.uint32).T

    def some() -> npt.NDArray[np.uint32]:
        bits = rng.integers(0, 1 << 32, DRAWN, np.uint32)
        near_one = bits & 0x8000F800 | 0x3F800800
        small = bits & 0x80FFFFFF
        wide = bits & 0x8000001F | rng.integers(70, 180, DRAWN, np.uint32) << 23
        kind = rng.integers(0, 4, DRAWN)
        return np.choose(kind, [bits, near_one, small, wide]).astype(np.uint32)

    a, b, c = (some().view(np.float32) for _ in range(3))
    with np.errstate(all="ignore"):
        near = (-a * b).view(np.uint32) + rng.integers(-2, 3, DRAWN).astype(np.uint32)
        ties = np.float32(2.0**-70) * np.sign(c)
    c = np.choose(rng.integers(0, 3, DRAWN), [c, near.view(np.float32), ties]).astype(np.float32)
    columns = [np.concatenate([one, other.view(np.uint32)]) for one, other in zip(
        special, (a, b, c), strict=True)]  # fmt: skip
    first, second, third = (column.view(np.float32) for column in columns)
    return first, second, third


def rounded(x: Fraction) -> float:
    """To the nearest float32, ties to even; x is not 0."""
    exponent = x.numerator.bit_length() - x.denominator.bit_length()
    exponent -= abs(x) < Fraction(2) ** exponent
    unit = Fraction(2) ** max(exponent - 23, -149)
    nearest = round(x / unit) * unit
    return copysign(inf if abs(nearest) >= 2**128 else float(nearest), x)


def exact_fma(a: float, b: float, c: float) -> float:
    """Of float32 values. Their product and what is 0 or no number are exact in float64."""
    total = a * b + c
    if total == 0 or not np.isfinite(total):
        return total
    return rounded(Fraction(a) * Fraction(b) + Fraction(c))


def exact_root(x: float) -> float:
    """Of a float32 that is not negative; the bits beyond 60 only say that there are some."""
    if x == 0 or not np.isfinite(x):
        return x
    square = Fraction(x) * Fraction(4) ** 200
    root = isqrt(square.numerator // square.denominator)
    inexact = root * root != square
    return rounded(Fraction(2 * root + inexact) / Fraction(2) ** 201)


def cases() -> npt.NDArray[np.uint32]:
    """(cases, 9): a, b, c and then what each line of the program below gives."""
    a, b, c = drawn(np.random.default_rng(0))
    with np.errstate(all="ignore"):
        wide = [column.astype(np.float64) for column in (a, b, c)]
        fused = [exact_fma(*map(np.float64, row)) for row in zip(*wide, strict=True)]
        roots = [exact_root(value) for value in np.abs(a).astype(np.float64)]
        results: list[Any] = [fused, a + b, a * b, a / b, roots, a * b + c]
        columns = [a, b, c, *(np.asarray(result).astype(np.float32) for result in results)]
    return np.stack([np.ascontiguousarray(column).view(np.uint32) for column in columns], axis=1)


PROGRAM = """
#include <stdint.h>
#include <string.h>
%s
static const uint32_t cases[][9] = {%s};

static int is_nan(uint32_t bits) { return (bits & 0x7fffffffu) > 0x7f800000u; }

static int differs(float result, uint32_t expected) {
  uint32_t bits;
  memcpy(&bits, &result, sizeof bits);
  return bits != expected && !(is_nan(bits) && is_nan(expected));
}

__attribute__((noinline)) static float in_two(float a, float b, float c) {
  return a * b + c;
}

int main(void) {
  int wrong = 0;
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; ++i) {
    const uint32_t* row = cases[i];
    float a, b, c;
    memcpy(&a, row, sizeof a);
    memcpy(&b, row + 1, sizeof b);
    memcpy(&c, row + 2, sizeof c);
    if (differs(fma_once(a, b, c), row[3])) wrong |= 1;
    if (differs(a + b, row[4])) wrong |= 2;
    if (differs(a * b, row[5])) wrong |= 4;
    if (differs(a / b, row[6])) wrong |= 8;
    if (differs(sqrt_once(a <= 0 ? 0 - a : a), row[7])) wrong |= 16;
    if (differs(in_two(a, b, c), row[8])) wrong |= 32;
  }
  return wrong;
}
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = ("head", "fma", "sqrt")
    fragments = "\n".join((FRAGMENTS / f"{name}.c").read_text() for name in names)
    rows = ",\n".join("{" + ",".join(f"0x{bits:x}u" for bits in row) + "}" for row in cases())
    path = tmp_path_factory.mktemp("fragments") / "fragments.c"
    path.write_text(PROGRAM % (fragments, rows))
    return path


@pytest.mark.parametrize("flags", [(), CONTRACTING[:-1]], ids=["plain", "contracting"])
@pytest.mark.parametrize("name", BOARDS)
def test_on_boards(name: str, flags: tuple[str, ...], source: Path, tmp_path: Path) -> None:
    board = BOARDS[name]
    require(board.missing())
    board.run(board.build([source], tmp_path / "program", "-O2", *flags))


@pytest.mark.parametrize(
    ("name", "flags"),
    [(name, flags) for name in ("gcc", "clang") for flags in (("-O0",), ("-O2",), WITHIN)]
    + [("gcc", CONTRACTING)],
)
def test_on_the_host(name: str, flags: tuple[str, ...], source: Path, tmp_path: Path) -> None:
    if "-mfma" in flags and "fma" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("this processor has no fused multiply-add")
    program = tmp_path / "program"
    strict = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic")
    built = subprocess.run(
        [compiler(name), *strict, *flags, str(source), "-o", str(program)],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    subprocess.run([str(program)], check=True)
