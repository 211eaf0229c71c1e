import numpy as np
from tests.compiler.graphs import Builder

from signbit.compiler.ir import text


def test_one_line_for_each_value() -> None:
    build = Builder((4, 4, 3))
    scaled = build.scaled("image", [1, 2, 3], 0)
    conv = build.conv(build.sign(scaled), 2)
    build.graph.output = build.plus(conv, conv, repeat="tile")
    assert text(build.graph).splitlines() == [
        "  image: 4×4×3 = image()",
        "  v1: 4×4×3 = identity(image) → affine scale=float64[3], shift=0",
        "  v2: 4×4×3 signs = sign(v1)",
        "  v3: 4×4×2 = binary_conv(v2; kernel=(3 3), stride=(1 1), padding=(1 1 1 1), groups=1, "
        "weight=int8[2×3×3×3])",
        "> v4: 4×4×2 = identity(v3) → add v3; every=(1 1), repeat=tile",
    ]


def test_values_of_keys() -> None:
    build = Builder((4, 4, 2))
    sign = build.sign("image")
    keys = {"threshold": np.float32([1, 2]), "flip": None, "taken_over": ()}
    build.graph.put(build.graph[sign].with_keys(**keys))
    shown = text(build.graph).splitlines()[1]
    assert shown == "  v1: 4×4×2 signs = sign(image; threshold=float32[2], taken_over=())"
