"""Start and stop a simulated Vultr, in this process or in one of its own.

with Simulator(folder) as vultr:
    subprocess.run(…, env=os.environ | vultr.environment())
    vultr.faults.add(Rule("cut-after", method="POST", path="/instances", count=1))
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Self

from lab.certificates import Certificate, issue, lasts
from lab.paths import REPO
from lab.vultr import settings
from lab.vultr.accounts import DEFAULT, Accounts
from lab.vultr.calls import CallLog, Logged
from lab.vultr.faults import Faults
from lab.vultr.http import HttpsServer
from lab.vultr.nowhere import Nowhere
from lab.vultr.ports import Machines
from lab.vultr.service import Service
from lab.vultr.settings import Settings
from lab.vultr.store import empty, read

NAMES = ("api.vultr.com", "localhost", "127.0.0.1")
"""What the certificate is for."""
READY = "listening on "


class InUseError(Exception):
    """Another simulator has the folder."""


class Folder:
    """What a simulator keeps, whether it runs or not, and in whichever process."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self.accounts = Accounts(folder)
        self.faults = Faults(folder)
        self.port = 0
        self.accounts.ensure()

    @property
    def url(self) -> str:
        """The base URL, of CODEB_VULTR_API's kind."""
        return f"https://127.0.0.1:{self.port}/v2"

    @property
    def ca(self) -> Path:
        """The authority's certificate, for SSL_CERT_FILE."""
        return self.folder / "ca.crt"

    def key(self, account: str = DEFAULT) -> str:
        """An account's API key."""
        return self.accounts.key_file(account).read_text().strip()

    def environment(self, account: str = DEFAULT) -> dict[str, str]:
        """What a client of the API needs to know."""
        return {
            "CODEB_VULTR_API": self.url,
            "VULTR_API_KEY": self.key(account),
            "SSL_CERT_FILE": str(self.ca),
        }

    def calls(self) -> list[Logged]:
        """Every call so far."""
        return CallLog(self.folder).read()

    def set(self, **values: Any) -> Settings:
        """Change durations and capacities."""
        return settings.change(self.folder, **values)

    def content(self, account: str = DEFAULT) -> dict[str, Any]:
        """What an account has, as it was last written."""
        return empty() | (read(self.folder)["accounts"].get(account) or {})

    def is_empty(self) -> bool:
        """Whether no account has anything and no call to the machines is left."""
        accounts = read(self.folder)["accounts"].values()
        return not any(any(value for key, value in one.items() if key != "failures") for one in accounts)


class Simulator(Folder):
    """In this process. `port` 0 takes a free one; it stays the same when it is started again."""

    def __init__(
        self,
        folder: Path,
        machines: Machines | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(folder)
        self.port = port
        self._host = host
        self._clock = clock
        self._machines = machines or Nowhere()
        self._server: HttpsServer | None = None
        self._thread: threading.Thread | None = None
        self._held: IO[str] | None = None

    def start(self) -> Self:
        """Listen, after the machines are as the store says; InUseError when the folder is somebody's."""
        held = _hold(self.folder)
        try:
            service = Service(self.folder, self._machines, self._clock)
            self._server = HttpsServer((self._host, self.port), service, _certificate(self.folder))
            service.effects.start()
        except BaseException:
            held.close()
            raise
        self._held = held
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Cut what is open; what the machines are doing is waited for."""
        if self._server is None or self._held is None or self._thread is None:
            return
        self._server.close()
        self._thread.join()
        self._server.service.effects.stop()
        self._held.close()
        self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class Process(Folder):
    """In a process of its own, without effect on machines: what can be killed."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        super().__init__(folder)
        self.port = port
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> Self:
        """Return when it listens."""
        serve = ["-m", "lab.vultr", "serve", "--folder", str(self.folder), "--port", str(self.port)]
        self._process = subprocess.Popen(
            [sys.executable, *serve], cwd=REPO, stdout=subprocess.PIPE, text=True
        )
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line.startswith(READY):
            self.kill()
            raise InUseError(
                f"the simulator of {self.folder} did not start: {line.strip() or 'see its errors'}"
            )
        self.port = int(line.split("/")[2].rpartition(":")[2])
        return self

    @property
    def pid(self) -> int:
        """Of the running process."""
        if self._process is None:
            raise RuntimeError("it does not run")
        return self._process.pid

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        with self._process as process:
            process.send_signal(number)
            process.wait()
        self._process = None


def _hold(folder: Path) -> IO[str]:
    file = (folder / ".simulator.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise InUseError(f"a simulator runs on {folder} already: stop it first") from None
    os.truncate(file.fileno(), 0)
    return file


def _certificate(folder: Path) -> Certificate:
    """The folder's certificate, made anew only when it ends soon: clients hold on to the authority."""
    found = Certificate(folder / "ca.crt", folder / "server.crt", folder / "server.key")
    return found if lasts(found) else issue(folder, *NAMES, days=365)
