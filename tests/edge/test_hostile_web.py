"""Files that lie, in the engine for browsers: what x86-64 says of them, and no instance traps."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.bitformat.samples import SAMPLES
from tests.edge.cases import assert_same_answers, batches, expected
from tests.edge.web import ISAS, Answer, Job, WebError, build, module_folder, run_jobs
from tests.runtime.absurd import ABSURD
from tests.runtime.changed_files import changed_files
from tests.runtime.readers import verdict
from tests.runtime.test_hostile_files import HOSTILE as HOSTILE_FILES
from tests.runtime.test_hostile_graphs import HOSTILE as HOSTILE_GRAPHS

from signbit.bitformat import encode
from signbit.runtime import _native

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

DRAWN = 40
"""Of each kind of change, of each sample."""


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build()
    return module_folder(tmp_path_factory.mktemp("module"))


def sample_job(isa: str, data: bytes) -> Job:
    """One image for a file that is read."""
    return Job(data, isa, [["run", batches(data, 1), {"batch": 1}], ["layers"]])


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("name", SAMPLES)
def test_changed_files_are_refused_as_on_x86_or_give_its_bits(
    module: Path, isa: str, name: str
) -> None:
    files = [*changed_files(SAMPLES[name], DRAWN), ("whole", encode(*SAMPLES[name]()))]
    verdicts = [verdict(_native.check_model, data) for _, data in files]
    jobs = [
        Job(data, isa) if kind else sample_job(isa, data)
        for (_, data), (kind, _) in zip(files, verdicts, strict=True)
    ]
    answers = run_jobs(module, jobs)
    for (what, data), (kind, field), answer in zip(files, verdicts, answers, strict=True):
        if kind:
            status = {"ModelFileError": "model_file", "ModelVersionError": "model_version"}[kind]
            assert isinstance(answer, WebError), what
            assert str(answer).startswith(f"{status}: {field}: "), (what, answer)
            continue
        assert isinstance(answer, Answer), (what, answer)
        outputs, layers = answer.results
        assert len(layers) > 0
        found = b"".join(each.tobytes() for each in outputs)
        assert_same_answers(found, expected(data, batches(data, 1)), what)
    assert not verdicts[-1][0]  # the whole file is read after all of them


@pytest.mark.parametrize("isa", ISAS)
def test_hostile_files_are_refused_with_the_fields_name(module: Path, isa: str) -> None:
    every = {**HOSTILE_FILES, **HOSTILE_GRAPHS}
    answers = run_jobs(module, [Job(data, isa) for data, _ in every.values()])
    for (what, (data, field)), answer in zip(every.items(), answers, strict=True):
        assert str(answer).startswith(f"model_file: {field}: "), (what, answer)
        assert verdict(_native.check_model, data) == ("ModelFileError", field), what


@pytest.mark.parametrize("isa", ISAS)
def test_absurd_files_are_refused_before_anything_is_computed(module: Path, isa: str) -> None:
    answers = run_jobs(module, [Job(encode(*make()), isa) for make in ABSURD.values()])
    for name, answer in zip(ABSURD, answers, strict=True):
        assert isinstance(answer, WebError), name
        status, _, message = str(answer).partition(": ")
        assert status in ("model_file", "input"), (name, answer)
        assert any(word in message for word in ("more than", "at most", "limit")), (name, answer)
