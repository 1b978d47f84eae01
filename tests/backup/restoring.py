"""A data server with two projects of its own, whose databases restores may change."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from agent import cli
from agent.host import paths
from agent.host.pipes import Pipes, Session
from agent.host.ports import Result
from tests.backup.databases import data_server, sql
from tests.postgres import Cluster
from tests.unit.agent.fakes.host import FakeHost, Killed
from tests.unit.agent.store.sealing import Programs, settings

ROOM = "df --block-size=1 --output=avail /srv/codeb"
TILL = """
CREATE SCHEMA ext;
GRANT USAGE ON SCHEMA ext TO till;
CREATE EXTENSION citext SCHEMA ext;
COMMENT ON EXTENSION citext IS 'ours';
SET ROLE till;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE sales (
  id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, name ext.citext, mood mood,
  twice int GENERATED ALWAYS AS (id * 2) STORED);
INSERT INTO sales (name, mood) SELECT 'Customer ' || n, 'good' FROM generate_series(1, 1000) n;
CREATE INDEX by_name ON sales (name);
COMMENT ON TABLE sales IS 'who bought';
CREATE SCHEMA "odd ""schema"" | x";
CREATE TABLE "odd ""schema"" | x"."new
line'; DROP TABLE sales; --" AS SELECT E'a\\\\tb\\n\\\\.' AS one;
CREATE VIEW names AS SELECT name FROM sales;
GRANT SELECT ON sales TO reader;
RESET ROLE;
ALTER DATABASE till_db SET app.jwt_secret = 'hush, "hush"';
ALTER DATABASE till_db SET search_path = public, "odd ""schema"" | x", ext;
ALTER DATABASE till_db SET default_transaction_read_only = off;
ALTER ROLE till IN DATABASE till_db SET search_path = ext;
GRANT CONNECT ON DATABASE till_db TO reader;
"""


def fresh(cluster: Cluster) -> None:
    """Both databases as they were at first, and nothing beside them."""
    for name in databases(cluster):
        sql(cluster, "postgres", f"DROP DATABASE {name} WITH (FORCE);\n")
    for role in ("till", "lab", "reader"):
        sql(cluster, "postgres", f"DROP ROLE IF EXISTS {role};\nCREATE ROLE {role} LOGIN;\n")
    for name in ("till", "lab"):
        made = f"CREATE DATABASE {name}_db OWNER {name} LC_COLLATE 'C' TEMPLATE template0;\n"
        sql(cluster, "postgres", f"{made}REVOKE ALL ON DATABASE {name}_db FROM PUBLIC;\n")
    sql(cluster, "till_db", TILL)
    sql(cluster, "lab_db", "CREATE EXTENSION hstore;\nSET ROLE lab;\nCREATE TABLE own (n int);\n")
    sql(cluster, "postgres", "ALTER DATABASE lab_db SET app.stage = 'lab';\n")


def server(folder: Path, cluster: Cluster) -> FakeHost:
    """A host that backs both up, on a disk with ten GB to spare."""
    shop = settings()["projects"][0]
    projects = [{**shop, "id": name, "database": f"{name}_db", "buckets": []} for name in ("till", "lab")]
    host = data_server(folder, cluster, projects=projects)
    host.answers[ROOM] = Result(0, f"     Avail\n{10 << 30}\n")
    assert isinstance(host.pipes, Programs)
    renamed = host.pipes.renamed
    places = {path: folder / path.rpartition("/")[2] for path in (paths.RESTORE_LOGIN, paths.RESTORE_LIST)}

    def with_files(words: list[str]) -> list[str]:
        for path, place in places.items():
            place.unlink(missing_ok=True)
            if path in host.files:
                place.write_bytes(host.files[path].content)
                place.chmod(0o600)
            words = [word.replace(f"={path}:", f"={place}:") for word in words]
        return renamed(words)

    host.pipes.renamed = with_files
    return host


def ask(host: FakeHost, verb: str, **document: object) -> dict[str, Any]:
    """The answer to a verb; what it told before is `told`."""
    out, err = io.StringIO(), io.StringIO()
    code = cli.run(host.ports(), verb, json.dumps(document), out, err, "admin@10.0.0.1")
    *told, answer = [json.loads(line) for line in out.getvalue().splitlines()]
    assert (code == 0) is (answer["ok"] is True)
    return {**answer, "told": told, "stderr": err.getvalue()}


def backed_up(host: FakeHost, project: str = "till") -> str:
    """The id of a new backup."""
    answer = ask(host, "backup", project=project)
    assert answer["ok"], answer
    return str(answer["projects"][0]["id"])


def databases(cluster: Cluster) -> set[str]:
    """All whose names begin as those of both projects do."""
    return set(
        sql(cluster, "postgres", "SELECT datname FROM pg_database WHERE datname ~ '^(till|lab)_';\n").split()
    )


class Mortal:
    """Pipes that run so many programs more; at the next one the agent is killed, and nothing runs after that."""

    def __init__(self, pipes: Pipes, left: int) -> None:
        self._pipes, self.left = pipes, left

    def flow(
        self,
        stages: Sequence[Sequence[str]],
        source: Iterable[bytes] | None = None,
        *,
        unless: Callable[[], object] = lambda: False,
    ) -> Generator[bytes, None, None]:
        self._step()
        return self._pipes.flow(stages, source, unless=unless)

    def session(self, argv: Sequence[str]) -> AbstractContextManager[Session]:
        self._step()
        return self._pipes.session(argv)

    def _step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed
