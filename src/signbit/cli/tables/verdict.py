"""The first lines that `compile` and `inspect` print: what it is, how large, the same answers?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from signbit.cli import console
from signbit.errors import CompileError, Refusal
from signbit.words import counted

if TYPE_CHECKING:
    from signbit.compiler import Compiled
    from signbit.compiler.count import ModelCost
    from signbit.compiler.verification.agreement import Agreement
    from signbit.compiler.verification.stem_change import StemChange

__all__ = ["agreement_lines", "cost_lines", "origin_line", "refusal_lines", "stem_line"]

MOST_NAMES = 4  # layers of one kind that are listed by name


def origin_line(path: str, source: Mapping[str, str]) -> str:
    """Which network it is, by which method, and what it was trained on, as far as it is noted."""
    words = [source.get("network", "a network")]
    if "method" in source:
        words.append(f"by {source['method']}")
    if "state" in source:
        words.append(f"({source['state']})")
    if "epochs" in source and "data" in source:
        plural = "" if source["epochs"] == "1" else "s"
        words.append(f"after {source['epochs']} epoch{plural} on {source['data']}")
    told = " ".join(words)
    return told if path == words[0] else f"{path}: {told}"


def cost_lines(cost: ModelCost) -> list[str]:
    """Bytes beside float32, operations, and which layers are not binary and why."""
    size, real = (console.compact(count, "B") for count in (cost.bytes, cost.float32_bytes))
    times = cost.float32_bytes / cost.bytes
    layers = [layer for layer in cost.layers if layer.weight]
    binary = sum(not layer.why for layer in layers)
    share = console.percent(cost.binary_parameters / max(cost.parameters, 1))
    lines = [
        f"{size}, {times:.1f} times smaller than its parameters in float32 ({real})",
        f"{console.compact(cost.ops)} OPs per image: {console.compact(cost.flops)} FLOPs and "
        f"{console.compact(cost.bops)} BOPs / 64",
        f"binary: {binary} of {counted(len(layers), 'layer')}, {share} of the parameters",
    ]
    reasons = defaultdict(list)
    for layer in layers:
        if layer.why:
            reasons[layer.why].append(layer.name)
    return lines + [f"not binary: {_names(names)} ({why})" for why, names in reasons.items()]


def agreement_lines(compiled: Compiled, agreement: Agreement, *, classes: bool) -> list[str]:
    """Whether the engine gives PyTorch's answers: top classes, or with no `classes` vectors."""
    from signbit.compiler.verification.cosine import median

    found = agreement.end_to_end
    wrong = [node.name for node in agreement.nodes if not node.agrees]
    lines = []
    if wrong:
        lines.append(
            f"DISAGREES with PyTorch at {len(wrong)} of {counted(len(agreement.nodes), 'node')}: "
            f"{_names(wrong)}"
        )
    else:
        count = len(agreement.nodes)
        every = "its one node" if count == 1 else f"each of its {count} nodes"
        lines.append(f"agrees with PyTorch at {every}")
    images = counted(found.images, "image")
    if classes:
        same = f"same top class on {found.images - found.disagreements} of {images}"
        if found.pytorch_top1 is not None and found.engine_top1 is not None:
            same += f"; top-1 {console.percent(found.engine_top1)}"
            same += f", PyTorch {console.percent(found.pytorch_top1)}"
    else:
        cosine = median(found.cosines)
        same = f"features of {images}" + (
            "" if cosine is None else f": median cosine with PyTorch's {cosine:.6f}"
        )
    lines.append(same)
    if compiled.sizes:
        wrong = ["×".join(map(str, size.size)) for size in compiled.sizes if size.why]
        agree = counted(len(compiled.sizes) - len(wrong), "other size")
        tried = f"agrees at {agree}, tried on random pixels"
        lines.append(tried + (f"; does not fit {', '.join(wrong)}" if wrong else ""))
    return lines


def refusal_lines(run: Path, refused: Sequence[Refusal]) -> list[str]:
    """All that cannot be compiled of a run, or that nothing is in the way."""
    if not refused:
        return [f"{run}: can be compiled"]
    first, *others = str(CompileError(*refused)).split("\n")
    return [f"{run}: {first}", *others]


def stem_line(change: StemChange) -> str:
    """How many answers the int16 stem changed, in PyTorch, and top-1 before and after."""
    line = (
        f"the int16 stem changed the top class, or largest feature, of {change.changed} of "
        f"{counted(change.images, 'image')}"
    )
    if change.float32_top1 is None or change.int16_top1 is None:
        return line
    tops = (console.percent(top) for top in (change.float32_top1, change.int16_top1))
    return f"{line}; top-1 {' before, '.join(tops)} after"


def _names(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
