"""The graph's JSON: a faithful round trip, and a clear refusal of every wrong key and type."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bitformat.format3_sample import CONVOLVE, format3_sample
from tests.bitformat.samples import Sample, int16_sample, sample
from tests.runtime import newest
from tests.runtime.graphs import Case
from tests.runtime.strategies import networks

from signbit.bitformat.schema import FORMAT_VERSION, from_json, to_json
from signbit.errors import ModelFileError, ModelVersionError

OPTIONAL = {
    *("pad_value", "pool", "scale", "shift", "shortcut"),
    *("activation", "slope", "real", "signs"),
    *("map", "sums", "positive_slope", "offset"),
}

Make = Callable[[], Sample]
MAKES: tuple[Make, ...] = (sample, format3_sample)


def sample_json(make: Make = sample) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(to_json(make()[0]))
    return value


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in the sample's JSON but the free `source`."""
    if path:
        yield path
    if path != ("source",):
        items = value.items() if isinstance(value, dict) else []
        items = enumerate(value) if isinstance(value, list) else items
        for key, item in items:
            yield from places(item, (*path, key))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def changed(
    path: tuple[Any, ...], value: Any = None, delete: bool = False, make: Make = sample
) -> str:
    graph = sample_json(make)
    parent = at(graph, path[:-1])
    if delete:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return json.dumps(graph)


def label(value: Any) -> str:
    return str(getattr(value, "__name__", value))


ALL_PLACES = [(make, path) for make in MAKES for path in places(sample_json(make))]


@pytest.mark.parametrize("make", MAKES)
def test_round_trip_of_the_samples(make: Make) -> None:
    graph, _ = make()
    assert from_json(to_json(graph)) == graph


@settings(derandomize=True, deadline=None, max_examples=30)
@given(case=st.one_of(networks, newest.networks))
def test_round_trip_of_networks(case: Case) -> None:
    assert from_json(to_json(case.graph)) == case.graph


def test_json_is_as_the_page_shows_it() -> None:
    graph = sample_json()
    assert list(graph) == ["format", "input", "output", "classes", "source", "tensors", "nodes"]
    assert graph["format"] == 1
    assert graph["input"] == {
        "tensor": "image",
        "resize_shorter_side": 7,
        "interpolation": "nearest",
        "resize_rule": "torchvision",
    }
    assert graph["nodes"][1] == {
        "name": "body",
        "op": "binary_conv",
        "input": "stem.bits",
        "kernel": [3, 3],
        "stride": [1, 1],
        "padding": [1, 1],
        "dilation": [1, 1],
        "groups": 2,
        "weight": "body.weight",
        "pool": {"kernel": [2, 2], "stride": [2, 2]},
        "scale": "body.scale",
        "shift": "body.shift",
        "shortcut": {"tensor": "stem", "stride": [2, 2], "offset": 1},
        "activation": "prelu",
        "slope": "body.slope",
        "real": "body",
        "signs": [
            {"tensor": "body.bits", "threshold": "body.threshold", "flip": "body.flip"},
        ],
    }
    assert graph["nodes"][3] == {
        "name": "mean",
        "op": "global_mean",
        "input": "body",
        "real": "mean",
    }
    node = sample_json(format3_sample)["nodes"][CONVOLVE]
    assert list(node)[7:] == [
        *("groups", "weight", "map", "sums", "scale", "shift", "shortcut", "activation"),
        *("slope", "positive_slope", "offset", "real", "signs"),
    ]
    assert node["map"] == "k"
    assert node["sums"] == {"tensor": "s", "scale": "conv.sums"}
    assert node["shortcut"] == {"tensor": "x", "stride": [1, 1], "offset": 0, "repeat": True}


@pytest.mark.parametrize(("make", "path"), ALL_PLACES, ids=label)
def test_every_wrong_type_is_refused(make: Make, path: tuple[Any, ...]) -> None:
    original = at(sample_json(make), path)
    for value in (None, True, False, 1.5, 2.0, {"a": 1}, [[]]):
        if value is not original:
            with pytest.raises(ModelFileError):
                from_json(changed(path, value, make=make))
    swapped = 3 if isinstance(original, str) else "three"
    with pytest.raises(ModelFileError):
        from_json(changed(path, swapped, make=make))


@pytest.mark.parametrize(("make", "path"), ALL_PLACES, ids=label)
def test_every_missing_key_is_refused(make: Make, path: tuple[Any, ...]) -> None:
    key = path[-1]
    if isinstance(key, int) and path[-2] not in ("kernel", "stride", "padding", "dilation"):
        return  # an item of a free list: another graph, which validate judges
    text = changed(path, delete=True, make=make)
    if key == "resize_rule":
        assert from_json(text).input.resize_rule == "torchvision"
        return
    if key == "repeat":
        shortcut = from_json(text).nodes[path[1]].shortcut
        assert shortcut is not None
        assert not shortcut.repeat
        return
    if len(path) == 3 and key in OPTIONAL:
        assert getattr(from_json(text).nodes[path[1]], key) in (None, ())
        return
    with pytest.raises(ModelFileError):
        from_json(text)


def objects(make: Make) -> list[tuple[Any, ...]]:
    """The path of every object in a sample's JSON but the free `source`."""
    graph = sample_json(make)
    paths = [(), *places(graph)]
    return [path for path in paths if isinstance(at(graph, path), dict) and path != ("source",)]


@pytest.mark.parametrize(
    ("make", "path"), [(make, path) for make in MAKES for path in objects(make)], ids=label
)
def test_every_unknown_key_is_refused(make: Make, path: tuple[Any, ...]) -> None:
    with pytest.raises(ModelFileError, match="unknown key 'extra'"):
        from_json(changed((*path, "extra"), 1, make=make))


def test_a_key_of_another_op_is_refused() -> None:
    with pytest.raises(ModelFileError, match=r"nodes\[3\].*unknown key 'kernel'"):
        from_json(changed(("nodes", 3, "kernel"), [1, 1]))
    with pytest.raises(ModelFileError, match=r"nodes\[0\].*unknown key 'pool'"):
        from_json(changed(("nodes", 0, "pool"), {"kernel": [1, 1], "stride": [1, 1]}))
    for key in ("map", "sums"):
        with pytest.raises(ModelFileError, match=rf"nodes\[0\].*unknown key '{key}'"):
            from_json(changed(("nodes", 0, key), "stem"))


def test_repeat_is_true_or_absent() -> None:
    path = ("nodes", CONVOLVE, "shortcut", "repeat")
    for value in (False, 1, "true", None):
        with pytest.raises(ModelFileError, match=r"shortcut\.repeat: must be true"):
            from_json(changed(path, value, make=format3_sample))


def test_an_unknown_op_is_named() -> None:
    with pytest.raises(ModelFileError, match=r"nodes\[2\]\.op: unknown op 'softmax'.*max_pool"):
        from_json(changed(("nodes", 2, "op"), "softmax"))


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


def test_the_version_is_read_and_written() -> None:
    graph, _ = int16_sample()
    assert json.loads(to_json(graph))["format"] == 2
    assert from_json(to_json(graph)) == graph
    assert from_json(to_json(replace(graph, format=1))).format == 1


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(ModelFileError, match="surrogate"):
        from_json(changed(("output",), "\ud800"))


def test_too_many_items_are_refused() -> None:
    graph = sample_json()
    graph["tensors"] = [copy.copy(graph["tensors"][0])] * 65_537
    with pytest.raises(ModelFileError, match="65536"):
        from_json(json.dumps(graph))
