"""Kernels of the binary convolution: how many bits of a window differ from each filter.

Words are added bit by bit before anything is counted: a full adder makes two words of three, one of
weight 1 and one of weight 2, and so on. What is left, one word for each power of two, is counted by
masks, all together. Where the processor has an instruction that counts bits, that is used.
"""

from __future__ import annotations

from signbit.targets.c.text import block

__all__ = ["kernel", "parts"]

MOST = 18
"""Words that are added before they are counted; at most 31, as a sum of bytes holds 255."""


def parts(words: int) -> list[tuple[int, int]]:
    """How a window of so many words is cut: (words of a part, number of such parts) in order."""
    count = -(-words // MOST)
    each = -(-words // count)
    whole, rest = divmod(words, each)
    return [(each, whole), *([(rest, 1)] if rest else [])]


def kernel(words: int, masked: bool, known: set[tuple[int, bool]]) -> list[str]:
    """The function `dots_N` of a window of N words, with the functions it calls.

    masked: `dots_N_inside`, which leaves out the bits that a mask does not have. known: the parts
    that are written already, to which these are added.
    """
    lines: list[str] = []
    for part, _ in parts(words):
        if (part, masked) not in known:
            known.add((part, masked))
            lines += [*_part(part, masked), ""]
    suffix, mask = ("_inside", "const word *restrict m, ") if masked else ("", "")
    head = (
        f"static NOINLINE void dots_{words}{suffix}(const word *restrict x, {mask}"
        "const word *restrict w, int32_t filters, whole *restrict counts)"
    )
    body: list[str] = []
    at = 0
    for part, count in parts(words):
        given = ("x", "m", "w") if masked else ("x", "w")
        if count == 1:
            moved = ", ".join(f"{name} + {at}" if at else name for name in given)
            body.append(f"count += differing_{part}{suffix}({moved});")
        else:
            moved = ", ".join(f"{name} + i" for name in given)
            loop = f"for (int32_t i = 0; i < {part * count}; i += {part})"
            body += [loop, f"  count += differing_{part}{suffix}({moved});"]
        at += part * count
    loop = f"for (int32_t o = 0; o < filters; ++o, w += {words})"
    return [*lines, *block(head, block(loop, "word count = 0;", body, "counts[o] = (whole)count;"))]


def _part(words: int, masked: bool) -> list[str]:
    """The function that counts the differing bits of a few words."""
    differing = [f"(x[{i}] ^ w[{i}])" + (f" & m[{i}]" if masked else "") for i in range(words)]
    suffix, mask = ("_inside", ", const word *m") if masked else ("", "")
    counted = " + ".join(f"POPCOUNT({each})" for each in differing)
    adders = _Adders()
    for each in differing:
        adders.add(each)
    planes = adders.planes()
    return block(
        f"static INLINE word differing_{words}{suffix}(const word *x{mask}, const word *w)",
        "#ifdef POPCOUNT",
        f"return {counted};",
        "#else",
        *adders.lines,
        *_counted(planes),
        "#endif",
    )


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
        f"const word bytes = {' + '.join(total)};",
        "const word halves = (bytes & 0x00ff00ffu) + (bytes >> 8 & 0x00ff00ffu);",
        "return (halves + (halves >> 16)) & 0xffffu;",
    ]
