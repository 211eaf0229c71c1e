"""Classifies photographs on Spark by a pandas UDF, each of them once, whatever is killed meanwhile.

    spark-submit examples/batch_spark.py model.sbnn PHOTOGRAPHS OUT

PHOTOGRAPHS is a folder of images, or of Parquet files with a column of encoded images. OUT gets
Parquet files with a row for each photograph. Every machine sees both under the same path.

Spark does a task again whose worker died, and keeps the answers of one try. The photographs are
taken in jobs of --job files, whose answers are there once a job is done. The same command goes on
with those that OUT has no answer for. docs/batch.md says more.
"""

import argparse
import functools
import hashlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pyarrow import parquet
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.functions import pandas_udf

import signbit
from signbit.data.sources.image_files import find_images
from signbit.files import write_file
from signbit.runtime.photographs import resize_rule
from signbit.runtime.prediction import class_labels

ANSWER = "class string, index int, probability double, reason string"


def classifier(engine: signbit.Engine):
    """A pandas UDF: from paths or encoded photographs to the fields of ANSWER.

    It carries the engine as the bytes of its file. Each task loads it once, for the processor that
    it runs on.
    """

    @pandas_udf(ANSWER)
    def classify(batches: Iterator[pd.Series]) -> Iterator[pd.DataFrame]:
        for images in batches:
            yield answers(engine, list(images))

    return classify


def answers(engine: signbit.Engine, images: list) -> pd.DataFrame:
    """A row of ANSWER for each image; the reason says why one has no class."""
    rows = []
    for found in engine.predict(images, return_exceptions=True):
        if isinstance(found, signbit.SignbitError):
            rows.append((None, None, None, str(found)))
        else:
            rows.append((found.name, found.index, found.probability, None))
    table = pd.DataFrame(rows, columns=["class", "index", "probability", "reason"], dtype=object)
    return table.astype({"index": "Int32", "probability": "Float64"})


def photographs(spark: SparkSession, files: list[str]) -> DataFrame:
    """Columns file, row and image, which is the file's path again."""
    rows = [(file, 0, file) for file in files]
    frame = spark.createDataFrame(rows, "file string, row long, image string")
    return frame.repartition(max(len(files) // 256, spark.sparkContext.defaultParallelism))


def parquet_rows(spark: SparkSession, files: list[str], column: str) -> DataFrame:
    """Columns file, row (from 0 in its file) and image, which is encoded."""

    def of_file(file: str) -> DataFrame:
        pattern = re.sub(r"([*?{}\[\]\\])", r"\\\1", file)  # Spark reads a path as a pattern
        row, image = F.col("_metadata.row_index"), F.col(column)
        frame = spark.read.parquet(pattern)
        return frame.select(F.lit(file).alias("file"), row.alias("row"), image.alias("image"))

    return functools.reduce(DataFrame.unionAll, map(of_file, files))


def plan(data: Path) -> tuple[dict[str, int], bool]:
    """How many photographs each file has, and whether the files are Parquet files."""
    images = [str(image) for image in find_images(data)] if data.is_dir() else []
    if images:
        return dict.fromkeys(images, 1), False
    files = sorted(data.rglob("*.parquet")) if data.is_dir() else [data]
    if not files:
        sys.exit(f"{data}: there are no images and no Parquet files here; name another folder")
    return {str(file): parquet.read_metadata(file).num_rows for file in files}, True


def require_same_model(out: Path, model: bytes) -> None:
    """Note the network in OUT, or end the program where its answers are another's."""
    path, digest = out / "_model.txt", hashlib.sha256(model).hexdigest().encode()
    if not path.exists():
        write_file(path, digest)
    elif path.read_bytes() != digest:
        sys.exit(f"{out}: has the answers of another network; name another folder")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path, help="a compiled file, model.sbnn")
    parser.add_argument("photographs", type=Path, help="a folder, or a Parquet file")
    parser.add_argument("out", type=Path, help="the folder of the answers")
    parser.add_argument("--column", default="image.bytes", help="encoded images in Parquet files")
    parser.add_argument("--job", type=int, help="files in one job; default 10,000, or 16 Parquet")
    arguments = parser.parse_args()
    try:
        model = arguments.model.read_bytes()
        engine = signbit.load(model, threads=1)  # Spark gives each task a core
        class_labels(engine)
        resize_rule(engine)
        data, out = arguments.photographs.absolute(), arguments.out.absolute()
        out.mkdir(parents=True, exist_ok=True)
        require_same_model(out, model)
        counts, are_parquet = plan(data)
    except (signbit.SignbitError, OSError) as error:
        sys.exit(f"error: {error}")
    if odd := [file for file in counts if file.encode("utf-8", "ignore").decode() != file]:
        print(f"left out, as their names are not UTF-8: {odd}", file=sys.stderr)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    # As many photographs are in a worker's memory at once; Spark's own default is 10,000.
    batch = "spark.sql.execution.arrow.maxRecordsPerBatch"
    spark = SparkSession.builder.appName("signbit").config(batch, 64).getOrCreate()
    classify = classifier(engine)
    done = answered(spark, out)
    left = [file for file in counts if done.get(file, 0) < counts[file] and file not in odd]
    job = arguments.job or (16 if are_parquet else 10_000)
    for start in range(0, len(left), job):
        files = left[start : start + job]
        if are_parquet:
            rows = parquet_rows(spark, files, arguments.column)
        else:
            rows = photographs(spark, files)
        if any(file in done for file in files):  # a job was killed while its files were moved
            there = spark.read.parquet(str(out)).select("file", "row")
            rows = rows.join(F.broadcast(there), ["file", "row"], "left_anti")
        found = rows.select("file", "row", classify("image").alias("answer"))
        found.select("file", "row", "answer.*").write.mode("append").parquet(str(out))
        print(f"{start + len(files)} of {len(left)} files", file=sys.stderr, flush=True)
    spark.stop()
    return 1 if odd else 0


def answered(spark: SparkSession, out: Path) -> dict[str, int]:
    """How many answers OUT has of each file."""
    if not any(out.glob("*.parquet")):
        return {}
    counted = spark.read.parquet(str(out)).groupBy("file").count()
    return {each["file"]: each["count"] for each in counted.collect()}


if __name__ == "__main__":
    sys.exit(main())
