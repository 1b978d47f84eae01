"""k6: WebSockets that stay open."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.load.tools import Process, environment

SOCKETS = Path(__file__).with_name("scripts") / "sockets.js"
# k6's exit status after an interrupt, which is how we end every run.
_ENDED = (0, 105)


@dataclass(frozen=True)
class Sockets:
    """A k6 that keeps WebSockets open; what happens to them are lines of a CSV file."""

    process: Process
    samples: Path

    @classmethod
    def start(cls, k6: Path, settings: Mapping[str, str], folder: Path, ca: Path) -> Sockets:
        """Start with `settings` in the script's environment, trusting the CA only; files go to `folder`."""
        samples, log = folder / "sockets.csv", folder / "sockets.log"
        line = [str(k6), "run", "--quiet", "--no-usage-report", "--no-color", "--address", ""]
        line += ["--out", f"csv={samples}", str(SOCKETS)]
        env = environment(folder) | {"SSL_CERT_FILE": str(ca), "SSL_CERT_DIR": str(folder)} | {**settings}
        env |= {"K6_CSV_TIME_FORMAT": "unix_milli"}
        with log.open("wb") as sink:
            child = subprocess.Popen(
                line, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, process_group=0
            )
        return cls(Process("k6", child, log, _ENDED), samples)

    def lines(self) -> list[str]:
        """The samples so far; the last line may still be incomplete while k6 runs."""
        return self.samples.read_text().splitlines() if self.samples.exists() else []
