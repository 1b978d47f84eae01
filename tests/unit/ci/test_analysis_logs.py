"""A failed run's jobs, steps and logs, whatever GitHub or a run's author made of them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import pytest

from ops.ci.context import Workflow
from ops.ci.failed_run import LARGEST_LOG, Job, Log, failed_jobs, from_archive, logs, read_run
from ops.ci.github import GitHub
from tests.unit.ci.analysis_github import COMMIT, REPOSITORY, TOKEN, Hub, archive, failed_job, hub

JOB = Job(70, "test (20, ubuntu)", "Run npm test", 4)


@pytest.fixture
def there() -> Iterator[Hub]:
    with hub() as found:
        found.fails(7, "2026-11-27T17:59:59.0Z before\n2026-11-27T18:00:00.0Z error: it failed")
        yield found


def _github(there: Hub) -> GitHub:
    workflow = Workflow(REPOSITORY, 1, 1, COMMIT, "workflow_run", {}, TOKEN, api_url=there.url)
    return GitHub(workflow, sleep=lambda seconds: None)


def _log(there: Hub) -> Log:
    github = _github(there)
    run = read_run(github, 7)
    [(_, log)] = logs(github, run, failed_jobs(github, run))
    return log


def test_a_job_s_log_is_read_from_its_failed_step_on_and_its_place_is_given_no_token(there: Hub) -> None:
    assert _log(there) == Log("2026-11-27T18:00:00.0Z error: it failed")
    assert there.stored_for == [""]


def test_a_run_is_what_github_says_bounded_and_printable(there: Hub) -> None:
    there.runs[7] |= {
        "name": "a\nb\x1b[31m",
        "head_branch": "x" * 999,
        "head_sha": "; rm -rf /",
        "run_attempt": "2",
    }
    run = read_run(_github(there), 7)
    assert (run.name, len(run.branch), run.commit, run.attempt) == ("a b [31m", 200, "", 0)
    assert run.path == ".github/workflows/build-test.yml"


def test_only_jobs_that_failed_are_looked_at(there: Hub) -> None:
    there.jobs[7] += [
        failed_job(71) | {"conclusion": "cancelled"},
        failed_job(72) | {"conclusion": "timed_out"},
    ]
    there.jobs[7] += [
        failed_job(73) | {"conclusion": "success"},
        failed_job(74) | {"steps": None, "runner_id": 3},
        failed_job(75) | {"steps": [], "runner_id": 0},  # its deployment was rejected
    ]
    github = _github(there)
    assert [(job.number, job.step) for job in failed_jobs(github, read_run(github, 7))] == [
        (70, "Run npm run typecheck"),
        (72, "Run npm run typecheck"),
        (74, ""),
    ]


def test_a_log_that_is_gone_is_said(there: Hub) -> None:
    there.logs[70] = None
    assert "GitHub answered 410" in _log(there).missing


def test_an_empty_log_is_said(there: Hub) -> None:
    there.logs[70] = b"\n"
    assert "no log" in _log(there).missing


def test_a_log_without_bound_is_not_read(there: Hub) -> None:
    there.logs[70] = b"x" * (LARGEST_LOG + 1)
    assert "larger than 16 MiB" in _log(there).missing


def test_without_a_job_s_log_the_run_s_archive_is_read(there: Hub) -> None:
    del there.logs[70]
    there.archives[7] = archive(
        {"0_build.txt": b"whole", "build/4_Run npm run typecheck.txt": b"error: the step"}
    )
    assert _log(there) == Log("error: the step")


def test_a_log_that_is_no_text_is_read_as_far_as_it_goes(there: Hub) -> None:
    there.logs[70] = b"\xff\xfe\x00error: it failed\xc3"
    assert "error: it failed" in _log(there).text


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"test (20, ubuntu)/4_Run npm test.txt": b"step", "0_test (20, ubuntu).txt": b"job"}, "step"),
        ({"test (20, ubuntu)/3_other.txt": b"other", "0_test (20, ubuntu).txt": b"job"}, "job"),
        ({"0_test 20 ubuntu.txt": b"job"}, "job"),
        ({"0_other.txt": b"job"}, ""),
        ({"../../0_test (20, ubuntu).txt": b"x", "/etc/passwd": b"x", "0_test (20, ubuntu).txt/": b""}, ""),
        ({}, ""),
    ],
)
def test_the_archive_has_the_step_s_file_or_the_job_s(files: dict[str, bytes], found: str) -> None:
    assert from_archive(archive(files), JOB) == found


def test_of_a_zip_bomb_no_more_than_a_log_is_unpacked() -> None:
    bomb = archive({"0_test (20, ubuntu).txt": b"\0" * (LARGEST_LOG + (8 << 20))})
    assert len(bomb) < 100_000
    assert len(from_archive(bomb, JOB)) == LARGEST_LOG


def test_what_is_no_archive_gives_nothing() -> None:
    whole = archive({"0_test (20, ubuntu).txt": b"error: it failed " * 1000})
    assert (
        from_archive(b"", JOB)
        == from_archive(b"PK\x03\x04 no zip", JOB)
        == from_archive(whole[: len(whole) // 2], JOB)
        == ""
    )
    middle = whole.index(b"ubuntu).txt") + 20
    assert "error: it failed" not in from_archive(whole[:middle] + b"\xff" * 8 + whole[middle + 8 :], JOB)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_packed_in_another_way_and_broken_gives_nothing(method: int) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as found:
        found.writestr("0_test (20, ubuntu).txt", b"error: it failed " * 1000)
    whole = packed.getvalue()
    middle = whole.index(b"ubuntu).txt") + 20
    assert from_archive(whole[:middle] + b"\xff" * 8 + whole[middle + 8 :], JOB) == ""
