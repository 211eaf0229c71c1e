"""A sign of per-channel maths becomes one comparison per channel, and the maths is not computed.

bit = (u < threshold[c]) XOR flip[c], u being the integer dot of a binary convolution or a real.
The maths' own value is compared as the sign's rule says (`SignRule`): with 0, or with a level.

On integers nothing is assumed: the engine's own float32 epilogue is evaluated at every integer the
dot can be. On reals every step must be monotone after rounding, which holds for a fused
multiply-add, relu, clips, hard-sigmoid, and prelu and maxout whose two slopes do not differ in
sign; sigmoid's and tanh's polynomials do not promise it. The threshold is then found by bisection
over the order of the floats, so it is exact.
The sums of an int16 stem are too many to try, so they are bisected too, over the integers.
Where the maths starts at signs, its value at −1 and at +1 is all that there is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from signbit.bitformat.int16_stem import MAX_SUM
from signbit.compiler.ir import Graph, Node, SignRule, Step, is_by_channel
from signbit.compiler.passes.signs.pixel_comparison import pixel_comparison
from signbit.compiler.passes.signs.step_values import evaluate, is_monotone
from signbit.errors import CompileError

__all__ = [
    "Comparison",
    "integer_comparison",
    "real_comparison",
    "sum_comparison",
    "thresholds",
    "two_value_comparison",
]

Float32 = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Keys = npt.NDArray[np.int64]
Comparison = tuple[npt.NDArray[np.float32] | npt.NDArray[np.int32], npt.NDArray[np.uint8]]
"""threshold and flip, (channels,) each"""

PLAIN = SignRule()

_BLOCK_ELEMENTS = 1 << 21
_HIGHEST = int(np.float32(np.finfo(np.float32).max).view(np.int32))


def thresholds(graph: Graph) -> None:
    """Give every sign its comparison; it takes over the steps that only signs read.

    Expects constants rounded to float32. Where the sign changes more than once over the integers
    (a prelu or maxout with a negative slope), and where a convolution's value is more than its
    dots, reals stay and are compared. Refused are signs of pixels that no comparison yields.
    """
    for node in graph:
        if node.op != "sign":
            continue
        try:
            source, (threshold, flip), steps = _compare(graph, node)
        except CompileError as error:
            graph.refused += error.refusals
            continue
        comparison = {"threshold": threshold, "flip": flip, "taken_over": tuple(steps)}
        graph.update(node.name, inputs=(source,), keys=node.keys | comparison)


def _compare(graph: Graph, sign: Node) -> tuple[str, Comparison, list[Step]]:
    """The value to compare, with what, and the steps that this takes over."""
    if sign["pixel_signs"] is not None:
        return pixel_comparison(graph, sign)
    rule = SignRule.of(sign)
    nodes = _nodes(graph, sign)
    steps = [step for node in nodes for step in node.steps]
    base = graph[nodes[0].input] if nodes else graph[sign.input]
    if base.yields_integers and base.op == "binary_conv":
        comparison = integer_comparison(steps, base["weight"][0].size, base.shape.channels, rule)
        if comparison is not None:
            return base.name, comparison, steps
    elif base.yields_integers and all(is_monotone(step) for step in steps):
        return base.name, sum_comparison(steps, base.shape.channels, rule), steps
    elif _holds_signs(graph, base):
        return base.name, two_value_comparison(steps, base.shape.channels, rule), steps
    while nodes and not all(is_monotone(step) for node in nodes for step in node.steps):
        nodes = nodes[1:]
    steps = [step for node in nodes for step in node.steps]
    source = graph[nodes[0].input] if nodes else graph[sign.input]
    return source.name, real_comparison(steps, source.shape.channels, rule), steps


def _nodes(graph: Graph, sign: Node) -> list[Node]:
    """Per-channel maths on reals that only signs read, in order, the last in front of the sign."""
    nodes: list[Node] = []
    node = graph[sign.input]
    while _is_for_signs(graph, node) and not graph[node.input].is_sign:
        nodes.insert(0, node)
        node = graph[node.input]
    return nodes


def _holds_signs(graph: Graph, node: Node) -> bool:
    """Whether a node's reals are nothing but signs."""
    return node.op == "identity" and not node.steps and graph[node.input].is_sign


def _is_for_signs(graph: Graph, node: Node) -> bool:
    """Whether a node is per-channel maths that ends in signs and nowhere else."""
    if not is_by_channel(node) or graph.is_output(node.name):
        return False
    readers = graph.readers(node.name)
    return all(reader.op == "sign" or _is_for_signs(graph, reader) for reader in readers)


