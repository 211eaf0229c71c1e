"""Whatever is in the table of operations and steps has what HACKING.md says that it takes.

That the reference, the random graphs and the samples leave nothing out has tests beside them.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from signbit.bitformat.table import OPERATIONS, STEPS
from signbit.targets.c import ops as c_ops
from signbit.targets.c import steps as c_steps

ROOT = Path(__file__).parents[1]

COMPILER = ROOT / "src/signbit/compiler"

NOT_MAPPED = {
    "offset": "passes/merge/fuse_epilogue.py makes it of a shift behind an activation",
}
"""What no mapping makes, and why."""


def _arguments(file: Path) -> set[str]:
    """Every string that the code of a file calls something with."""
    calls = (
        node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)
    )
    values = (argument for call in calls for argument in call.args)
    return {str(value.value) for value in values if isinstance(value, ast.Constant)}


MAPPED = {name for file in (COMPILER / "mapping").glob("**/*.py") for name in _arguments(file)}


@pytest.mark.parametrize("op", [*OPERATIONS, *STEPS])
def test_a_mapping_makes_it(op: str) -> None:
    assert (op in MAPPED) != (op in NOT_MAPPED)


@pytest.mark.parametrize("op", OPERATIONS)
def test_the_format_has_a_sentence_on_it(op: str) -> None:
    assert f"**`{op}`**" in (ROOT / "docs/format.md").read_text("utf-8")


@pytest.mark.parametrize(
    "op", [name for name, rule in OPERATIONS.items() if "weight" not in rule.dtypes]
)
def test_a_native_file_has_its_body(op: str) -> None:
    """But of a global_max, which is a max_pool of one window."""
    files = (ROOT / "native/src/run/ops").glob("*.cpp")
    body = re.compile(rf"^void {op}\(const NodeContext& ?\w*, const Tile& ?\w*\) {{", re.MULTILINE)
    found = [file for file in files if body.search(file.read_text("utf-8"))]
    assert len(found) == (op != "global_max")


@pytest.mark.parametrize("op", STEPS)
def test_the_native_steps_have_a_case_for_it(op: str) -> None:
    enumerator = "k" + "".join(word.capitalize() for word in op.split("_"))
    steps = (ROOT / "native/src/kernels/generic/steps.inl.h").read_text("utf-8")
    assert f"case StepOp::{enumerator}:" in steps


def test_c_for_microcontrollers_has_it() -> None:
    assert set(c_ops.OPERATIONS) == set(OPERATIONS)
    assert set(c_steps.STEPS) == set(STEPS)


def test_the_last_operation_that_was_added_is_the_one_that_is_shown() -> None:
    shown = (ROOT / "HACKING.md").read_text("utf-8")
    (last,) = re.findall(r"The last one that was added is\s+`(\w+)`", shown)
    assert last in OPERATIONS
    assert f"{last}.cpp" in shown
    assert f"test_{last}.py" in shown
