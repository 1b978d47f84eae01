"""The new cluster beside the live one: made, started on a socket alone, ended, its files on the disk; or gone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from agent.archive import programs as containers
from agent.archive import throwaway
from agent.documents.errors import Failed
from agent.host import paths
from agent.host.pipes import PipeBroken
from agent.host.ports import Ports
from agent.upgrade import programs, queries
from agent.upgrade.programs import BESIDE

_OWNER: Final = containers.OWNER
_AUTO: Final = "postgresql.auto.conf"
_LONG_S: Final = 3600
_CLEAN: Final = "shut down"
_STATE: Final = "Database cluster state:"
_AGAIN: Final = "see the log lines; nothing that serves was touched"


def made(ports: Ports, image: str, shape: Sequence[str]) -> None:
    """An empty cluster of the new version that runs with the live one's settings. Raises Failed, Unwritable."""
    removed(ports)
    ports.files.directory(BESIDE.folder, 0o711, "root:root")
    for name in ("data", "socket"):
        ports.files.directory(f"{BESIDE.folder}/{name}", 0o700, _OWNER)
    _must(ports, programs.initdb(image, shape), "no empty cluster can be made")
    auto = ports.files.read(f"{paths.POSTGRES}/{_AUTO}")
    if auto is not None:  # what was set by ALTER SYSTEM
        ports.files.write(f"{BESIDE.folder}/data/{_AUTO}", auto, 0o600, _OWNER)
    ports.files.write(f"{BESIDE.folder}/pg_hba.conf", throwaway.LOGINS, 0o600, _OWNER)
    _must(ports, programs.serve(image), "it can't be started")
    if not throwaway.comes_up(ports, BESIDE):
        log = throwaway.said(ports, BESIDE)
        cause = f"the new version doesn't start with the live one's settings: {throwaway.complaint(log)}"
        remedy = f"see {paths.POSTGRES_CONFIG} and what `ALTER SYSTEM` has set; {_AGAIN}"
        raise Failed("beside", cause, remedy, log=throwaway.end_of(log))


def available(ports: Ports, extensions: Sequence[str]) -> list[str]:
    """Those of these extensions that it has. Raises PipeBroken."""
    text = queries.available(extensions).encode()
    answer = b"".join(ports.pipes.flow([BESIDE.psql("postgres")], [text])).decode("utf-8", "replace")
    return [json.loads(line) for line in answer.split("\n") if line]


def loads(ports: Ports, library: str) -> bool:
    """Whether it can load a library."""
    try:
        b"".join(ports.pipes.flow([BESIDE.psql("postgres")], [queries.load(library).encode()]))
    except PipeBroken:
        return False
    return True


def finished(ports: Ports, image: str) -> None:
    """End it, and see that its files are whole and on the disk. Raises Failed."""
    _must(ports, programs.ended(), "it can't be ended")
    ports.runner.run(containers.gone(BESIDE.name), timeout_s=120)
    state = _must(ports, programs.state_of_files(image), "its files can't be read")
    line = next((line for line in state.splitlines() if line.startswith(_STATE)), "")
    if line.removeprefix(_STATE).strip() != _CLEAN:
        raise Failed("beside", f"it did not end well: {line.strip() or 'it says nothing'}", _AGAIN)
    _must(ports, programs.synced(image), "its files can't be synced")


def removed(ports: Ports) -> None:
    """Whatever there is of it goes. Raises Unwritable."""
    ports.runner.run(containers.gone(BESIDE.name), timeout_s=120)
    ports.files.remove_tree(BESIDE.folder)


def _must(ports: Ports, argv: Sequence[str], what: str) -> str:
    result = ports.runner.run(argv, timeout_s=_LONG_S)
    if not result.ok:
        lines = result.text.splitlines() or [f"status {result.code}"]
        wrong = next((line for line in lines if "error" in line or "FATAL" in line), lines[0])
        raise Failed("beside", f"{what}: {wrong[:300]}", _AGAIN, log=tuple(lines[-20:]))
    return result.out
