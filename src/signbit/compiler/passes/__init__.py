"""The passes, one file each, and their order. A pass rewrites the compiler's graph in place."""

from __future__ import annotations

import os
import sys

from signbit.compiler.ir import Graph, verify
from signbit.compiler.passes.fold.fold_batch_norm import fold_batch_norm
from signbit.compiler.passes.fold.fold_into_weights import fold_into_weights
from signbit.compiler.passes.fold.gather_affine import gather_affine
from signbit.compiler.passes.fold.look_up_pixels import look_up_pixels
from signbit.compiler.passes.fold.round_constants import round_constants
from signbit.compiler.passes.merge.absorb_flatten import absorb_flatten
from signbit.compiler.passes.merge.absorb_maps import absorb_maps
from signbit.compiler.passes.merge.absorb_pads import absorb_pads
from signbit.compiler.passes.merge.absorb_views import absorb_views
from signbit.compiler.passes.merge.fuse_epilogue import fuse_epilogue
from signbit.compiler.passes.merge.merge_branches import merge_branches
from signbit.compiler.passes.merge.order_features import order_features
from signbit.compiler.passes.merge.share_equal import share_equal
from signbit.compiler.passes.move.move_biases import move_biases
from signbit.compiler.passes.move.move_max_pool import move_max_pool
from signbit.compiler.passes.remove_dead import remove_dead
from signbit.compiler.passes.show import Pass, show
from signbit.compiler.passes.signs.read_bits import read_bits
from signbit.compiler.passes.signs.signs_first import signs_first
from signbit.compiler.passes.signs.thresholds import thresholds

__all__ = ["FUSION", "MAPPING", "Pass", "run_passes", "show"]

_VERIFY = "SIGNBIT_VERIFY_IR"
_SHOW = "SIGNBIT_SHOW_PASS"

MAPPING: tuple[Pass, ...] = (
    remove_dead,
    look_up_pixels,
    remove_dead,
    fold_batch_norm,
    share_equal,
    absorb_pads,
    gather_affine,
    absorb_maps,
    merge_branches,
    fold_into_weights,
    absorb_flatten,
    order_features,
    fold_into_weights,  # again: what stood in front of a flatten now stands in front of its reader
    absorb_views,
    move_biases,
    move_max_pool,
    gather_affine,
    round_constants,
    remove_dead,
)
"""Maths on constants, in float64: after it a network can be lowered, one step per node."""

FUSION: tuple[Pass, ...] = (
    read_bits,
    signs_first,
    thresholds,
    remove_dead,
    fuse_epilogue,
)
"""Fewer, larger nodes; changes no bit of any output."""


def run_passes(
    graph: Graph, passes: tuple[Pass, ...] = MAPPING + FUSION, *, check: bool | None = None
) -> None:
    """Run passes in order.

    check: verify the graph before the first and after each; None takes SIGNBIT_VERIFY_IR=1 for
    yes. A pass that SIGNBIT_SHOW_PASS names is shown on standard error, each time that it runs.
    What cannot be done is in the graph's `refused`, which then is no whole graph. Raises
    InternalError where a pass has left another one that is not whole.
    """
    check = os.environ.get(_VERIFY) == "1" if check is None else check
    if check and not graph.refused:
        verify(graph, "tracing")
    for rewrite in passes:
        if rewrite.__name__ == os.environ.get(_SHOW):
            print(show(rewrite, graph), file=sys.stderr)
        else:
            rewrite(graph)
        if check and not graph.refused:
            verify(graph, rewrite.__name__)
