from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from signbit import recipes
from signbit.errors import RecipeError
from signbit.training.recipe.yaml_text import read, written

QUICK = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=200,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 1e5),
        (".5", 0.5),
        ("-2.e3", -2000.0),
        ("0x10", 16),
        ("-7", -7),
        ("True", True),
        ("~", None),
        ("", None),
        ("'010'", "010"),
        ('"yes"', "yes"),
        ("2026-11-30", "2026-11-30"),
        ("2026-13-45", "2026-13-45"),
        ("=", "="),
        ("[1e-3, on the hub]", [0.001, "on the hub"]),
        ("{a: &x {b: 1}, c: {<<: *x, b: 2}}", {"a": {"b": 1}, "c": {"b": 2}}),
    ],
)
def test_values_are_those_of_yaml_1_2(text: str, value: object) -> None:
    assert repr(read(text, "mine")) == repr(value)


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("010", "8", "10"),
        ("0o10", "text", "8"),
        ("08", "text", "8"),
        ("-012", "-10", "-12"),
        ("0b11", "3", "text"),
        ("1_000", "1000", "text"),
        ("1_0.5", "10.5", "text"),
        ("1:30", "90", "text"),
        ("yes", "true", "text"),
        ("Off", "false", "text"),
    ],
)
def test_what_the_versions_read_otherwise_is_refused(text: str, old: str, new: str) -> None:
    words = re.escape(f"mine, line 2: {text} is {old} to YAML 1.1 and {new} to YAML 1.2; write the")
    for whole in (f"a: 1\nb: {text}", f"a: 1\nb: [3, {text}]", f"a: 1\n{text}: 4"):
        with pytest.raises(RecipeError, match=words):
            read(whole, "mine")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: 2\na: 3", "line 3: a is there twice; keep one"),
        ("a: 1\nb: {c: 1, 'c': 1}", "line 2: c is there twice; keep one"),
        ("a: [{b: 1}, {b: 1, b: 2}]", "line 1: b is there twice"),
        ("a: &x [1, *x]", "line 1: a value contains itself"),
        ("a: [1", r"not valid YAML \(line 1: expected"),
        ("a: 1\n---\na: 2", r"not valid YAML \(line 2: but found another document"),
        ("a: !!python/name:os.system", "not valid YAML"),
        ("[" * 5000, "not valid YAML"),
        ("9" * 5000, "not valid YAML"),
    ],
)
def test_what_is_no_recipe_is_named(text: str, words: str) -> None:
    with pytest.raises(RecipeError, match=f"(?s)^mine.*{words}"):
        read(text, "mine")


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
)
LOOK_ALIKE = st.from_regex(r"[-+.0]?[0-9oxbeE_:.]{1,5}|yes|No|null|~|\.inf|=|<<", fullmatch=True)
VALUES = st.recursive(
    SCALARS | LOOK_ALIKE,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | LOOK_ALIKE, inner)
    ),
    max_leaves=6,
)


@given(VALUES)
@QUICK
def test_what_is_written_is_read_again_by_both_versions(values: Any) -> None:
    text = written(values)
    assert repr(read(text, "mine")) == repr(values)
    assert repr(yaml.safe_load(text)) == repr(values)


@given(LOOK_ALIKE | st.text(max_size=6))
@QUICK
def test_no_text_is_a_traceback(text: str) -> None:
    for whole in (text, f"a: {text}", f"[{text}]"):
        with suppress(RecipeError):
            read(whole, "mine")


def test_files_and_overrides_are_read_alike(tmp_path: Any) -> None:
    with pytest.raises(RecipeError, match=r"override 'epochs=010'.*: 010 is 8 .* 10 to YAML 1\.2"):
        recipes.load("bnn-digits", ["epochs=010"])
    file = tmp_path / "mine.yaml"
    file.write_text(recipes.text("bnn-digits").replace("epochs: 30", "epochs: 012"))
    with pytest.raises(RecipeError, match=r"mine\.yaml, line \d+: 012 is 10 .* 12"):
        recipes.load(file)
    file.write_text(recipes.text("bnn-digits") + "seed: 1\n")
    with pytest.raises(RecipeError, match=r"mine\.yaml, line \d+: seed is there twice"):
        recipes.load(file)
    file.write_text(recipes.text("bnn-digits").replace("1.0e-2", "1e-2"))
    assert recipes.load(file) == recipes.load("bnn-digits")
