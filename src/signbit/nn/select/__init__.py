"""Every rule of when a native op may stand in for modules; each says in plain words why not.

The modules are the reference. A rule returns None where the op does the same, else the reason why
it may not; what no rule knows is left to the modules. A native op computes several modules' work at
once, so it needs them as signbit or PyTorch wrote them, with nobody listening in between.

Rules about modules hold for a whole training; rules about inputs (`context`, `tensor`, and what
takes x) are asked at every call.
"""

from signbit.nn.select.context import context
from signbit.nn.select.layers import sign_conv, sign_linear
from signbit.nn.select.modules import may_miss_calls
from signbit.nn.select.nonlinearities import maxout, prelu, rprelu
from signbit.nn.select.norms import batch_norm, join_of, register_joined_norm
from signbit.nn.select.units import binary_unit, is_clip, pool_window, real_unit, unit_weight

__all__ = [
    "batch_norm",
    "binary_unit",
    "context",
    "is_clip",
    "join_of",
    "maxout",
    "may_miss_calls",
    "pool_window",
    "prelu",
    "real_unit",
    "register_joined_norm",
    "rprelu",
    "sign_conv",
    "sign_linear",
    "unit_weight",
]
