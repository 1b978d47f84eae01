"""A PostgreSQL on files of its own, which nobody outside its container reaches, for as long as somebody looks at it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from agent.archive import programs
from agent.documents.errors import Failed
from agent.host.ports import Ports

LOGINS: Final = b"local all all trust\n"
"""Its `pg_hba.conf`: whoever is in its container is let in, and nobody else can come."""
SETTINGS: Final = (
    ("listen_addresses", ""),
    ("ssl", "off"),
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("max_connections", "20"),
    ("shared_buffers", "64MB"),
    ("max_wal_senders", "0"),
    ("archive_mode", "off"),
    ("autovacuum", "off"),
    ("jit", "off"),
    ("lc_messages", "C"),
    ("log_destination", "stderr"),
    ("logging_collector", "off"),
    ("log_timezone", "UTC"),
    ("timezone", "UTC"),
)
_READY_S: Final = 0.5
_LONGEST_S: Final = 24 * 3600
_WRONG: Final = re.compile(r"\S* ?(FATAL|PANIC|ERROR)|.*(FATAL|PANIC):")


@dataclass(frozen=True)
class Throwaway:
    """Its container, and the folder that has its files: `data`, `socket`, `pg_hba.conf`."""

    name: str
    folder: str

    @property
    def socket(self) -> str:
        """The folder of its socket, in its container."""
        return f"{self.folder}/socket"

    def program(self, program: str, *arguments: str) -> list[str]:
        """A program of PostgreSQL's that talks to it."""
        login = (f"--host={self.socket}", f"--username={programs.ADMIN}", "--no-password")
        return programs.within(self.name, program, *login, *arguments)

    def psql(self, database: str) -> list[str]:
        """psql that runs what it reads and writes values alone; it ends at the first error."""
        quiet = ("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1")
        return self.program("psql", *quiet, f"--dbname={database}")


def places(server: Throwaway) -> tuple[tuple[str, str], ...]:
    """Settings that say where its socket and its logins are."""
    return ("unix_socket_directories", server.socket), ("hba_file", f"{server.folder}/pg_hba.conf")


def comes_up(ports: Ports, server: Throwaway) -> bool:
    """Wait until it takes connections; False when it has ended instead. Raises Failed when it does neither for a day."""
    end = ports.clock.monotonic() + _LONGEST_S
    open_yet = programs.within(server.name, "pg_isready", "--quiet", f"--host={server.socket}")
    while ports.clock.monotonic() < end:
        if ports.runner.run(open_yet).ok:
            return True
        if ports.runner.run(programs.running(server.name)).out.strip() != "true":
            return False
        ports.clock.sleep(_READY_S)
    raise Failed("recovery", "PostgreSQL isn't open after a day", "see `podman logs`")


def said(ports: Ports, server: Throwaway) -> str:
    """What it wrote last."""
    result = ports.runner.run(programs.said(server.name))
    return f"{result.out}\n{result.err}"


def complaint(log: str) -> str:
    """The line of a server's log that says why it ended."""
    lines = [line for line in log.splitlines() if line.strip()]
    wrong = [line for line in lines if _WRONG.match(line)]
    return (wrong or lines or ["no output"])[0].strip()[:300]


def end_of(log: str) -> tuple[str, ...]:
    """Its last lines."""
    return tuple(line for line in log.splitlines() if line.strip())[-20:]
