"""The example programs, built with the installed library, say what Python says of the same photos.

The build is the check that signbit.h is C99 and C++: every warning is an error.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from tests.native.test_photos import _file

import signbit
from signbit.bitformat.graph import Resize
from signbit.data.pixels.images import fit

ROOT = Path(__file__).resolve().parents[2]
WARNINGS = "-Wall -Wextra -Wpedantic -Werror"

pytestmark = pytest.mark.slow


def _built(example: str, installed: Path, folder: Path) -> Path:
    flags = [f"-DCMAKE_{language}_FLAGS={WARNINGS}" for language in ("C", "CXX")]
    flags.append(f"-DCMAKE_PREFIX_PATH={installed}")
    configure = ["cmake", "-S", str(ROOT / "examples" / example), "-B", str(folder), *flags]
    subprocess.run(configure, check=True, capture_output=True)
    subprocess.run(["cmake", "--build", str(folder)], check=True)
    return folder


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for number in range(5):
        small = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
        picture = Image.fromarray(small).resize((90 + number, 70), Image.Resampling.BICUBIC)
        picture.save(folder / f"photo {number}.ppm")
    return sorted(folder.iterdir())


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.sbnn"
    path.write_bytes(_file(24, 32, 3, Resize(30, "bilinear")))
    return path


def _scores(model: Path, photo: Path) -> npt.NDArray[np.float32]:
    pixels = fit(np.asarray(Image.open(photo)), (24, 32, 3), Resize(30))
    return np.asarray(signbit.load(model)(pixels[None])[0], np.float32)


def test_c(installed: Path, photos: list[Path], model: Path, tmp_path: Path) -> None:
    program = _built("c", installed, tmp_path / "build") / "classify"
    for photo in photos:
        said = subprocess.run(
            [program, model, photo], capture_output=True, text=True, check=True
        ).stdout
        scores = _scores(model, photo).astype(np.float64)
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        order = np.argsort(-shares, kind="stable")
        assert said == "".join(f"{100 * shares[i]:5.1f} %  class {i}\n" for i in order[:3])


def test_c_says_what_is_wrong(
    installed: Path, photos: list[Path], model: Path, tmp_path: Path
) -> None:
    program = _built("c", installed, tmp_path / "build") / "classify"
    for arguments, code, text in (
        ((), 2, "usage: "),
        ((model, model), 1, "no binary PPM"),
        ((photos[0], photos[0]), 1, "photo 0.ppm: "),
        ((tmp_path / "none", photos[0]), 1, "No such file"),
    ):
        done = subprocess.run([program, *arguments], capture_output=True, text=True)
        assert done.returncode == code
        assert text in done.stderr
        assert done.stdout == ""


def test_cpp(installed: Path, photos: list[Path], model: Path, tmp_path: Path) -> None:
    program = _built("cpp", installed, tmp_path / "build") / "classify_many"
    said = subprocess.run([program, model, *photos], capture_output=True, text=True, check=True)
    answers = [f"{photo}: class {_scores(model, photo).argmax()}" for photo in photos]
    assert said.stdout.splitlines() == answers
    done = subprocess.run([program, model, photos[0], model], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [answers[0], f"{model}: no binary PPM (P6) of 8 bits"]


def test_pkg_config(installed: Path, photos: list[Path], model: Path, tmp_path: Path) -> None:
    found = list(installed.rglob("signbit.pc"))
    assert len(found) == 1
    if shutil.which("pkg-config") is None:
        pytest.skip("no pkg-config")
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", found[0]],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    source, program = ROOT / "examples" / "c" / "classify.c", tmp_path / "classify"
    subprocess.run(
        ["cc", "-std=c99", *WARNINGS.split(), source, "-o", program, *flags, "-lm"], check=True
    )
    libraries = {"LD_LIBRARY_PATH": str(next(installed.rglob("libsignbit.so")).parent)}
    subprocess.run([program, model, photos[0]], check=True, env=libraries)


def test_only_the_api_is_seen(library_path: Path) -> None:
    if shutil.which("nm") is None:
        pytest.skip("no nm")
    listed = subprocess.run(
        ["nm", "-D", "--defined-only", library_path], capture_output=True, text=True, check=True
    ).stdout
    names = {line.split()[-1].partition("@")[0] for line in listed.splitlines()}
    header = (ROOT / "native" / "include" / "signbit.h").read_text()
    declared = {word for word in header.replace("(", " ( ").split() if word.startswith("signbit_")}
    assert {name for name in names if not name.startswith("SIGNBIT_")} <= declared
    assert "signbit_run" in names
