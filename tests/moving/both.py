"""A data server and a managed service, both real: two PostgreSQL servers, of which one has no superuser for us."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.host import paths
from codeb.certificates import certificate_authority, server_certificate
from tests.backup.restoring import TILL, server
from tests.plugins.conftest import with_tls
from tests.postgres import Cluster, postgres_cluster
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.store.sealing import Programs

ADMIN, PASSWORD, OWNER_PASSWORD = "vultradmin", "AVNS_tests", "owner-of-tests"
PROJECT, DATABASE = "till", "till_db"
AUTHORITY = certificate_authority(b"the service's own".ljust(32, b"."))
"""Of the service: its certificate stands beside the platform's in one file, as on hosts."""


@dataclass(frozen=True)
class Both:
    """`here` is the data server's, `there` the service's; `host` has the agent."""

    here: Cluster
    there: Cluster
    host: FakeHost

    def cluster(self, side: str) -> Cluster:
        return self.here if side == "here" else self.there


def _with_another_s_certificate(home: Path) -> dict[str, object]:
    certificate, key = server_certificate(AUTHORITY, b"a key".ljust(32, b"."), "postgres", ["127.0.0.1"])
    for name, text in (("service.crt", certificate), ("service.key", key)):
        (home / name).write_text(text)
        (home / name).chmod(0o600)
    return {"ssl": "on", "ssl_cert_file": home / "service.crt", "ssl_key_file": home / "service.key"}


@contextmanager
def clusters() -> Iterator[tuple[Cluster, Cluster]]:
    """Both servers."""
    settings = {"fsync": "off"}
    with (
        postgres_cluster("postgres", settings=settings, prepare=with_tls) as here,
        postgres_cluster("avnadmin", settings=settings, prepare=_with_another_s_certificate) as there,
    ):
        yield here, there


def both(folder: Path, here: Cluster, there: Cluster) -> Both:
    """The project's database here with rows, an empty one there, as `pulumi up` leaves them with `prepared`."""
    _fresh(here, there)
    host = server(folder, here)
    assert isinstance(host.pipes, Programs)
    login, authorities = folder / "managed.pgpass", folder / "both.crt"
    login.write_text(f"*:*:*:{ADMIN}:{PASSWORD}\n")
    login.chmod(0o600)
    authorities.write_text(here.certificate.read_text() + AUTHORITY.certificate)
    renamed, places = host.pipes.renamed, {paths.MANAGED_LOGIN: login, paths.CA_FILE: authorities}

    def with_service(words: list[str]) -> list[str]:
        for path, place in places.items():
            words = [word.replace(f"={path}:", f"={place}:") for word in words]
        return renamed(words)

    host.pipes.renamed = with_service
    told(host, there)
    return Both(here, there, host)


def told(host: FakeHost, there: Cluster, **changes: Any) -> None:
    """What the bundle says of the service."""
    project = {"id": PROJECT, "database": DATABASE, "owner": "till", "logins": ["till"]}
    document = {
        "version": 1, "host": "127.0.0.1", "port": there.config["port"], "user": ADMIN, "database": "defaultdb",
        "trusted": True, "projects": [project], **changes,
    }  # fmt: skip
    host.put(paths.MANAGED_SETTINGS, json.dumps(document), 0o600)


def asked(cluster: Cluster, database: str, statements: str, user: str = "", password: str = "") -> str:
    """What psql answers; as the server's own superuser unless another is named. Raises AssertionError."""
    done = tried(cluster, database, statements, user, password)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tried(
    cluster: Cluster, database: str, statements: str, user: str = "", password: str = ""
) -> subprocess.CompletedProcess[str]:
    words = ["psql", "--no-psqlrc", "--quiet", "-At", "--set=ON_ERROR_STOP=1"]
    name = user or cluster.config["username"]
    url = f"postgresql://{name}@127.0.0.1:{cluster.config['port']}/{database}?sslmode=require"
    secret = password or (OWNER_PASSWORD if user else cluster.config["password"])
    environment = {"PGPASSWORD": secret, "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [*words, url], input=statements, env=environment, capture_output=True, text=True, check=False
    )


def app(cluster: Cluster, statements: str) -> subprocess.CompletedProcess[str]:
    """What the app sees."""
    return tried(cluster, DATABASE, statements, "till")


def _fresh(here: Cluster, there: Cluster) -> None:
    for cluster in (here, there):
        names = asked(
            cluster, "postgres", "SELECT datname FROM pg_database WHERE datname ~ '^(till|default)';\n"
        ).split()
        for name in names:
            asked(cluster, "postgres", f'DROP DATABASE "{name}" WITH (FORCE);\n')
    for role in ("till", "reader", "lab"):
        asked(here, "postgres", f"DROP OWNED BY {role};\n" if _has(here, role) else "SELECT 1;\n")
        asked(
            here,
            "postgres",
            f"DROP ROLE IF EXISTS {role};\nCREATE ROLE {role} LOGIN PASSWORD '{OWNER_PASSWORD}';\n",
        )
    asked(
        here, "postgres", "CREATE DATABASE till_db OWNER till;\nREVOKE ALL ON DATABASE till_db FROM PUBLIC;\n"
    )
    asked(here, DATABASE, TILL)
    asked(here, "postgres", "REVOKE CONNECT ON DATABASE till_db FROM reader;\n")
    for role in ("codeb.restore", "till", ADMIN):
        if _has(there, role):
            asked(there, "postgres", f'DROP OWNED BY "{role}";\nDROP ROLE "{role}";\n')
    asked(there, "postgres", f"CREATE ROLE {ADMIN} LOGIN CREATEROLE CREATEDB PASSWORD '{PASSWORD}';\n")
    asked(there, "postgres", f"CREATE DATABASE defaultdb OWNER {ADMIN};\n")
    asked(
        there,
        "defaultdb",
        f"CREATE ROLE till LOGIN PASSWORD '{OWNER_PASSWORD}';\nGRANT till TO {ADMIN};\n"
        "CREATE DATABASE till_db OWNER till;\nREVOKE ALL ON DATABASE till_db FROM PUBLIC;\n",
        ADMIN,
        PASSWORD,
    )


def _has(cluster: Cluster, role: str) -> bool:
    query = f"SELECT 1 FROM pg_roles WHERE rolname = '{role}';\n"  # noqa: S608 - our own names
    return bool(asked(cluster, "postgres", query))
