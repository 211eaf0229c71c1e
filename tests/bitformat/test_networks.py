"""Random networks of every operation are valid, and come back from their files as they were."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bitformat.test_container import assert_same_constants
from tests.runtime.graphs import Case
from tests.runtime.readers import check_alike
from tests.runtime.strategies import int16_networks, networks

from signbit.bitformat import decode
from signbit.bitformat.schema import from_json, to_json
from signbit.bitformat.validate import validate


@settings(derandomize=True, deadline=None, max_examples=60)
@given(case=st.one_of(networks, int16_networks))
def test_networks(case: Case) -> None:
    validate(case.graph, case.constants)
    assert from_json(to_json(case.graph)) == case.graph
    graph, constants = decode(case.data)
    assert graph == case.graph
    assert_same_constants(constants, case.constants)
    assert check_alike(case.data)
