"""act, built from the Go module beside this, runs a workflow of a repository on this machine, without containers.

A run sees what GitHub would give it: an empty workspace, the event as a file, secrets, variables, and a home of its own
instead of that of whoever started it. What act doesn't look at in a workflow (branch filters, reviewers of environments,
concurrency) is up to the caller: it plans by the event's name alone. Jobs that wait for a person are held by the stand-in
of actions/checkout. What a run leaves running ends with it, as on GitHub.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from lab.delivery import orphans, uses
from lab.host import Lab
from lab.host.cache import remove, write_atomically
from lab.host.errors import LabError
from lab.host.paths import REPOSITORY
from lab.images import toolchains

GO_MODULE: Final = Path(__file__).with_name("go")
_PRIVATE: Final = 0o600
_PATIENCE_S: Final = (30.0, 15.0)
"""After the first signal (steps that always run, run), and after the second (everything ends)."""
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE")
_NO_TERMINAL: Final = {"TERM": "dumb", "PAGER": "cat", "GIT_PAGER": "cat"}
"""act gives steps a terminal, GitHub none: nobody pages through what they say."""
_LAST_WORDS: Final = "unset BASH_ENV\ntrap '[ $? -eq 0 ] || sleep 0.5' EXIT\n"
"""act 0.2.89 ends a failed step before it has read all of its terminal (`HostEnvironment.exec`): bash waits a bit."""
_DIES_WITH_US: Final = ("setpriv", "--pdeathsig", "TERM", "--")


def build(lab: Lab) -> Path:
    """The program act of the version that `go/` pins: two minutes, the first time."""
    return toolchains.go_program(lab.folders, lab.progress, GO_MODULE, "github.com/nektos/act", "act")


def build_actionlint(lab: Lab) -> Path:
    """The program actionlint of the version that `go/` pins."""
    package = "github.com/rhysd/actionlint/cmd/actionlint"
    return toolchains.go_program(lab.folders, lab.progress, GO_MODULE, package, "actionlint")


@dataclass(frozen=True)
class Run:
    """A run of one workflow as GitHub would begin it: of `sha` of `repository`, because of an event.

    `workflow` is a file's name in `.github/workflows`. `environment` comes on top of what GitHub sets; the variables of
    stand-ins (docs of `lab/delivery/actions`) go there, too. Values of `secrets` show nowhere but in the run's own steps.
    """

    repository: str
    sha: str
    workflow: str
    event_name: str
    event: Mapping[str, Any] = field(repr=False)
    ref: str = "refs/heads/main"
    run_id: int = 1
    run_attempt: int = 1
    actor: str = "leo"
    token: str = field(default="lab-token", repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    variables: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Line:
    """A line of a run's log, secrets masked by act. `output`: a program of the workflow wrote it, and not act."""

    job: str
    step: str
    text: str
    output: bool


@dataclass
class Ended:
    """A run that has ended. `jobs` says `success`, `failure` or `skipped` of each that was reached."""

    status: int
    jobs: dict[str, str] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)

    @property
    def well(self) -> bool:
        """Whether nothing failed."""
        return self.status == 0

    def text(self, job: str = "") -> str:
        """What was said, of one job or of all."""
        return "\n".join(line.text for line in self.lines if job in ("", line.job))


