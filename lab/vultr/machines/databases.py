"""Managed databases: PostgreSQL on a machine of the cloud, whose administrator is no superuser."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from lab import certificates
from lab.host import commands
from lab.host.cache import write_atomically
from lab.host.processes import wait_until
from lab.vultr.machines.appliances import Appliance
from lab.vultr.machines.roots import TEMPLATES
from lab.vultr.ports import DatabaseSpec, MachineError, Served

PORT: Final = 5432
VERSIONS: Final = ("16", "17")
"""Those that the lab has programs of."""
SHARED: Final = "shared"
INSIDE: Final = "/run/database"
"""The folder of its machine that it keeps everything in, and where that is inside."""
_PROGRAMS, _START = "/run/postgresql-programs", "/run/database.sh"
_FIRST = "first.sql"
_PATIENCE_S = 60.0


@dataclass(frozen=True)
class Database:
    """One of them, on an appliance whose folder it has to itself."""

    appliance: Appliance

    @property
    def ca(self) -> Path:
        """The certificate of its authority, as the provider's console has it."""
        return self._folder / "ca.crt"

    def start(self, spec: DatabaseSpec, root: Path, programs: Path) -> Served:
        """Serve it, from nothing the first time; ``programs`` is PostgreSQL's ``bin``.

        Raises MachineError with PostgreSQL's words when it does not start.
        """
        address = self.appliance.addresses[0][0].partition("/")[0]
        if self.appliance.supervised.running():
            self.appliance.network.attach(self.appliance.name)
            return Served(address, PORT)
        if not self._folder.exists():
            self._folder.mkdir(parents=True, mode=0o700)
            certificates.issue(self._folder, address, days=365)
            write_atomically(self._folder / _FIRST, _first(spec), mode=0o600)
        whole = programs.parents[2]
        self.appliance.start(
            root,
            ["/bin/sh", _START, f"{_PROGRAMS}/{programs.relative_to(whole)}"],
            {whole: _PROGRAMS, TEMPLATES / "database.sh": _START},
        )
        if not wait_until(lambda: _serves(address), _PATIENCE_S):
            log = self.appliance.supervised.log
            raise MachineError(f"database {spec.id} does not start; end of {log}:\n{commands.tail(log)}")
        return Served(address, PORT)

    @property
    def _folder(self) -> Path:
        return self.appliance.folder / SHARED


def _first(spec: DatabaseSpec) -> str:
    """The administrator and his database. What stands in it is the simulator's own, names and hexadecimal digits."""
    return (
        f"CREATE ROLE {spec.user} LOGIN CREATEROLE CREATEDB PASSWORD '{spec.password}';\n\n"
        f"CREATE DATABASE {spec.database} OWNER {spec.user};\n\n"
    )


def _serves(address: str) -> bool:
    """Whether it has begun: before that its port is open, and refuses everybody."""
    try:
        psycopg.connect(host=address, port=PORT, user="nobody", dbname="postgres", connect_timeout=2).close()
    except psycopg.OperationalError as error:
        return "no password supplied" in str(error)
    return True
