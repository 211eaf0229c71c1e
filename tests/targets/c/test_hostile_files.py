"""Files that lie: the exporter refuses each with the field's name, as every reader does."""

from __future__ import annotations

import pytest
from tests.runtime.absurd import ABSURD
from tests.runtime.readers import verdict
from tests.runtime.test_hostile_files import HOSTILE
from tests.runtime.test_hostile_graphs import HOSTILE as GRAPHS

from signbit.bitformat import encode
from signbit.errors import SignbitError
from signbit.targets import c

FILES = {**HOSTILE, **GRAPHS}


@pytest.mark.parametrize("name", FILES)
def test_refused(name: str) -> None:
    data, field = FILES[name]
    assert verdict(c.generate, data) == ("ModelFileError", field)


@pytest.mark.parametrize("name", ABSURD)
def test_absurd_files_are_refused_before_anything_is_computed(name: str) -> None:
    data = encode(*ABSURD[name]())
    with pytest.raises(SignbitError, match=r"more than|at most|limit"):
        c.generate(data)
