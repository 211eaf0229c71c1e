"""Paths from before the rooms lead to the same modules, and to nothing that does not exist."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from signbit.moved import MOVED


@pytest.mark.parametrize("old", MOVED)
def test_an_old_path_is_the_module_itself(old: str) -> None:
    sys.modules.pop(f"signbit.{old}", None)
    with pytest.warns(DeprecationWarning, match=f"signbit.{old} is now signbit.{MOVED[old]}"):
        found = importlib.import_module(f"signbit.{old}")
    assert found is importlib.import_module(f"signbit.{MOVED[old]}")
    assert found.__spec__ is not None
    assert found.__spec__.name == f"signbit.{MOVED[old]}"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_lies_in_a_folder_moved_with_it() -> None:
    script = (
        "from signbit.binarizers.weights import BinaryWeight as old\n"
        "from signbit.ops.switch import use_native_ops\n"
        "from signbit.nn.binarizers.weights import BinaryWeight as new\n"
        "import signbit.fast.switch\n"
        "assert old is new and signbit.fast.switch.use_native_ops is use_native_ops\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_what_never_was_is_still_missing() -> None:
    for name in ("signbit.nonsense", "signbit.layersX"):
        with pytest.raises(ModuleNotFoundError, match="No module named"):
            importlib.import_module(name)
    with pytest.raises(ModuleNotFoundError, match="No module named"):
        importlib.import_module("signbit.ops.nonsense")
