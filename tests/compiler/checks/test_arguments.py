"""What `compile_model` is given beside the model: taken in every spelling that makes sense, refused
by the argument's name, or in the file as it was given."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.thorough import many
from torch import nn

import signbit
from signbit.bitformat.container import decode
from signbit.bitformat.graph import Resize
from signbit.compiler import Compiled, compile_model
from signbit.errors import CompileError, SignbitWarning
from signbit.runtime.reference import ReferenceEngine

CLASSES = 3


def _net(channels: int = 3, classes: int = CLASSES) -> nn.Module:
    torch.manual_seed(0)
    layers = (nn.Conv2d(channels, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(*layers, nn.Linear(4, classes)).eval()


def _compiled(channels: int = 3, **arguments: Any) -> Compiled:
    given = {"input_size": (5, 7, channels), "mean": 0.5, "std": 0.25} | arguments
    return compile_model(_net(channels), **given)


def test_names_and_resize_are_optional() -> None:
    result = _compiled()
    engine = signbit.load(result.data)
    assert engine.class_names == []
    assert "classes" not in json.loads(engine.graph_json)["outputs"][0]
    assert result.graph.inputs[0].resize == Resize(7)
    assert _compiled(class_names=None, resize_shorter_side=None).data == result.data
    assert _compiled(interpolation="nearest").graph.inputs[0].resize == Resize(7, "nearest")
    rule = Resize(letterbox=(1, 2, 3), interpolation="bicubic", colours="bgr")
    assert decode(_compiled(resize=rule).data)[0].inputs[0].resize == rule


@pytest.mark.parametrize(
    ("size", "mean", "shape"),
    [
        ((5, 7), 0.5, (5, 7, 3)),
        (6, 0.5, (6, 6, 3)),
        (np.int64(6), np.float32(0.5), (6, 6, 3)),
        ([5, 7, 3], torch.tensor(0.5), (5, 7, 3)),
        (torch.Size([5, 7]), [0.5, 0.5, 0.5], (5, 7, 3)),
        (np.array([5, 7]), torch.full((3, 1, 1), 0.5), (5, 7, 3)),
        ((5, 7), np.full((1, 3, 1, 1), 0.5), (5, 7, 3)),
    ],
)
def test_spellings_of_sizes_and_numbers(size: Any, mean: Any, shape: tuple[int, ...]) -> None:
    result = _compiled(input_size=size, mean=mean)
    assert signbit.load(result.data).input_shape == shape
    assert result.data == _compiled(input_size=shape, mean=[0.5] * 3, std=[0.25] * 3).data


def test_channels_are_those_of_the_numbers_or_of_the_first_convolution() -> None:
    assert _compiled(2, input_size=4).graph.inputs[0].shape == (4, 4, 2)
    assert _compiled(1, input_size=4, std=[0.2]).graph.inputs[0].shape == (4, 4, 1)
    flat = nn.Sequential(nn.Flatten(), nn.Linear(32, 2)).eval()
    assert compile_model(flat, input_size=4, mean=[0.5] * 2, std=1).graph.inputs[0].shape[2] == 2
    with pytest.raises(CompileError, match="input_size: has no channels, and neither mean"):
        compile_model(flat, input_size=4, mean=0.5, std=1)


HALF = "\udce9"

REFUSED: dict[str, dict[str, Any]] = {
    "class_names: must be a list": {"class_names": "abc"},
    "class_names: must be a list of": {"class_names": {"a", "b", "c"}},
    "class_names: must be a list of names": {"class_names": {0: "a", 1: "b", 2: "c"}},
    "class_names: number 0: must be a string; it is 0": {"class_names": range(3)},
    "class_names: number 1: must be text that UTF-8": {"class_names": ["a", HALF, "b"]},
    "class_names: number 2 is empty": {"class_names": ["a", "b", ""]},
    r"class_names: 'a' stands for several classes \(numbers 0, 2\)": {"class_names": list("aba")},
    "class_names: has 2 names, and the network gives 3": {"class_names": list("ab")},
    "class_names: has 4 names": {"class_names": list("abcd")},
    "input_size: must be .height": {"input_size": (5.0, 7.0, 3)},
    "input_size: must be .*it is .0, 7, 3.": {"input_size": (0, 7, 3)},
    "input_size: must be .*it is .-1, 7, 3.": {"input_size": (-1, 7, 3)},
    "input_size: must be .*it is .True, 7, 3.": {"input_size": (True, 7, 3)},
    "input_size: must be .*it is .5, 7, 3, 1.": {"input_size": (5, 7, 3, 1)},
    "input_size: must be .*it is .99999, 7, 3.": {"input_size": (99999, 7, 3)},
    "input_size: must be .*it is None": {"input_size": None},
    "input_size: must be .*it is '57'": {"input_size": "57"},
    "input_size: an image must have": {"input_size": (5, 7, 0)},
    "input_size: an image must .* 1,073,741,824 values": {"input_size": (16384, 16384, 99)},
    "mean: must have one value for each of the 7 channels.*channels last": {
        "input_size": (3, 5, 7),
        "mean": [0.5] * 3,
    },
    "mean: must have one value for each of the 3": {"mean": [0.5]},
    "std: must have one value for each of the 3": {"std": [0.5] * 2},
    "mean: must be finite": {"mean": float("nan")},
    "mean: must be finite, also": {"mean": [0.5, 0.5, 1e39]},
    "mean: must be a number": {"mean": "0.5"},
    "mean: must be a number, or": {"mean": [[0.5] * 3] * 2},
    "mean: must be a number, or one": {"mean": []},
    "mean: must be a number, or one for": {"mean": True},
    "std: must be finite": {"std": float("inf")},
    "std: must be more than 0": {"std": 0},
    "std: must be more than 0, and": {"std": [0.2, 0.2, -0.2]},
    "std: must be more than 0, and no smaller": {"std": 1e-44},
    "resize_shorter_side: must be a whole number": {"resize_shorter_side": 9.0},
    "resize_shorter_side: must be .* is True": {"resize_shorter_side": True},
    "resize_shorter_side: must be .* is 0": {"resize_shorter_side": 0},
    "resize_shorter_side: must be .* is 99999": {"resize_shorter_side": 99999},
    "resize_shorter_side: must be .* is .5, 7.": {"resize_shorter_side": (5, 7)},
    "resize_shorter_side: 4 does not cover .* the usual one is 7": {"resize_shorter_side": 4},
    "interpolation: must be one of bilinear, nearest, bicubic; it is 'cubic'": {
        "interpolation": "cubic"
    },
    "resize: must be a Resize; it is 9": {"resize": 9},
    "resize: must have one of shorter_side": {"resize": Resize()},
    r"resize\.both_sides\[0\]: must be 1 to": {"resize": Resize(both_sides=(0, 7))},
    "resize: does not cover the input of 5×7": {"resize": Resize(both_sides=(9, 6))},
    "resize: does not cover": {"resize": Resize(4)},
    "interpolation: is what resize says; leave it out": {
        "resize": Resize(9),
        "interpolation": "nearest",
    },
    r"inputs\[0\]\.resize\.letterbox: must have one value": {"resize": Resize(letterbox=(1,))},
    r"source\['seed'\]: must be a string": {"source": {"seed": 1}},
    r"source\[1\]: must be a string": {"source": {1: "seed"}},
    r"source\['seed'\]: must be text": {"source": {"seed": HALF}},
    "source: must be a dict": {"source": "a note"},
    "allow_real: must be a list of names, in order; it is '0'": {"allow_real": "0"},
}


@pytest.mark.parametrize("message", list(REFUSED))
def test_what_makes_no_useful_file_is_refused(message: str) -> None:
    with pytest.raises(CompileError, match=message) as caught:
        _compiled(**REFUSED[message])
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("wrong", [("std", "resize_shorter_side"), ("mean", "std")])
def test_all_that_is_wrong_is_refused_at_once(wrong: tuple[str, ...]) -> None:
    given: dict[str, Any] = {name: [0] * 2 if name != "mean" else "half" for name in wrong}
    given |= {"std": "quarter"} if "mean" in wrong else {}
    with pytest.raises(CompileError) as caught:
        _compiled(**given, class_names="abc", source="a note", allow_real="0")
    names = [each.reason.partition(":")[0] for each in caught.value.refusals]
    assert names == [*wrong, "class_names", "source", "allow_real"]


def test_a_refusal_quotes_a_little_of_what_was_given() -> None:
    with pytest.raises(CompileError, match="input_size") as caught:
        _compiled(input_size=list(range(100_000)))
    assert len(str(caught.value)) < 300


ANY_TEXT = st.text(st.characters(), max_size=3)
ANY_NUMBER = st.one_of(
    st.floats(), st.floats(1e-3, 1), st.integers(-3, 300), st.sampled_from([1e-38, 1e-40, 3e38])
)
ANY_SIDE = st.one_of(
    st.integers(1, 9), st.sampled_from([-1, 0, 16_385, 10**30]), st.floats(0, 9), st.booleans()
)
ARGUMENTS = st.fixed_dictionaries(
    {
        "input_size": st.one_of(
            st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)),
            st.tuples(st.integers(1, 9), st.integers(1, 9)),
            st.lists(ANY_SIDE, max_size=4),
        ),
        "mean": st.one_of(ANY_NUMBER, st.lists(ANY_NUMBER, min_size=3, max_size=3)),
        "std": st.one_of(ANY_NUMBER, st.lists(ANY_NUMBER, min_size=3, max_size=3)),
    },
    optional={
        "class_names": st.one_of(
            st.none(),
            st.lists(ANY_TEXT, min_size=3, max_size=3),
            st.lists(st.one_of(ANY_TEXT, st.integers()), max_size=4),
            ANY_TEXT,
        ),
        "resize_shorter_side": st.one_of(st.none(), st.integers(1, 20), ANY_SIDE),
        "interpolation": st.sampled_from(["bilinear", "nearest", "cubic"]),
        "source": st.dictionaries(ANY_TEXT, st.one_of(ANY_TEXT, st.integers()), max_size=2),
    },
)


def _check_accepted_is_read_back(arguments: dict[str, Any]) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SignbitWarning)
            result = compile_model(_net(), **arguments)
    except CompileError:
        return
    engine = signbit.load(result.data)
    assert engine.class_names == list(arguments.get("class_names") or ())
    assert engine.source == arguments.get("source", {})
    size = tuple(arguments["input_size"])
    assert engine.input_shape == (size if len(size) == 3 else (*(size * 2)[:2], 3))
    graph, constants = decode(result.data)
    assert graph == result.graph
    assert constants.keys() == result.constants.keys()
    side, filter_ = arguments.get("resize_shorter_side"), arguments.get("interpolation", "bilinear")
    resized = Resize(max(engine.input_shape[:2]) if side is None else side, filter_)
    assert graph.inputs[0].resize == resized
    images = np.zeros((1, *engine.input_shape), np.uint8)
    assert engine(images).tobytes() == ReferenceEngine(result.data)(images).tobytes()


FEW = {"deadline": None, "derandomize": True, "database": None}
PHASES = (Phase.explicit, Phase.generate)


@settings(**FEW, max_examples=25, phases=PHASES)
@given(ARGUMENTS)
def test_what_is_accepted_is_read_back(arguments: dict[str, Any]) -> None:
    _check_accepted_is_read_back(arguments)


@pytest.mark.slow
@settings(**FEW, max_examples=many(150), phases=PHASES)
@given(ARGUMENTS)
def test_more_of_what_is_accepted_is_read_back(arguments: dict[str, Any]) -> None:
    _check_accepted_is_read_back(arguments)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"mean": (123.7, 116.3, 103.5), "std": (58.4, 57.1, 57.4)}, "mean: 123.7 is more than"),
        ({"mean": 0, "std": 255}, "std: 255 is more than"),
    ],
)
def test_numbers_of_other_pixels_draw_a_warning(arguments: dict[str, Any], says: str) -> None:
    with pytest.warns(SignbitWarning, match=f"{says}.*divided by 255") as caught:
        _compiled(**arguments)
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize(("mean", "std"), [(0, 1), (0.5, 0.25), (0, 1 / 255), (1, 1)])
def test_usual_numbers_draw_none(mean: float, std: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _compiled(mean=mean, std=std)
