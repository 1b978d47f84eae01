"""The project `bench` with backups, an archive, and a database that is filled; and the agent's verbs on its host."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from lab.bench.releases.apps import PROJECT
from lab.bench.releases.stack import HOST, Stack
from lab.bench.releases.ways import BenchError
from lab.load.samples import Window

DATABASE: Final = "bench_db"
ROW_BYTES: Final = 1000
BATCH: Final = 100_000
"""Rows of one statement."""
AGENT: Final[Mapping[str, Mapping[str, Any]]] = {
    "backup": {"version": 1, "project": PROJECT, "by": "bench"},
    "base": {"version": 1, "spool_gib": 1, "retention_days": 7, "soon": True},
    "prove": {"version": 1, "project": PROJECT, "by": "bench"},
}
"""Verbs in the order in which they are measured, with what each is told."""
_FILL: Final = (Path(__file__).parent / "fill.sql").read_text()
_SCRIPT: Final = (
    "PGPASSWORD=$(cat /run/secrets/postgres-admin) "
    f"exec psql --no-psqlrc --quiet -At --set=ON_ERROR_STOP=1 -h 127.0.0.1 -U postgres {DATABASE}"
)
_PSQL: Final = ("podman", "exec", "--interactive", "postgres", "sh", "-c", _SCRIPT)


@dataclass
class Saved(Stack):
    """As of the benchmark of releases, with a database that is backed up."""

    def release(self, number: int) -> float:
        """Raises BenchError."""
        path = self.folder / "manifests" / f"{PROJECT}.yaml"
        saved = self.app.manifest(number) | {"backup": {"point_in_time": True}}
        path.write_text(yaml.safe_dump(saved))
        self._up(f"release {number}")
        return time.time()

    def filled(self, size: int) -> int:
        """Fill the database up to so many bytes; how many it has then. Raises BenchError."""
        while (now := int(self._sql("SELECT pg_database_size(current_database());\n"))) < size:
            first = int(
                self._sql("SELECT coalesce(max(id), 0) + 1 FROM bench_rows;\n") if self._begun() else 1
            )
            count = min(BATCH, max(1, (size - now) // ROW_BYTES))
            self._sql(f"\\set first {first}\n\\set last {first + count - 1}\n{_FILL}")
        self._sql("CHECKPOINT;\n")
        return now

    def asked(self, verb: str) -> tuple[dict[str, Any], Window]:
        """What the host's agent answers to a verb, and from when to when it was at it. Raises BenchError."""
        began = time.time()
        done = self.lab.run(HOST, ["codeb-agent", verb], json.dumps(AGENT[verb]).encode())
        ended = time.time()
        lines = done.stdout.decode().splitlines()
        if not lines:
            raise BenchError(f"{verb}: {done.stderr.decode().strip()}")
        return dict(json.loads(lines[-1])), (began, ended)

    def let_go(self) -> None:
        """Its database is dropped without a final backup, which would take as long as the measured ones."""
        document = {"version": 1, "project": PROJECT, "without_backup": True, "by": "bench"}
        self.lab.run(HOST, ["codeb-agent", "final"], json.dumps(document).encode())

    def _begun(self) -> bool:
        return self._sql("SELECT to_regclass('bench_rows') IS NOT NULL;\n").strip() == "t"

    def _sql(self, statements: str) -> str:
        """Raises BenchError."""
        done = self.lab.run(HOST, _PSQL, statements.encode())
        if done.returncode != 0:
            raise BenchError(f"the database can't be filled: {done.stderr.decode().strip()}")
        return done.stdout.decode()
