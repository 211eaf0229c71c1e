"""Where an engine comes from and goes to: paths, bytes, pipes, pickles, other processes."""

from __future__ import annotations

import copy
import dataclasses
import gc
import io
import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tests.bitformat.samples import sample, sample_bytes

import signbit
from signbit.bitformat import encode
from signbit.errors import InputError, ModelFileError
from signbit.runtime.engine import Engine


def pixels(count: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(count).integers(0, 256, (count, 6, 6, 3)).astype(np.uint8)


def test_a_path_and_its_bytes_are_the_same_model(tmp_path: Path) -> None:
    path = tmp_path / "modèle.sbnn"
    path.write_bytes(sample_bytes())
    images = pixels(3)
    expected = signbit.load(sample_bytes())(images)
    np.testing.assert_array_equal(signbit.load(path)(images), expected)
    np.testing.assert_array_equal(signbit.load(str(path))(images), expected)


def test_a_path_may_be_any_bytes(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/m\xff.sbnn"))
    try:
        path.write_bytes(sample_bytes())
    except OSError:
        pytest.skip("this file system only takes names in UTF-8")
    assert signbit.load(path).input_shape == (6, 6, 3)
    path.write_bytes(b"")
    with pytest.raises(ModelFileError, match=r"m\\xff\.sbnn"):
        signbit.load(path)


def test_a_path_is_not_cut_at_a_null(tmp_path: Path) -> None:
    path = tmp_path / "m.sbnn"
    path.write_bytes(sample_bytes())
    with pytest.raises(ModelFileError, match="null character"):
        signbit.load(f"{path}\0.old")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_an_engine_pickles_by_its_bytes_and_options(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "m.sbnn"
    path.write_bytes(sample_bytes())
    engine = signbit.load(path, threads=3, isa="scalar", max_bytes=10**7)
    path.unlink()
    loaded = pickle.loads(pickle.dumps(engine, protocol))
    assert (loaded.threads, loaded.isa, loaded.inputs) == (3, "scalar", engine.inputs)
    np.testing.assert_array_equal(loaded(pixels(5)), engine(pixels(5)))
    # The limits stand, too, and what is loaded can be sent on.
    for each in (engine, pickle.loads(pickle.dumps(loaded))):
        with pytest.raises(InputError, match="max_bytes"):
            each(np.broadcast_to(pixels(1), (10**7, 6, 6, 3)))


def test_a_file_that_was_written_to_is_not_pickled(tmp_path: Path) -> None:
    path = tmp_path / "model.sbnn"
    path.write_bytes(sample_bytes())
    engine = signbit.load(path)
    (tmp_path / "new").write_bytes(b"another")
    (tmp_path / "new").replace(path)  # of the same name, but another file
    assert pickle.loads(pickle.dumps(engine)).inputs == engine.inputs
    path.write_bytes(sample_bytes())
    engine = signbit.load(path)
    with path.open("ab") as file:
        file.write(b" ")
    with pytest.raises(ModelFileError, match="written to since it was loaded"):
        pickle.dumps(engine)
    assert copy.copy(engine) is engine


def test_a_model_is_a_path_or_bytes() -> None:
    for other in (None, 3, bytearray(sample_bytes()), io.BytesIO(sample_bytes())):
        with pytest.raises(InputError, match="source: must be a path, or the bytes"):
            signbit.load(other)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("error")
def test_an_engine_closes_its_file(tmp_path: Path) -> None:
    path = tmp_path / "model.sbnn"
    path.write_bytes(sample_bytes())
    before = len(os.listdir("/proc/self/fd"))
    engine = signbit.load(path)
    assert len(os.listdir("/proc/self/fd")) == before + 1
    del engine
    path.write_bytes(b"no model")
    with pytest.raises(ModelFileError):
        signbit.load(path)
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_pipes_model_is_pickled(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.sbnn"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(sample_bytes(),))
    writer.start()
    engine = signbit.load(pipe)
    writer.join()
    assert pickle.loads(pickle.dumps(engine)).input_shape == engine.input_shape


def test_an_engine_of_a_path_does_not_hold_the_file(tmp_path: Path) -> None:
    path = tmp_path / "model.sbnn"
    path.write_bytes(sample_bytes())
    engine = signbit.load(path)
    assert not any(isinstance(each, bytes) for each in vars(engine._source).values())


def test_a_pickle_keeps_the_input_size_and_leaves_defaults_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph, constants = sample()
    data = encode(dataclasses.replace(graph, any_size=True), constants)
    pickled = pickle.dumps(signbit.load(data, input_size=(9, 7)))
    monkeypatch.setenv("SIGNBIT_ISA", "scalar")
    loaded = pickle.loads(pickled)
    assert loaded.input_shape == (9, 7, 3)
    assert loaded.isa == "scalar"


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_is_the_engine_itself(duplicate: Callable[[object], object]) -> None:
    engine = signbit.load(sample_bytes(), threads=1)
    assert duplicate(engine) is engine
    assert duplicate([engine]) == [engine]


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_an_engine_works_in_other_processes(method: str) -> None:
    engine = signbit.load(sample_bytes(), threads=2)
    images = pixels(6)
    expected = engine(images)
    with multiprocessing.get_context(method).Pool(2, maxtasksperchild=1) as pool:
        for result in pool.map(engine, [images, images[:1]]):
            np.testing.assert_array_equal(result, expected[: len(result)])
        # It reaches a forked process as it is, too.
        assert (
            pool.apply(Engine.predict, (engine, images[0])).name == engine.predict(images[0]).name
        )
    np.testing.assert_array_equal(engine(images), expected)


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=tmp_path.name):
        signbit.load(tmp_path)
