"""A failed run of a workflow as GitHub has it: which jobs and steps failed, and what they wrote.

Sources: docs.github.com/rest, "Workflow runs" and "Workflow jobs". All of it was written by whoever wrote the workflow or
runs in it: names and logs are data, bounded here and never a path, a query or a part of a command.
"""

from __future__ import annotations

import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from codeb.fleet.values import mapping
from ops.ci.context import CiError
from ops.ci.github import GitHub
from ops.ci.lines import since

LARGEST_LOG: Final = 16 << 20
LARGEST_ZIP: Final = 64 << 20
MOST_JOBS: Final = 10
_MOST_FILES: Final = 5_000
_LONGEST_NAME: Final = 200
_FAILED: Final = frozenset({"failure", "timed_out", "startup_failure"})
_STEP_FAILED: Final = frozenset({"failure", "timed_out", "cancelled"})
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_BROKEN: Final = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, OSError, EOFError, ValueError
)  # fmt: skip
"""What reading somebody's archive raises: RuntimeError where it is encrypted or packed in an unknown way."""
_FILE: Final = re.compile(r"(?:(?P<folder>[^/]{1,300})/)?(?P<number>\d{1,6})_(?P<name>[^/]{1,300})\.txt")


@dataclass(frozen=True)
class Run:
    """A run: `conclusion` is GitHub's word for its end, `path` its workflow's file, `commit` "" for what is none."""

    number: int
    attempt: int
    name: str
    path: str
    conclusion: str
    branch: str
    commit: str
    event: str

    @property
    def failed(self) -> bool:
        """Whether there is something to analyse."""
        return self.conclusion in _FAILED


@dataclass(frozen=True)
class Job:
    """A failed job. `step` is the first step that failed, `since` the moment it began."""

    number: int
    name: str
    step: str = ""
    step_number: int = 0
    since: str = ""


@dataclass(frozen=True)
class Log:
    """What a job wrote; `missing` says why there is none."""

    text: str = field(default="", repr=False)
    missing: str = ""


def read_run(github: GitHub, number: int) -> Run:
    """A run's latest attempt. Raises CiError."""
    found = mapping(github.get(f"/actions/runs/{number}"))
    commit = str(found.get("head_sha", ""))
    return Run(
        number=number,
        attempt=_whole(found.get("run_attempt")),
        name=_name(found.get("name")),
        path=_name(found.get("path")).partition("@")[0],
        conclusion=_name(found.get("conclusion")),
        branch=_name(found.get("head_branch")),
        commit=commit if _COMMIT.fullmatch(commit) else "",
        event=_name(found.get("event")),
    )


def failed_jobs(github: GitHub, run: Run) -> list[Job]:
    """The failed jobs of a run's latest attempt, at most `MOST_JOBS`. Raises CiError.

    A job that no runner has taken is none: its deployment was rejected, and there is nothing that it could have written.
    """
    jobs: list[Job] = []
    for found in github.pages(f"/actions/runs/{run.number}/jobs", "jobs", filter="latest"):
        begun = found.get("steps") or found.get("runner_id")
        if begun and found.get("conclusion") in _FAILED and len(jobs) < MOST_JOBS:
            jobs.append(_job(found))
    return jobs


def logs(github: GitHub, run: Run, jobs: list[Job]) -> Iterator[tuple[Job, Log]]:
    """What each job wrote from its failed step on: by its own log, else from the run's archive."""
    archive: bytes | CiError | None = None
    for job in jobs:
        try:
            text = github.download(f"/actions/jobs/{job.number}/logs", LARGEST_LOG).decode("utf-8", "replace")
        except CiError as error:
            if archive is None:
                archive = _archive(github, run)
            yield job, _log_from(archive, job, error)
        else:
            yield job, _log(since(text, job.since))


def from_archive(content: bytes, job: Job) -> str:
    """A job's log in the archive of a run: its failed step's file, else the job's own; "" for none.

    Names in it are only compared, and no more than `LARGEST_LOG` is unpacked of the one file that is read.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found = _entry(archive.infolist()[:_MOST_FILES], job)
            if found is None:
                return ""
            with archive.open(found) as stream:
                return stream.read(LARGEST_LOG).decode("utf-8", "replace")
    except _BROKEN:
        return ""


def _archive(github: GitHub, run: Run) -> bytes | CiError:
    try:
        return github.download(f"/actions/runs/{run.number}/logs", LARGEST_ZIP)
    except CiError as error:
        return error


def _log_from(archive: bytes | CiError, job: Job, error: CiError) -> Log:
    text = "" if isinstance(archive, CiError) else from_archive(archive, job)
    return _log(since(text, job.since)) if text else Log(missing=str(error))


def _log(text: str) -> Log:
    return (
        Log(text)
        if text.strip()
        else Log(missing="GitHub has no log of it (GitHub deletes logs after a time)")
    )


def _entry(files: list[zipfile.ZipInfo], job: Job) -> zipfile.ZipInfo | None:
    whole = None
    for file in files:
        found = _FILE.fullmatch(file.filename)
        if found is None:
            continue
        if found["folder"] is not None:
            if _same(found["folder"], job.name) and int(found["number"]) == job.step_number:
                return file
        elif whole is None and _same(found["name"], job.name):
            whole = file
    return whole


def _same(first: str, second: str) -> bool:
    """Whether two names are one: GitHub leaves out of files' names what file systems don't take."""
    letters = ["".join(letter for letter in name.lower() if letter.isalnum()) for name in (first, second)]
    return letters[0] == letters[1] != ""


def _job(found: Mapping[str, Any]) -> Job:
    listed = found.get("steps")
    steps = [mapping(step) for step in (listed if isinstance(listed, list) else [])]
    step = next((step for step in steps if step.get("conclusion") in _STEP_FAILED), {})
    moment = str(step.get("started_at") or "")
    return Job(
        number=_whole(found.get("id")),
        name=_name(found.get("name")),
        step=_name(step.get("name")),
        step_number=_whole(step.get("number")),
        since=moment if _MOMENT.fullmatch(moment) else "",
    )


def _name(found: object) -> str:
    text = found if isinstance(found, str) else ""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:_LONGEST_NAME].strip()


def _whole(found: object) -> int:
    return found if isinstance(found, int) and 0 <= found < 1 << 62 else 0