def integer_comparison(
    steps: Sequence[Step], taps: int, channels: int, rule: SignRule = PLAIN
) -> Comparison | None:
    """The comparison of a dot of `taps` signs with an int32, for each channel.

    Every integer from −taps to taps counts as reachable: at the borders of a map taps are
    missing, so the parity changes too. None where the sign of any channel changes more than once.
    """
    dots = np.arange(-taps, taps + 1, dtype=np.int32)
    threshold = np.empty(channels, np.int32)
    flip = np.empty(channels, np.uint8)
    block = max(1, _BLOCK_ELEMENTS // len(dots))
    for start in range(0, channels, block):
        part = slice(start, min(start + block, channels))
        values = np.broadcast_to(dots.astype(np.float32), (part.stop - start, len(dots)))
        negative = rule.negative(evaluate(steps, values, part), part)
        changes = negative[:, 1:] != negative[:, :-1]
        if (changes.sum(1) > 1).any():
            return None
        # The first integer after the change. Where there is none, nothing lies below −taps.
        changed = changes.any(1)
        threshold[part] = np.where(changed, dots[1:][changes.argmax(1)], -taps)
        flip[part] = np.where(changed, ~negative[:, 0], negative[:, 0])
    return threshold, flip


def real_comparison(steps: Sequence[Step], channels: int, rule: SignRule = PLAIN) -> Comparison:
    """The comparison of a real with a float32, for each channel; steps are monotone.

    It holds for every finite real of which the steps make a number.
    """
    if not steps:
        level = np.zeros(channels, np.float32) if rule.level is None else rule.level
        return level, np.zeros(channels, np.uint8) if rule.negated is None else rule.negated
    keys, flip = _bisect(steps, channels, _float_of, _HIGHEST, rule)
    return _float_of(keys).astype(np.float32), flip


def sum_comparison(steps: Sequence[Step], channels: int, rule: SignRule = PLAIN) -> Comparison:
    """The comparison of an int16 stem's sum with an int32, for each channel; steps are monotone.

    So is the rounding of the sum to float32, which comes first.
    """
    threshold, flip = _bisect(steps, channels, lambda sums: sums.astype(np.float32), MAX_SUM, rule)
    return threshold.astype(np.int32), flip


def two_value_comparison(
    steps: Sequence[Step], channels: int, rule: SignRule = PLAIN
) -> Comparison:
    """The comparison of a real that is −1 or +1 with a float32, for each channel; any steps."""
    values = np.tile(np.array([-1, 1], np.float32), (channels, 1))
    negative = rule.negative(evaluate(steps, values, slice(None)))
    # Where both have one sign, nothing lies below the lowest float.
    threshold = np.where(negative[:, 0] == negative[:, 1], np.finfo(np.float32).min, 0)
    return threshold.astype(np.float32), negative[:, 1].astype(np.uint8)


def _bisect(
    steps: Sequence[Step],
    channels: int,
    value: Callable[[Keys], Float32],
    highest: int,
    rule: SignRule,
) -> tuple[Keys, npt.NDArray[np.uint8]]:
    """Threshold and flip per channel over the keys −highest … highest, whose values rise."""
    everywhere = slice(0, channels)

    def result(keys: Keys) -> Float32:
        return evaluate(steps, value(keys)[:, None], everywhere)[:, 0]

    def negative(keys: Keys) -> Bools:
        return rule.negative(result(keys))

    far = np.full(channels, highest, np.int64)
    below = -_last_number(lambda keys: result(-keys), far)
    above = _last_number(result, far)
    first, last = negative(below), negative(above)
    at = _first_change(negative, first, below, above)
    # Where the sign never changes, nothing lies below the lowest key.
    changes = first != last
    threshold = np.where(changes, at, -highest)
    return threshold, np.where(changes, ~first, first).astype(np.uint8)


def _last_number(result: Callable[[Keys], Float32], far: Keys) -> Keys:
    """The last key from 0 to `far` with a number: an overflow times 0 is none."""

    def is_none(keys: Keys) -> Bools:
        return np.isnan(result(keys))

    broken, zero = is_none(far), np.zeros_like(far)
    if not broken.any():
        return far
    return np.where(broken, _first_change(is_none, is_none(zero), zero, far) - 1, far)


def _first_change(holds: Callable[[Keys], Bools], first: Bools, below: Keys, above: Keys) -> Keys:
    """The lowest key for which something does not hold, or holds, as for the lowest of all."""
    while (above - below > 1).any():
        middle = (below + above) // 2
        same = holds(middle) == first
        below = np.where(same, middle, below)
        above = np.where(same, above, middle)
    return above


def _float_of(keys: Keys) -> Float32:
    """Floats by rank: key 0 is 0, +1 the next float above, −1 the next below; none twice."""
    magnitude = np.abs(keys).astype(np.int32).view(np.float32)
    return np.where(keys < 0, -magnitude, magnitude)
