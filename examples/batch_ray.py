"""Classifies photographs on a Ray cluster, each of them once, whatever is killed meanwhile.

    python examples/batch_ray.py model.sbnn PHOTOGRAPHS OUT --workers 2

PHOTOGRAPHS is a folder of images, or of Parquet files with a column of encoded images. OUT gets
Parquet files with a row for each photograph. Every machine sees both under the same path.

The work is cut into parts, which OUT/_plan.jsonl lists. A worker is a Ray actor on a core of its
own. It loads the network once, and writes the answers to a part into a file of their own, whole or
not at all. So a part that was interrupted is done again, and none is there twice. The same command
goes on where it was stopped, and takes photographs in that are new. docs/batch.md says more.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import compute, parquet

import signbit
from signbit.data.pixels.decoding import available_cores
from signbit.data.sources.image_files import find_images
from signbit.files import write_file
from signbit.runtime.photographs import resize_rule
from signbit.runtime.prediction import class_labels

ANSWERS = pa.schema(
    [
        ("file", pa.string()),
        ("row", pa.int64()),  # in a Parquet file, from 0; 0 in any other
        ("class", pa.string()),
        ("index", pa.int32()),
        ("probability", pa.float64()),
        ("reason", pa.string()),  # why there is no class
    ]
)
MOST_BLOCKS = 1000
MOST_TRIES = 3
"""Of a part whose worker dies each time: one of its photographs may be what kills it."""

Part = dict[str, Any]


def answers_of(out: Path, part: Part) -> Path:
    """The file of a part's answers: the same in every run, and for every worker that does it."""
    return out / f"{hashlib.sha256(json.dumps(part).encode()).hexdigest()[:20]}.parquet"


def plan(out: Path, model: bytes, data: Path, column: str, size: int) -> list[Part]:
    """The parts of the work, those of earlier runs first."""
    path = out / "_plan.jsonl"
    head = {"model": hashlib.sha256(model).hexdigest(), "column": column}
    parts: list[Part] = []
    if path.exists():
        first, *parts = map(json.loads, path.read_text("ascii").splitlines())
        if first != head:
            sys.exit(f"{out}: has the answers of another network or column; name another folder")
    known = {name for part in parts for name in part.get("images", [part.get("group")])}
    images = [str(image) for image in find_images(data)] if data.is_dir() else []
    if images:
        new = [image for image in images if image not in known]
        parts += [{"images": new[i : i + size]} for i in range(0, len(new), size)]
    else:
        parts += [part for part in row_groups(data, column) if part["group"] not in known]
    if not parts:
        sys.exit(f"{data}: there are no images and no Parquet files here; name another folder")
    lines = (json.dumps(line) + "\n" for line in (head, *parts))
    write_file(path, "".join(lines).encode("ascii"))
    return parts


def row_groups(data: Path, column: str) -> Iterator[Part]:
    """A part for each group of rows of the Parquet files in a folder, or of the file it is."""
    for path in sorted(data.rglob("*.parquet")) if data.is_dir() else [data]:
        try:
            file = parquet.ParquetFile(path)
            kind = struct_field(pa.array([], pa.struct(file.schema_arrow)), column).type
        except (pa.ArrowException, OSError) as error:
            sys.exit(f"{path}: no Parquet file with a column {column} ({error}); see --column")
        if not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
            sys.exit(f"{path}: the column {column} is {kind}, not encoded images; see --column")
        first = 0
        for number in range(file.num_row_groups):
            count = file.metadata.row_group(number).num_rows
            group = f"{path}#{number}"
            yield {"group": group, "file": str(path), "number": number, "from": first, "of": count}
            first += count


def struct_field(values: pa.Array, names: str) -> pa.Array:
    """The field of a column of structs whose names are joined by dots."""
    return compute.struct_field(values, names.split("."))


class Scorer:
    """A worker: it answers one part after another."""

    def __init__(self, engine: signbit.Engine, out: Path, column: str) -> None:
        self.engine, self.out, self.column = engine, out, column

    def __call__(self, item: dict[str, str]) -> dict[str, int]:
        part = json.loads(item["part"])
        path = answers_of(self.out, part)
        if path.exists():  # its worker died just after it had written them
            return {"photographs": 0, "failed": 0}
        begun = tries_of(path)
        with begun.open("ab") as file:
            file.write(b".")
        give_up = begun.stat().st_size > MOST_TRIES
        table = pa.Table.from_pylist(list((given_up if give_up else self.rows)(part)), ANSWERS)
        buffer = pa.BufferOutputStream()
        parquet.write_table(table, buffer)
        write_file(path, buffer.getvalue())
        begun.unlink(missing_ok=True)
        return {"photographs": len(table), "failed": len(table) - table["reason"].null_count}

    def rows(self, part: Part) -> Iterator[dict[str, Any]]:
        if "images" in part:
            answers = self.engine.predict(part["images"], return_exceptions=True)
            yield from (row(*each, 0) for each in zip(answers, part["images"], strict=True))
            return
        number = part["from"]
        file = parquet.ParquetFile(part["file"])
        for batch in file.iter_batches(64, [part["number"]], [self.column]):
            images = struct_field(batch.to_struct_array(), self.column).to_pylist()
            for answer in self.engine.predict(images, return_exceptions=True):
                yield row(answer, part["file"], number)
                number += 1


