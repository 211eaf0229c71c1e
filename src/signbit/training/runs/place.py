"""Where a run may be written: nowhere that its files would lie among those of somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from signbit.data.sources.any_source import absolute_source
from signbit.errors import CheckpointError
from signbit.words import listed

__all__ = ["require_place"]

_RUN = ("recipe.yaml", "run.json", "stage-*/recipe.yaml")
_OWN = (
    *("metrics.jsonl", "images.json", "checkpoints", "best", "tensorboard", "stage-*"),
    "start.safetensors",
)
# What people keep beside a run before there is one.
_NOTES = ("*.log", "*.txt", "*.out", "*.err", "*.pid", "*.yaml", "*.yml")


def require_place(
    out: Path,
    source: str | None = None,
    *,
    begun: Sequence[str] = _RUN,
    own: Sequence[str] = _OWN,
) -> None:
    """Refuse to begin a run, or what else `own` names, in a folder of other files; nothing is done.

    out: the folder, which may be absent, empty, or hold hidden files and logs. source: where its
    images are, in which it must not lie. begun: names (patterns of `Path.glob`) that show that one
    is there already, to go on with; own: what else it may have left. Raises CheckpointError.
    """
    if out.exists() and not out.is_dir():
        raise CheckpointError(f"{out}: is a file; name a folder to write with --out")
    if any(next(out.glob(pattern), None) for pattern in begun):
        return
    place = out.resolve()
    images = None if source is None else Path(absolute_source(source)).resolve()
    if images is not None and images.is_dir() and images in (place, *place.parents):
        raise CheckpointError(
            f"{out}: is {'' if place == images else 'inside '}the folder of the images "
            f"({source}), whose contents are data; name another folder with --out"
        )
    if place == Path.home().resolve():
        raise CheckpointError(f"{out}: is the home folder; name another one with --out")
    others = [] if not out.exists() else sorted(path.name for path in out.iterdir())
    others = [
        name
        for name in others
        if not any(fnmatch(name, pattern) for pattern in (*begun, *own, *_NOTES))
        and not (name.startswith(".") and not (out / name).is_dir())
    ]
    if others:
        raise CheckpointError(
            f"{out}: holds other files ({listed(others)}); name a folder that is empty or not "
            "there yet with --out"
        )
