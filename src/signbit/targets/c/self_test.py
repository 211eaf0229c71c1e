"""The program that runs an exported network on one sample and compares every bit of its answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from signbit.bitformat.checks import Array
from signbit.targets.c.text import array, block

__all__ = ["self_test"]

Named = Sequence[tuple[str, Array]]


def self_test(name: str, inputs: Named, outputs: Named) -> str:
    """The text of a C file with a `main`.

    inputs, outputs: C's name and the values of one sample, in the order of the call. Signs are
    int8, −1 or +1.
    """
    lines = [f'#include "{name}.h"', "", "#include <stdint.h>", "#include <stdio.h>"]
    lines += ["#include <string.h>", ""]
    for each, values in inputs:
        if values.dtype == np.uint8:
            lines += array("uint8_t", f"given_{each}", values)
            continue
        _, *rest = array("uint32_t", f"given_{each}", values.view(np.uint32))
        union = (
            f"static const union {{ uint32_t bits[{values.size}]; float values[{values.size}]; }}"
        )
        lines += [f"{union} given_{each} = {{{{", *rest[:-1], "}};"]
    body = [f"static uint32_t arena[{name.upper()}_ARENA_BYTES / 4];", "long wrong = 0;"]
    call = ["arena"]
    call += [
        f"given_{each}" if values.dtype == np.uint8 else f"given_{each}.values"
        for each, values in inputs
    ]
    checks: list[str] = []
    for each, values in outputs:
        signs = values.dtype == np.int8
        expected = values if signs else values.view(np.uint32)
        lines += array("int8_t" if signs else "uint32_t", f"expected_{each}", expected)
        body.append(f"static {'int8_t' if signs else 'float'} got_{each}[{values.size}];")
        call.append(f"got_{each}")
        compared = f"memcmp(got_{each} + i, expected_{each} + i, sizeof *got_{each})"
        alike = f"wrong += {compared} != 0;"
        if np.isnan(values).any():
            nan = f"got_{each}[i] != got_{each}[i] && (expected_{each}[i] << 1) > 0xff000000u"
            alike = f"wrong += {compared} != 0 && !({nan});"
        checks += block(f"for (long i = 0; i < {values.size}; ++i)", alike)
    body += [
        f"{name}_run({', '.join(call)});",
        *checks,
        f'if (wrong) printf("{name}: %ld values are wrong\\n", wrong);',
        f'else printf("{name}: every value is right\\n");',
        "return wrong != 0;",
    ]
    return "\n".join([*lines, "", *block("int main(void)", body)]) + "\n"
