"""Kernels of the binary convolution: how many bits of a window differ from each filter.

Words are added bit by bit before anything is counted: a full adder makes two words of three, one of
weight 1 and one of weight 2, and so on. What is left, one word for each power of two, is counted by
masks, all together. Where the processor has an instruction that counts bits, that is used.
"""

from __future__ import annotations

from typing import NamedTuple

from signbit.targets.c.text import block

__all__ = ["Kernel", "kernel", "parts"]

MOST = 18
"""Words that are added before they are counted; at most 31, as a sum of bytes holds 255."""

MOST_COUNTED = 36
"""Words that an instruction counts without a loop, so that a window may stay in registers."""


class Kernel(NamedTuple):
    """A function of a window of so many words and of filters.

    masked: it leaves out the bits that a mask does not have. compared: it stores a sign for each
    filter, not how many bits differ.
    """

    words: int
    masked: bool
    compared: bool

    @property
    def name(self) -> str:
        return f"{'signs' if self.compared else 'dots'}_{self.words}{_suffix(self.masked)}"


def parts(words: int) -> list[tuple[int, int]]:
    """How a window of so many words is cut: (words of a part, number of such parts) in order."""
    count = -(-words // MOST)
    each = -(-words // count)
    whole, rest = divmod(words, each)
    return [(each, whole), *([(rest, 1)] if rest else [])]


def kernel(wanted: Kernel, known: set[tuple[int, bool]]) -> list[str]:
    """A kernel, with the functions it calls.

    known: the numbers of words, and whether masked, that are counted by functions that are written
    already; those of this kernel are added.
    """
    words, masked, _ = wanted
    lines: list[str] = []
    for count in (*(part for part, _ in parts(words)), words):
        if (count, masked) not in known:
            known.add((count, masked))
            lines += [*_differing(count, masked), ""]
    return lines + (_signs(wanted) if wanted.compared else _dots(wanted))


def _suffix(masked: bool) -> str:
    return "_inside" if masked else ""


def _head(wanted: Kernel, *parameters: str) -> str:
    mask = ["const word *restrict m"] if wanted.masked else []
    given = ["const word *restrict x", *mask, "const word *restrict w", *parameters]
    return f"static NOINLINE void {wanted.name}({', '.join(given)})"


def _dots(wanted: Kernel) -> list[str]:
    """How many bits of the window differ from each filter."""
    counted = _call(wanted.words, wanted.masked)
    loop = f"for (int32_t o = 0; o < filters; ++o, w += {wanted.words})"
    return block(
        _head(wanted, "int32_t filters", "whole *restrict counts"),
        block(loop, f"counts[o] = (whole){counted};"),
    )


def _signs(wanted: Kernel) -> list[str]:
    """A sign is negative where more than `most` bits differ; 32 of them go into a word.

    `more` is added to the bits that differ, for those that the mask leaves out.
    """
    words = wanted.words
    more = "more + " if wanted.masked else ""
    counted = f"{more}(int32_t){_call(words, wanted.masked)}"
    return block(
        _head(
            wanted,
            "const int16_t *restrict most",
            *(["int32_t more"] if wanted.masked else []),
            "int32_t filters",
            "word *restrict signs",
        ),
        block(
            "for (int32_t done = 0; done < filters; done += 32)",
            "const int32_t count = filters - done < 32 ? filters - done : 32;",
            "word bits = 0;",
            f"w += {words} * count;",
            "most += count;",
            block(
                "for (int32_t i = 0; i < count; ++i)",
                f"w -= {words};",
                "--most;",
                f"bits = bits << 1 | (word)(*most < {counted});",
            ),
            "*signs++ = bits;",
            f"w += {words} * count;",
            "most += count;",
        ),
    )


def _call(words: int, masked: bool, at: str = "") -> str:
    moved = [f"{name}{at}" for name in (("x", "m", "w") if masked else ("x", "w"))]
    return f"differing_{words}{_suffix(masked)}({', '.join(moved)})"


def _differing(words: int, masked: bool) -> list[str]:
    """The function that counts the differing bits."""
    differing = [f"(x[{i}] ^ w[{i}])" + (f" & m[{i}]" if masked else "") for i in range(words)]
    name = f"differing_{words}{_suffix(masked)}"
    mask = "const word *m, " if masked else ""
    straight = f"return {' + '.join(f'POPCOUNT({each})' for each in differing)};"
    head = f"static INLINE word {name}(const word *x, {mask}const word *w)"
    if words <= MOST:
        adders = _Adders()
        for each in differing:
            adders.add(each)
        planes = adders.planes()
        added = [*adders.lines, *_counted(planes)]
    else:
        added = _in_parts(words, masked)
    if words > MOST_COUNTED:
        return block(head, added)
    return block(head, "#ifdef POPCOUNT", straight, "#else", added, "#endif")


def _in_parts(words: int, masked: bool) -> list[str]:
    lines = ["word count = 0;"]
    at = 0
    for part, count in parts(words):
        if count == 1:
            lines.append(f"count += {_call(part, masked, f' + {at}' if at else '')};")
        else:
            lines.append(f"for (int32_t i = 0; i < {part * count}; i += {part})")
            lines.append(f"  count += {_call(part, masked, ' + i')};")
        at += part * count
    return [*lines, "return count;"]


class _Adders:
    """Full and half adders over words that come one after another; few words wait at any time."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.waiting: list[list[str]] = [[]]
        self._names = 0

    def add(self, expression: str) -> None:
        self._put(0, self._name(expression))

    def planes(self) -> list[str]:
        """One word for each power of two: word i has the weight 2^i."""
        level = 0
        while level < len(self.waiting):
            waiting = self.waiting[level]
            if len(waiting) == 2:
                a, b = waiting
                self.waiting[level] = [self._name(f"{a} ^ {b}")]
                self._put(level + 1, self._name(f"{a} & {b}"))
            level += 1
        return [waiting[0] for waiting in self.waiting]

    def _put(self, level: int, name: str) -> None:
        if level == len(self.waiting):
            self.waiting.append([])
        waiting = self.waiting[level]
        waiting.append(name)
        if len(waiting) == 3:
            a, b, c = waiting
            either = self._name(f"{a} ^ {b}")
            self.waiting[level] = [self._name(f"{either} ^ {c}")]
            self._put(level + 1, self._name(f"({a} & {b}) | ({either} & {c})"))

    def _name(self, expression: str) -> str:
        name = f"a{self._names}"
        self._names += 1
        self.lines.append(f"const word {name} = {expression};")
        return name


def _counted(planes: list[str]) -> list[str]:
    """Return the sum of what the planes count, each by its weight.

    Fields of 4 bits hold 4 + 2·4, then bytes hold at most 8 for each word that was added.
    """
    lines = []
    for i, plane in enumerate(planes):
        lines += [
            f"const word p{i} = {plane} - ({plane} >> 1 & 0x55555555u);",
            f"const word n{i} = (p{i} & 0x33333333u) + (p{i} >> 2 & 0x33333333u);",
        ]
    total = []
    for i in range(0, len(planes), 2):
        both = f"n{i} + 2 * n{i + 1}" if i + 1 < len(planes) else f"n{i}"
        lines += [
            f"const word f{i} = {both};",
            f"const word b{i} = (f{i} & 0x0f0f0f0fu) + (f{i} >> 4 & 0x0f0f0f0fu);",
        ]
        total.append(f"{1 << i} * b{i}" if i else f"b{i}")
    return [
        *lines,
        f"return add_bytes({' + '.join(total)});",
    ]
