"""What importing signbit loads, and what it offers: no PyTorch, and the public names."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.bitformat.samples import sample_bytes

import signbit

BLOCK = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ImportError(f"{{name}} is blocked in this test")
        return None

sys.meta_path.insert(0, Blocked())
"""


def run(code: str, blocked: tuple[str, ...] = ()) -> str:
    """Run code in a fresh interpreter where these packages cannot be imported."""
    script = BLOCK.format(blocked=blocked) + code
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_model_runs_without_torch(tmp_path: Path) -> None:
    path = tmp_path / "model.sbnn"
    path.write_bytes(sample_bytes())
    blocked = ("torch", "safetensors", "typer", "rich", "PIL", "sklearn", "pydantic", "yaml")
    code = f"""
import numpy as np
import signbit, signbit.runtime, signbit.runtime.reference
engine = signbit.load({str(path)!r})
logits = engine(np.zeros((2, *engine.input_shape), np.uint8))
print(logits.shape, logits.dtype)
print(engine.predict(np.zeros(engine.input_shape, np.uint8)).probabilities.shape)
print((logits == signbit.runtime.reference.ReferenceEngine({str(path)!r})(
    np.zeros((2, 6, 6, 3), np.uint8))).all())
"""
    assert run(code, blocked) == "(2, 4) float32\n(4,)\nTrue\n"


@pytest.mark.parametrize("module", ["signbit.data", "signbit.data.pixels.images"])
def test_what_reads_photographs_says_how_to_install_pillow(module: str) -> None:
    code = f"""
from signbit.errors import MissingExtraError
try:
    import {module}
except MissingExtraError as error:
    print(error)
"""
    told = run(code, ("PIL",))
    assert told.startswith("signbit.data needs Pillow, which is not installed: pip install")
    assert "pip install -e '.[cli]' in a checkout" in told


def test_an_engine_needs_few_modules(tmp_path: Path) -> None:
    path = tmp_path / "model.sbnn"
    path.write_bytes(sample_bytes())
    code = f"""
import numpy as np
import signbit
engine = signbit.load({str(path)!r})
engine(np.zeros((2, *engine.input_shape), np.uint8))
print(*[name for name in sys.modules if name.startswith("signbit.bitformat")])
print("importlib.abc" in sys.modules)
"""
    assert run(code) == "\nFalse\n"


def test_the_blocking_hook_blocks() -> None:
    code = "try:\n import torch\nexcept ImportError as error: print(error)"
    assert run(code, ("torch",)) == "torch is blocked in this test\n"


@pytest.mark.parametrize("module", ["signbit", "signbit.runtime", "signbit.runtime.reference"])
def test_importing_is_light(module: str) -> None:
    """Neither the training side nor the commands' libraries, nor the native module, are loaded."""
    heavy = ["torch", "typer", "rich", "PIL", "datasets", "pydantic", "signbit.runtime._native"]
    code = f"import {module}\nprint([name for name in {heavy!r} if name in sys.modules])"
    assert run(code) == "[]\n"


def test_importing_signbit_alone_needs_no_numpy() -> None:
    assert run("import signbit\nprint('numpy' in sys.modules)") == "False\n"


def test_public_names() -> None:
    assert sorted(signbit.__all__) == [
        "CheckpointError",
        "CompileError",
        "ConfigError",
        "DataError",
        "DivergedError",
        "Engine",
        "InputError",
        "InternalError",
        "IsaError",
        "LostProcessError",
        "MissingExtraError",
        "ModelFileError",
        "ModelVersionError",
        "Prediction",
        "RecipeError",
        "Refusal",
        "SignbitError",
        "SignbitWarning",
        "UsageError",
        "__version__",
        "cpu_isas",
        "load",
    ]
    assert dir(signbit) == sorted(signbit.__all__)
    for name in signbit.__all__:
        assert getattr(signbit, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        signbit.nonsense  # noqa: B018


def test_the_version_is_the_package_s() -> None:
    project = Path(__file__).parents[1] / "pyproject.toml"
    declared = tomllib.loads(project.read_text())["project"]["version"]
    assert signbit.__version__ == declared


@pytest.mark.slow
def test_names_of_learning_without_labels_stay_what_they_are() -> None:
    """A module of a function's name would take its place as soon as it is imported."""
    names = "[callable(getattr(s, name)) for name in s.__all__]"
    code = f"import signbit.selfsup as s; s.pretrain; print({names})"
    assert "False" not in run(code)


@pytest.mark.parametrize(
    "package", ["signbit", "signbit.nn", "signbit.training", "signbit.selfsup", "signbit.compiler"]
)
def test_every_name_of_a_lazy_package_is_found(package: str) -> None:
    module = importlib.import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is not None
