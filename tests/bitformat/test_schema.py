"""The graph's JSON: a faithful round trip, and a clear refusal of every wrong key and type."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.bitformat.mutations import Path, at, places
from tests.bitformat.samples import SAMPLES, Make, offsets_sample, sample

from signbit.bitformat.graph import FORMAT_VERSION, Graph, GraphInput, GraphOutput, Node, Resize
from signbit.bitformat.schema import from_json, plain_resize, read_resize, to_json
from signbit.bitformat.table import KEYS, OPERATIONS, STEPS
from signbit.errors import ModelFileError, ModelVersionError

makes = pytest.mark.parametrize("make", SAMPLES.values(), ids=SAMPLES)
OPTIONAL = {
    *(key.name for key in KEYS.values() if not key.required),
    *("any_size", "source", "resize", "classes", "interpolation", "rule", "table"),
    "confidence",
    *("steps", "outputs", "after", "threshold", "flip"),
}
"""Keys that may be left out; `outputs` only of a node."""


def sample_json(make: Make = sample) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(to_json(make()[0]))
    return value


def changed(path: Path, value: Any = None, delete: bool = False, make: Make = sample) -> str:
    graph = sample_json(make)
    parent = at(graph, path[:-1])
    if delete:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return json.dumps(graph)


@makes
def test_round_trip_of_the_samples(make: Make) -> None:
    graph, _ = make()
    assert from_json(to_json(graph)) == graph
    assert to_json(from_json(to_json(graph))) == to_json(graph)


def test_json_is_as_the_page_shows_it() -> None:
    graph = sample_json()
    assert list(graph) == ["format", "inputs", "outputs", "source", "nodes"]
    assert graph["format"] == 1
    assert graph["inputs"] == [
        {
            "name": "image",
            "kind": "image",
            "shape": [6, 6, 3],
            "resize": {"shorter_side": 7, "interpolation": "nearest"},
        }
    ]
    assert graph["outputs"] == [
        {"name": "logits", "tensor": 7, "classes": ["cat", "dog", "émeu", "Ω"]}
    ]
    assert graph["nodes"][1] == {
        "name": "body",
        "op": "binary_conv",
        "inputs": [2, 1],
        "kernel": [3, 3],
        "padding": [1, 1, 1, 1],
        "groups": 2,
        "pool_kernel": [2, 2],
        "pool_stride": [2, 2],
        "weight": 7,
        "steps": [
            {"op": "affine", "scale": 4, "shift": 5},
            {"op": "add", "input": 1, "every": [2, 2], "offset": 1},
            {"op": "prelu", "slope": 6},
        ],
        "outputs": [{"kind": "real"}, {"kind": "signs", "after": 0, "threshold": 8, "flip": 9}],
    }
    assert graph["nodes"][2]["outputs"] == [{"kind": "signs"}]
    assert graph["nodes"][3] == {"name": "mean", "op": "global_mean", "inputs": [3]}


def test_keys_are_written_in_the_tables_order() -> None:
    for node in sample_json(offsets_sample)["nodes"]:
        row = [key.name for key in OPERATIONS[node["op"]].keys if key.name in node]
        rest = [key for key in ("steps", "outputs") if key in node]
        assert list(node) == ["name", "op", "inputs", *row, *rest]
        for step in node.get("steps", []):
            row = [key.name for key in STEPS[step["op"]].keys if key.name in step]
            assert list(step) == ["op", *row]


def test_defaults_are_left_out() -> None:
    """A key, an output or an input that says its default is written as one that says nothing."""
    defaults = {"stride": (1, 1), "padding": (0, 0, 0, 0), "ceil": False, "kernel": (1, 1)}
    node = Node("n", "max_pool", (0,), defaults)
    resize = Resize(9, "bilinear", "torchvision")
    graph = Graph(
        (GraphInput("x", "image", (1, 1, 1), resize),), (GraphOutput("y", 1, ()),), (node,), {}
    )
    assert json.loads(to_json(graph)) == {
        "format": 1,
        "inputs": [
            {"name": "x", "kind": "image", "shape": [1, 1, 1], "resize": {"shorter_side": 9}}
        ],
        "outputs": [{"name": "y", "tensor": 1}],
        "nodes": [{"name": "n", "op": "max_pool", "inputs": [0]}],
    }


@makes
def test_every_wrong_type_is_refused(make: Make) -> None:
    graph = sample_json(make)
    for path in places(graph):
        text = isinstance(at(graph, path), str)
        for swapped in (None, 1.5, {"a": 1}, 7 if text else "7"):
            if path == ("source",) and isinstance(swapped, dict):
                continue
            with pytest.raises(ModelFileError):
                from_json(changed(path, swapped, make=make))


@makes
def test_every_missing_key_is_refused(make: Make) -> None:
    for path in places(sample_json(make)):
        key = path[-1]
        if isinstance(key, int):
            continue  # an item of a list: another graph, which validate judges
        text = changed(path, delete=True, make=make)
        if key in OPTIONAL and path != ("outputs",):
            from_json(text)
            continue
        missing = "must have one of shorter_side" if key == "shorter_side" else "is missing"
        with pytest.raises(ModelFileError, match=f"'{key}' {missing}|{missing}|format|op: must be"):
            from_json(text)


def test_an_item_too_few_or_too_many() -> None:
    """Lists of a fixed length: pairs, sides, shapes."""
    for make in SAMPLES.values():
        graph = sample_json(make)
        for path in places(graph):
            value = at(graph, path)
            if path[-1] not in ("kernel", "stride", "padding", "dilation", "shape", "every"):
                continue
            for other in (value[:-1], [*value, 1]):
                message = f"must be a list of {len(value)} integers"
                with pytest.raises(ModelFileError, match=message):
                    from_json(changed(path, other, make=make))


@makes
def test_every_unknown_key_is_refused(make: Make) -> None:
    graph = sample_json(make)
    for path in ((), *places(graph)):
        if isinstance(at(graph, path), dict) and path != ("source",):
            with pytest.raises(ModelFileError, match="unknown key 'extra'"):
                from_json(changed((*path, "extra"), 1, make=make))


def test_a_key_of_another_row_is_refused() -> None:
    for path, key in ((("nodes", 3), "kernel"), (("nodes", 0), "pool_kernel")):
        with pytest.raises(ModelFileError, match=rf"^nodes\[\d\]: unknown key '{key}'"):
            from_json(changed((*path, key), [1, 1]))
    with pytest.raises(ModelFileError, match=r"^nodes\[1\]\.steps\[2\]: unknown key 'low'"):
        from_json(changed(("nodes", 1, "steps", 2, "low"), 1))


def test_a_flag_is_true_or_absent() -> None:
    for path in (("any_size",), ("nodes", 2, "ceil")):
        for value in (False, 1, "true", None):
            with pytest.raises(ModelFileError, match=f"{path[-1]}: must be true"):
                from_json(changed(path, value))
    assert from_json(changed(("any_size",), True)).any_size
    assert from_json(changed(("nodes", 2, "ceil"), True)).nodes[2]["ceil"]


RULES = {
    "another size": Resize(both_sides=(7, 9), interpolation="bicubic", aliased=True),
    "a letterbox": Resize(letterbox=(114, 0, 255), colours="bgr"),
    "gray": Resize(9, "nearest", colours="gray"),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_rule_for_photographs_is_read_back(rule: Resize) -> None:
    graph = Graph(
        (GraphInput("x", "image", (1, 1, 3), rule),),
        (GraphOutput("y", 1),),
        (Node("n", "identity", (0,)),),
    )
    assert from_json(to_json(graph)) == graph
    assert read_resize(plain_resize(rule), "resize") == rule


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({}, "resize: must have one of shorter_side, both_sides, letterbox, has 0"),
        ({"shorter_side": 7, "letterbox": [0]}, "resize: must have one of .* has 2"),
        ({"both_sides": [7]}, r"both_sides: must be a list of 2 integers"),
        ({"both_sides": [7, 0]}, r"both_sides\[1\]: must be 1 to 16384, is 0"),
        ({"letterbox": []}, "letterbox: must have 1 to 3 items, has 0"),
        ({"letterbox": [0, 256]}, r"letterbox\[1\]: must be 0 to 255, is 256"),
        ({"shorter_side": 7, "interpolation": "cubic"}, "interpolation: must be one of bilinear, "),
        ({"shorter_side": 7, "aliased": False}, "aliased: must be true where it is given"),
        ({"shorter_side": 7, "colours": "hsv"}, "colours: must be one of rgb, bgr, gray, is 'hsv'"),
    ],
)
def test_rules_that_are_none_are_refused(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        from_json(changed(("inputs", 0, "resize"), rule))


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ModelFileError, match=r"^nodes\[2\]\.op: .*max_pool.*is 'pointwise'"):
        from_json(changed(("nodes", 2, "op"), "pointwise"))
    with pytest.raises(ModelFileError, match=r"^nodes\[1\]\.steps\[2\]\.op: .*is 'softmax'"):
        from_json(changed(("nodes", 1, "steps", 2, "op"), "softmax"))


@pytest.mark.parametrize(
    "key", [key for key in KEYS.values() if key.most], ids=lambda key: key.name
)
def test_ranges_are_the_tables(key: Any) -> None:
    rows = (*OPERATIONS.values(), *STEPS.values())
    row = next(row for row in rows if key in row.keys)
    count = {"pair": 2, "sides": 4}.get(key.type)
    required = {each.name: 1 for each in row.keys if each.required and each.type != "pair"}
    holder = {"op": row.name, **required}
    if row in OPERATIONS.values():
        graph = sample_json() | {"nodes": [holder | {"name": "n", "inputs": [0]}]}
        target, where = graph["nodes"][0], "nodes[0]"
    else:
        graph = sample_json()
        graph["nodes"] = [{"name": "n", "op": "identity", "inputs": [0], "steps": [holder]}]
        target, where = holder, "nodes[0].steps[0]"
    for value in (key.least, key.most):
        target[key.name] = value if count is None else [value] * count
        from_json(json.dumps(graph))
    for value in (key.least - 1, key.most + 1):
        target[key.name] = value if count is None else [key.most] * (count - 1) + [value]
        place = f"{where}.{key.name}" + ("" if count is None else f"[{count - 1}]")
        with pytest.raises(ModelFileError) as caught:
            from_json(json.dumps(graph))
        assert str(caught.value).startswith(f"{place}: must be {key.least} to {key.most}, is")


def test_a_newer_version_is_its_own_error() -> None:
    graph = sample_json()
    graph["format"] = FORMAT_VERSION + 1
    graph["a key of the future"] = {}
    with pytest.raises(ModelVersionError, match="upgrade signbit"):
        from_json(json.dumps(graph))
    for version in (0, -1, 1.0, "1", True, None):
        graph["format"] = version
        with pytest.raises(ModelFileError, match="format") as caught:
            from_json(json.dumps(graph))
        assert not isinstance(caught.value, ModelVersionError)


def test_half_a_surrogate_pair_is_refused() -> None:
    for path in (("outputs", 0, "name"), ("nodes", 0, "name"), ("source", "recipe")):
        with pytest.raises(ModelFileError, match="surrogate"):
            from_json(changed(path, "\ud800"))


def test_too_many_items_are_refused() -> None:
    graph = sample_json()
    graph["nodes"] = [graph["nodes"][3]] * 65_537
    with pytest.raises(ModelFileError, match="65536"):
        from_json(json.dumps(graph))
