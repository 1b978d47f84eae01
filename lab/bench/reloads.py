"""How many requests of one project fail while sites of others come, change and go: bare and drained reloads.

python -m lab.bench.reloads              50 reloads each way under POSTs over TLS
python -m lab.bench.reloads --reloads 9  fewer

Needs root and nft; vegeta is built the first time. Everything runs in a network namespace of its own: the rendered
Caddyfile and sites, a real Caddy, and the agent's own code for the reload. docs/edge.md has figures.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agent.edge import drain, sites
from agent.host import commands, paths
from agent.host.ports import Argv, Ports, Result
from agent.real import ports as real_ports
from agent.real.files import RealFiles
from agent.real.runner import RealRunner
from codeb.plan import Plan
from lab.bench.edges import CADDY, DOMAIN, UPSTREAM, await_caddy, lay_out, plan_of, running
from lab.bench.users import under_load
from lab.host import Lab
from lab.load import Target, tools

INSIDE = "CODEB_BENCH_INSIDE"
SITES = 50
USERS = 40  # of each kind
PAUSE_S = 0.5


class Below(RealFiles):
    """The host's files below a folder, /proc as it is."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def at(self, path: str) -> str:
        return path if path.startswith("/proc/") else f"{self._root}{path}"

    def read(self, path: str) -> bytes | None:
        return super().read(self.at(path))

    def write(self, path: str, content: bytes, mode: int = 0o644, owner: str = "root:root") -> None:
        super().write(self.at(path), content, mode, owner)

    def remove(self, path: str) -> None:
        super().remove(self.at(path))

    def listing(self, folder: str) -> list[str]:
        return super().listing(self.at(folder))

    @contextmanager
    def lock(self, path: str, wait_s: float) -> Iterator[None]:
        with super().lock(self.at(path), wait_s):
            yield


class Here(RealRunner):
    """Runs Caddy's reload in this namespace instead of in its container; there is no unit to ask about."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root, self._caddyfile = root, f"{root}{paths.CADDYFILE}"

    def run(
        self,
        argv: Argv,
        *,
        stdin: str | None = None,
        timeout_s: float = 60,
        unless: Callable[[], object] = lambda: False,
    ) -> Result:
        if argv[0] == "nft":
            return super().run([word.replace(paths.HOLD, f"{self._root}{paths.HOLD}") for word in argv])
        if list(argv) != commands.CADDY_RELOAD:
            return Result(0)
        return super().run([CADDY, "reload", "--config", self._caddyfile, "--adapter", "caddyfile"])


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m lab.bench.reloads",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--reloads", type=int, default=50, help="reloads each way")
    options = parser.parse_args()
    if INSIDE not in os.environ:
        tools.build(Lab.here())  # in there is no network to build it with
        environment = {**os.environ, INSIDE: "1"}
        argv = ["unshare", "--net", sys.executable, "-m", "lab.bench.reloads", *sys.argv[1:]]
        return subprocess.run(argv, env=environment, check=False).returncode
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory(prefix="codeb-reloads-") as folder:
        _measure(Path(folder), options.reloads)
    return 0


def _measure(root: Path, reloads: int) -> None:
    plan = plan_of(SITES)
    lay_out(plan, root)
    ports = Ports(**{**real_ports().__dict__, "files": Below(root), "runner": Here(root)})
    table = Table(
        "reload", "seconds each", "client", "requests", "failed", "p99 ms", "slowest ms", "causes", box=None
    )
    with ExitStack() as ending:
        ending.enter_context(running(CADDY, "respond", "--listen", UPSTREAM, "--body", "ok"))
        ending.enter_context(
            running(CADDY, "run", "--config", f"{root}{paths.CADDYFILE}", "--adapter", "caddyfile")
        )
        await_caddy()
        ways: dict[str, Callable[[Ports], object]] = {
            "none": _nothing,
            "bare": _bare,
            "drained": drain.reload,
        }
        for name, reload in ways.items():
            target = Target(DOMAIN, "127.0.0.1", Path(f"{root}{paths.CA_FILE}"))
            seconds, rows = under_load(target, partial(_changes, ports, plan, reloads, reload), USERS)
            for row in rows:
                found = (
                    row.client,
                    row.requests,
                    row.failed,
                    f"{row.p99_ms:.0f}",
                    f"{row.slowest_ms:.0f}",
                    row.causes,
                )
                table.add_row(name, f"{seconds / reloads:.1f}", *map(str, found))
    Console(highlight=False, width=160).print(table)


def _changes(ports: Ports, plan: Plan, reloads: int, reload: Callable[[Ports], object]) -> None:
    """Sites of other projects go, come and change, one after the other; in the end they are as they were."""
    for turn in range(reloads):
        path = paths.site(plan.projects[1 + turn // 3 % (SITES - 1)].id)
        kept = ports.files.read(f"{path}.kept") or ports.files.read(path) or b""
        ports.files.write(f"{path}.kept", kept)
        if turn % 3 == 0:
            ports.files.remove(path)
        else:
            ports.files.write(path, re.sub(rb"max_size \d+", b"max_size %d" % (turn % 3), kept))
        sites.refresh(ports)
        reload(ports)
        time.sleep(PAUSE_S)
    for name in ports.files.listing(paths.SITES):
        path = f"{paths.SITES}/{name}"
        if name.endswith(".kept"):
            ports.files.write(path.removesuffix(".kept"), ports.files.read(path) or b"")
            ports.files.remove(path)
    sites.refresh(ports)


def _nothing(ports: Ports) -> None:
    """For comparison: the same time without a reload."""


def _bare(ports: Ports) -> None:
    result = ports.runner.run(commands.CADDY_RELOAD)
    if not result.ok:
        raise SystemExit(result.text)


if __name__ == "__main__":
    sys.exit(main())
