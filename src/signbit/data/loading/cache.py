"""Decoded images in a memory-mapped file, so that only the first run on them decodes them.

A cache is an .npy file, uint8 (N, H, W, C), that ends with its own key. It appears by one rename,
and the processes that have it open share its pages. Its folder may be removed at any time.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from signbit.config import read_config
from signbit.data.loading.say import Say
from signbit.words import counted

__all__ = ["cache_folder", "cached"]

# The rest stays free for checkpoints, and for whoever else writes to the disk.
_SHARE_OF_FREE_SPACE = 0.8


def cache_folder() -> Path:
    """$SIGNBIT_CACHE, or what the user's configuration says, or ~/.cache/signbit."""
    named = os.environ.get("SIGNBIT_CACHE") or read_config().cache or "~/.cache/signbit"
    return Path(named).expanduser()


def cached(
    key: str,
    shape: tuple[int, int, int, int],
    decode: Callable[[], Iterator[NDArray[np.uint8]]],
    say: Say,
) -> NDArray[np.uint8] | None:
    """The images of cache `key` (64 hexadecimal digits), which `decode` yields if there is none.

    The result is uint8 of `shape` (N, H, W, C), mapped from the file; what is written into the
    array stays in this process. A process that finds another making the same cache waits for it. A
    damaged cache is made again. None, and a word to `say`, where the folder cannot be written or
    its disk lacks the space. Whatever `decode` raises ends it, and leaves no file behind.
    """
    path = cache_folder() / f"images-{key[:32]}.npy"
    images = _opened(path, key, shape, say)
    if images is not None:
        return images
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path):
            # Another process may have made it while this one waited.
            images = _opened(path, key, shape, say=lambda text: None)
            if images is not None:
                return images
            needed = int(np.prod(shape, dtype=np.int64))
            free = shutil.disk_usage(path.parent).free
            if needed > _SHARE_OF_FREE_SPACE * free:
                say(
                    f"{path.parent}: no decoded images are kept, as they take "
                    f"{_gigabytes(needed)} and {_gigabytes(free)} are free; set SIGNBIT_CACHE to a "
                    "folder on a larger disk"
                )
                return None
            say(
                f"{path.parent}: decoding {counted(shape[0], 'image')}, once ({_gigabytes(needed)})"
            )
            _write(path, key, shape, decode())
    except OSError as error:
        say(
            f"{path.parent}: no decoded images are kept ({error.strerror or error}); set "
            "SIGNBIT_CACHE to a folder that can be written"
        )
        return None
    return _opened(path, key, shape, say)


def _opened(
    path: Path, key: str, shape: tuple[int, int, int, int], say: Say
) -> NDArray[np.uint8] | None:
    """The cache at `path`, or None where there is none or it is not whole."""
    ending = bytes.fromhex(key)
    try:
        # Mapped "copy on write", since torch takes no arrays that cannot be written.
        images: np.memmap[Any, np.dtype[np.uint8]] = np.load(
            path, mmap_mode="c", allow_pickle=False
        )
        with open(path, "rb") as file:
            file.seek(-len(ending), os.SEEK_END)
            whole = file.tell() == images.offset + images.nbytes and file.read() == ending
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, AttributeError) as error:
        say(f"{path}: this cache of decoded images is damaged ({error}) and is made again")
        return None
    if not whole or images.shape != shape or images.dtype != np.uint8:
        say(f"{path}: this cache of decoded images is damaged and is made again")
        return None
    return np.asarray(images)


def _write(
    path: Path,
    key: str,
    shape: tuple[int, int, int, int],
    images: Iterator[NDArray[np.uint8]],
) -> None:
    """Write `path` whole, or leave nothing. Not mapped, as a full disk would kill the process."""
    for leftover in path.parent.glob(f".{path.name}.*.new"):
        leftover.unlink()  # of a process that was killed: this one holds the lock
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    try:
        with open(beside, "wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for image in images:
                file.write(np.ascontiguousarray(image).data)
            file.write(bytes.fromhex(key))
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until no other process holds the cache at `path`; the kernel frees it if one dies."""
    import fcntl  # not on Windows, where reading images works all the same

    descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.2f} GB"
