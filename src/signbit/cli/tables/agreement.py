"""Tables of `compile --details`: node by node and end to end, how far both sides agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from signbit.cli import console

if TYPE_CHECKING:
    from signbit.compiler import Compiled
    from signbit.compiler.verification.agreement import Agreement, NodeAgreement
    from signbit.compiler.verification.stem_change import StemChange

__all__ = [
    "end_to_end_table",
    "features_table",
    "near_table",
    "nodes_table",
    "sizes_table",
    "stem_table",
]


def stem_table(change: StemChange, *, renewed: bool = False) -> console.Titled:
    """What rounding the stem to int16 changed. renewed: and estimating statistics anew."""
    from signbit.compiler.verification.cosine import median

    rows: list[list[object]] = [
        ["images", change.images],
        ["other top class, or largest feature", change.changed],
        ["median cosine of the outputs", _cosine(median(list(change.cosines)))],
    ]
    if change.float32_top1 is not None and change.int16_top1 is not None:
        rows.append(["top-1, float32 stem", console.percent(change.float32_top1)])
        rows.append(["top-1, int16 stem", console.percent(change.int16_top1)])
    title = "what the int16 stem changed, in PyTorch"
    title += ", with statistics estimated anew" if renewed else ""
    return console.table(title, ["what", "figure"], rows)


def nodes_table(nodes: Sequence[NodeAgreement]) -> console.Titled:
    """Each node, fed PyTorch's own input: what differs."""
    columns = ["node", "op", "integers", "differ", "signs", "differ", "at threshold", "reals"]
    rows = [
        [
            node.name,
            node.op,
            node.dots or None,
            node.dots_different if node.dots else None,
            node.signs or None,
            node.signs_different if node.signs else None,
            len(node.signs_near) if node.signs else None,
            f"{node.relative_error:.1e}" if node.reals else None,
            "yes" if node.agrees else "NO",
        ]
        for node in nodes
    ]
    return console.table(
        "node by node, each fed PyTorch's own input; reals: largest error by largest value",
        [*columns, "agrees"],
        rows,
        words=(0, 1),
        names=True,
    )


def near_table(agreement: Agreement) -> console.Titled:
    """How often a sign was next to its threshold, and what came of it."""
    near = agreement.near
    rows: list[list[object]] = [
        ["signs that differ", near["signs"]],
        ["images with such a sign", near["images"]],
        ["of these, another top class, or largest feature", near["answers_changed"]],
    ]
    return console.table("signs next to their threshold", ["what", "figure"], rows)


def sizes_table(compiled: Compiled) -> console.Titled:
    """The other sizes that a file of any size was tried at."""
    rows: list[list[object]] = []
    for other in compiled.sizes:
        size = "×".join(map(str, other.size))
        if other.agreement is None:
            rows.append([size, None, None, f"does not fit: {other.why}"])
            continue
        signs = sum(node.signs for node in other.agreement.nodes)
        error = max(node.relative_error for node in other.agreement.nodes)
        rows.append([size, signs, f"{error:.1e}", "agrees"])
    columns = ["height×width", "signs", "largest error", "with PyTorch, on random pixels"]
    return console.table("other sizes", columns, rows, words=(0, 3))


def end_to_end_table(agreement: Agreement) -> console.Titled:
    """Top classes of both sides."""
    found = agreement.end_to_end
    rows: list[list[object]] = [
        ["images", found.images],
        ["same top class", console.percent(found.agreement)],
        ["other top class, engine", found.disagreements],
        ["other top class, PyTorch without oneDNN", found.onednn_disagreements],
    ]
    if found.pytorch_top1 is not None and found.engine_top1 is not None:
        rows.append(["top-1, PyTorch", console.percent(found.pytorch_top1)])
        rows.append(["top-1, engine", console.percent(found.engine_top1)])
    return console.table("end to end, against PyTorch", ["what", "figure"], rows)


def features_table(agreement: Agreement) -> console.Titled:
    """Cosines of both sides' features."""
    from signbit.compiler.verification.cosine import median

    found = agreement.end_to_end
    rows: list[list[object]] = [["images", found.images]]
    for what, cosines in (
        ("engine", found.cosines),
        ("PyTorch without oneDNN", found.onednn_cosines),
    ):
        rows.append([f"median cosine of the features, {what}", _cosine(median(cosines))])
        rows.append([f"smallest cosine, {what}", _cosine(min(cosines, default=None))])
    return console.table("end to end, against PyTorch", ["what", "figure"], rows)


def _cosine(value: float | None) -> str | None:
    return None if value is None else f"{value:.6f}"