def tries_of(path: Path) -> Path:
    """A file with a byte for each time that a part was begun in this run."""
    return path.with_name(f"_{path.stem}.tries")


def given_up(part: Part) -> Iterator[dict[str, Any]]:
    """The rows of a part that no worker has lived through."""
    names = part.get("images") or [part["file"]] * part["of"]
    why = signbit.DataError(f"{MOST_TRIES} workers died while they read this part")
    for index, name in enumerate(names):
        yield row(why, name, part["from"] + index if "from" in part else 0)


def row(answer: Any, file: str, number: int) -> dict[str, Any]:
    """A row of the answers, of a prediction or of an error."""
    found: dict[str, Any] = {"file": text(file), "row": number}
    if isinstance(answer, signbit.SignbitError):
        return {**found, "reason": text(str(answer))}
    told = {"class": answer.name, "index": answer.index, "probability": answer.probability}
    return {**found, **told}


def text(words: str) -> str:
    r"""What Parquet can hold: bytes of a name that are not UTF-8 as \x and two digits."""
    return os.fsencode(words).decode("utf-8", "backslashreplace")


def connect(address: str | None, workers: int | None) -> int:
    """Join a cluster, or start one on this machine; how many workers there shall be."""
    if not address:  # Ray's switch has an odd name: one of this machine alone, on its loopback
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    import ray

    if address:
        ray.init(address=address)
        return workers or int(ray.cluster_resources()["CPU"])
    workers = workers or available_cores()
    # Photographs never go through the object store, so that it may be small.
    ray.init(num_cpus=workers, object_store_memory=128 << 20, include_dashboard=False)
    return workers


def score(parts: list[Part], engine: signbit.Engine, out: Path, column: str, workers: int) -> None:
    """Have the workers answer these parts, and say how far they are."""
    import ray.data

    ray.data.DataContext.get_current().enable_progress_bars = False
    begun = said = time.monotonic()
    items = [{"part": json.dumps(part)} for part in parts]  # ASCII, whatever names there are
    scored = ray.data.from_items(items, override_num_blocks=min(len(items), MOST_BLOCKS)).map(
        Scorer,
        fn_constructor_args=(engine, out, column),
        compute=ray.data.ActorPoolStrategy(size=min(workers, len(items))),
        num_cpus=1,
    )
    total = sum(part.get("of") or len(part["images"]) for part in parts)
    done = failed = 0

    def say() -> None:
        speed = done / (time.monotonic() - begun)
        told = f"{done:,} of {total:,} photographs, {speed:,.0f} per second"
        print(f"{told}, {failed:,} of them without an answer", file=sys.stderr, flush=True)

    for each in scored.iter_rows():
        done, failed = done + each["photographs"], failed + each["failed"]
        if time.monotonic() > said + 5:
            said = time.monotonic()
            say()
    say()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path, help="a compiled file, model.sbnn")
    parser.add_argument("photographs", type=Path, help="a folder, or a Parquet file")
    parser.add_argument("out", type=Path, help="the folder of the answers")
    parser.add_argument("--column", default="image.bytes", help="encoded images in Parquet files")
    parser.add_argument("--workers", type=int, help="a core each; default: all that there are")
    parser.add_argument("--address", help="of a Ray cluster (auto); default: one on this machine")
    parser.add_argument("--part", type=int, default=256, help="images that are written at once")
    arguments = parser.parse_args()
    try:
        model = arguments.model.read_bytes()
        engine = signbit.load(model, threads=1)  # a worker each core, so one thread each worker
        class_labels(engine)
        resize_rule(engine)
        out, data = arguments.out.absolute(), arguments.photographs.absolute()
        out.mkdir(parents=True, exist_ok=True)
        parts = plan(out, model, data, arguments.column, arguments.part)
    except (signbit.SignbitError, OSError) as error:
        sys.exit(f"error: {error}")
    left = [part for part in parts if not answers_of(out, part).exists()]
    print(f"{len(parts) - len(left)} of {len(parts)} parts are done", file=sys.stderr, flush=True)
    for begun in out.glob("_*.tries"):
        begun.unlink(missing_ok=True)
    if left:
        address = arguments.address or os.environ.get("RAY_ADDRESS")
        score(left, engine, out, arguments.column, connect(address, arguments.workers))
    return 0


if __name__ == "__main__":
    sys.exit(main())
