"""What every test shares: fixed seeds, one torch thread, and data beside the repository."""

from __future__ import annotations

import gc
import os
import random
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.quick_export import quicken_export

# Tests run side by side, so what a test computes, or a process that it starts, keeps to one core.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell has what it starts in the background ignore Ctrl-C, and so would what tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Tools that the environment brings (cmake, ninja) come before the machine's, if it has any.
os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))


def pytest_collection_finish() -> None:
    """What the imports made stays, so Python need not look through it for garbage again.

    Nor need it do so after every 700 objects: an export makes many, of which nearly all go by
    themselves, and a network compiles in a sixth less time.
    """
    gc.set_threshold(50_000, 20, 100)
    if "torch" in sys.modules:
        quicken_export()
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def fixed_seeds() -> None:
    """Every test starts from the same random state; torch only where the test has imported it."""
    random.seed(0)
    np.random.seed(0)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(0)
        torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def no_configuration() -> None:
    """What the person who runs the tests has configured changes none of them."""
    os.environ["SIGNBIT_CONFIG"] = os.devnull


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Decoded images are kept in a folder of the session, for the processes it starts too."""
    os.environ["SIGNBIT_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with data/ and weights/: $SIGNBIT_SHARED, or `shared` beside the repository."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("SIGNBIT_SHARED", beside))
    if not (folder / "data").is_dir():
        pytest.skip(f"no data at {folder}; set SIGNBIT_SHARED to the folder that holds data/")
    return folder