@dataclass(frozen=True)
class Act:
    """Runs workflows of the repositories in one folder: `<owner>/<name>` are git repositories, bare or not."""

    program: Path
    repositories: Path
    cache: Path

    @classmethod
    def of(cls, lab: Lab, repositories: Path) -> Act:
        """With the lab's own act and caches."""
        return cls(build(lab), repositories.resolve(), lab.folders.lab / "act")

    def run(self, run: Run, tell: Callable[[Line], object] = lambda line: None) -> Ended:
        """Run it to its end; each line is told as it comes.

        Ctrl-C, and whatever `tell` raises, end the run in order: first as GitHub cancels one (steps that always run, run).

        Raises:
            LabError: the repository, commit or workflow isn't there, or it uses an action without a stand-in.
        """
        self.cache.mkdir(parents=True, exist_ok=True)
        for left in self.cache.iterdir():
            if not Path("/proc", left.name.partition("-")[0]).exists():
                remove(left)  # by somebody who was killed: its secrets, too
        with TemporaryDirectory(prefix=f"{os.getpid()}-", dir=self.cache) as name:
            folder = Path(name)
            checkout = uses.export(self.repositories, run.repository, run.sha, folder / "checkout", ".github")
            if not (checkout / ".github" / "workflows" / run.workflow).is_file():
                raise LabError(
                    f"{run.repository} has no .github/workflows/{run.workflow} at {run.sha}",
                    "name a file of that folder, and commit it first",
                )
            uses.without_queues(checkout)
            local = uses.found(checkout, self.repositories, folder / "repositories")
            tracking = f"github_{uuid.uuid4()}"
            self._write(folder, run, tracking)
            try:
                return self._carry(self._line(folder, run, local), folder, tell)
            finally:
                orphans.end(tracking)

    def _write(self, folder: Path, run: Run, tracking: str) -> None:
        event = {"repository": _repository(run.repository), "sender": {"login": run.actor}, **run.event}
        environment = {
            "GITHUB_REPOSITORY": run.repository,
            "GITHUB_REPOSITORY_OWNER": run.repository.partition("/")[0],
            "GITHUB_REF": run.ref,
            "SHA_REF": run.sha,  # by what act gives GITHUB_SHA
            "GITHUB_RUN_ID": str(run.run_id),
            "GITHUB_RUN_NUMBER": str(run.run_id),
            "GITHUB_RUN_ATTEMPT": str(run.run_attempt),
            orphans.TRACKING: tracking,
            "CODEB_LAB_REPOSITORIES": str(self.repositories),
            "CODEB_LAB_ROOT": str(REPOSITORY),
            "CODEB_LAB_PYTHON": sys.executable,
            "BASH_ENV": str(folder / "last-words"),
            **_NO_TERMINAL,
            **run.environment,
        }
        documents = {
            "event.json": event,
            "env.yaml": environment,
            "secrets.yaml": {"GITHUB_TOKEN": run.token, **run.secrets},
            "vars.yaml": dict(run.variables),
            "input.yaml": {},
        }
        (folder / "home").mkdir()
        (folder / "last-words").write_text(_LAST_WORDS)
        for name, document in documents.items():
            write_atomically(folder / name, json.dumps(document), _PRIVATE)  # YAML, too

    def _line(self, folder: Path, run: Run, local: Mapping[str, Path]) -> list[str | Path]:
        checkout = folder / "checkout"
        return [
            *(
                *_DIES_WITH_US,
                self.program,
                run.event_name,
                "--json",
                "--no-cache-server",
                "--no-skip-checkout",
            ),
            *("--directory", checkout, "--workflows", checkout / ".github" / "workflows" / run.workflow),
            *("--platform", "ubuntu-latest=-self-hosted", "--container-daemon-socket", "-"),
            *("--action-cache-path", folder / "actions", "--actor", run.actor, "--defaultbranch", "main"),
            *("--eventpath", folder / "event.json", "--env-file", folder / "env.yaml"),
            *("--secret-file", folder / "secrets.yaml", "--var-file", folder / "vars.yaml"),
            *("--input-file", folder / "input.yaml"),
            *(word for key, at in sorted(local.items()) for word in ("--local-repository", f"{key}={at}")),
        ]

    def _carry(self, line: list[str | Path], folder: Path, tell: Callable[[Line], object]) -> Ended:
        ended = Ended(-1)
        with _child(line, folder) as child:
            assert child.stdout is not None  # noqa: S101 asked for in _child
            for text in child.stdout:
                said, results = _read(text)
                ended.jobs.update(results)
                ended.lines.append(said)
                tell(said)
            ended.status = child.wait()
        return ended


@contextmanager
def _child(line: list[str | Path], folder: Path) -> Iterator[subprocess.Popen[str]]:
    home = folder / "home"
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    child = subprocess.Popen(
        line,
        cwd=home,  # where no .actrc is
        env={**kept, "HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # Ctrl-C is for us
    )
    with child:
        try:
            yield child
        except BaseException:
            _cancel(child)
            raise


def _cancel(child: subprocess.Popen[str]) -> None:
    for patience in _PATIENCE_S:
        child.send_signal(signal.SIGINT)
        try:
            # Read to its end, too: act waits where nobody takes what it says.
            child.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            continue
        return
    child.kill()
    child.communicate()


def _read(text: str) -> tuple[Line, dict[str, str]]:
    """A line of act's log, and how a job ended where it says so."""
    try:
        entry = json.loads(text)
    except ValueError:
        entry = {"msg": text}
    if not isinstance(entry, dict):
        entry = {"msg": text}
    job = str(entry.get("jobID", ""))
    said = str(entry.get("msg", "")).rstrip("\r\n")
    line = Line(job, str(entry.get("step", "")), said, bool(entry.get("raw_output")))
    result = entry.get("jobResult")
    return line, {job: str(result)} if result else {}


def _repository(name: str) -> dict[str, Any]:
    owner, _, short = name.partition("/")
    return {"full_name": name, "name": short, "owner": {"login": owner}, "default_branch": "main"}
