"""k6: built from the Go module that lab/load/go pins, and run with one of our scripts."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.host import Lab, commands
from lab.host.cache import cached, digest_of_tree
from lab.images import toolchains
from lab.load.errors import LoadError

VERSION = "1.8.1"
GO_MODULE = Path(__file__).with_name("go")
SCRIPTS = Path(__file__).with_name("scripts")
STOP_SECONDS = 20
# k6's exit status after an interrupt, which is how we end every run.
_ENDED = (0, 105)


def binary(lab: Lab) -> Path:
    """k6 for this machine: two minutes of building the first time, then from the cache."""

    def make(part: Path) -> None:
        part.mkdir()
        env = toolchains.go(lab.folders, lab.progress)
        line = ["nice", "go", "build", "-mod=readonly", "-trimpath", "-ldflags", "-s -w", "-o", f"{part}/"]
        log = lab.folders.logs / "k6.log"
        commands.build([*line, "go.k6.io/k6"], log, env=env, cwd=GO_MODULE, what="go build")

    folder = lab.folders.cache / f"k6-{VERSION}-{digest_of_tree(GO_MODULE)}"
    return cached(folder, make, lab.progress, f"build k6 {VERSION} from source") / "k6"


@dataclass
class Process:
    """One k6 that runs a script until it is stopped; its samples are lines of a CSV file."""

    name: str
    child: subprocess.Popen[bytes]
    samples: Path
    log: Path

    @classmethod
    def start(
        cls, k6: Path, script: str, name: str, settings: Mapping[str, str], folder: Path, ca: Path
    ) -> Process:
        """Start `script` with `settings` in its environment, trusting the CA only; files go to `folder`."""
        samples, log = folder / f"{name}.csv", folder / f"{name}.log"
        line = [str(k6), "run", "--quiet", "--no-usage-report", "--no-color", "--address", ""]
        line += ["--out", f"csv={samples}", str(SCRIPTS / script)]
        env = {**os.environ, "SSL_CERT_FILE": str(ca), "SSL_CERT_DIR": str(folder), **settings}
        env |= {"K6_CSV_TIME_FORMAT": "unix_milli", "HOME": str(folder)}
        with log.open("wb") as sink:
            child = subprocess.Popen(
                line, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, process_group=0
            )
        return cls(name, child, samples, log)

    def lines(self) -> list[str]:
        """The samples so far; the last line may still be incomplete while k6 runs."""
        return self.samples.read_text().splitlines() if self.samples.exists() else []

    def check(self) -> None:
        """Raises LoadError when k6 ended by itself."""
        if self.child.poll() is not None:
            raise self._failed("ended early")

    def stop(self) -> bool:
        """Let k6 finish what it is at and write its samples; whether it could.

        It cannot when a connection hangs that it is still opening; all but the last second is written then.
        Raises LoadError when it did not run to the end.
        """
        early = self.child.poll() is not None
        if not early:
            self.child.send_signal(signal.SIGINT)
        try:
            status = self.child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        if early or status not in _ENDED:
            raise self._failed(f"ended with status {status}")
        return True

    def kill(self) -> None:
        """End it at once."""
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()

    def _failed(self, how: str) -> LoadError:
        return LoadError(f"k6 ({self.name}) {how}; end of its output:\n{commands.tail(self.log)}")
