"""A data server with PostgreSQL 16 and two projects, as the bundle lays it out."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent import cli
from agent.host import paths
from tests.archive.host import identity
from tests.plugins.processes import wait_for_port, write_certificate
from tests.ports import free_port
from tests.services.stack import Stack, example
from tests.upgrade.machine import NEW, OLD, Host, able, binaries, host

PASSWORD = "super secret"
TILL = """
CREATE SCHEMA ext;
GRANT USAGE ON SCHEMA ext TO till;
CREATE EXTENSION citext SCHEMA ext;
COMMENT ON EXTENSION citext IS 'ours';
SET ROLE till;
CREATE TYPE public.mood AS ENUM ('good', 'bad');
CREATE FUNCTION public.fine(n int) RETURNS boolean LANGUAGE plpgsql AS
  $$ BEGIN IF current_user = 'postgres' THEN RAISE 'the administrator runs what an app has written'; END IF;
  RETURN true; END $$;
CREATE TABLE public.sales (
  id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY CHECK (public.fine(id)), name ext.citext, mood public.mood,
  twice int GENERATED ALWAYS AS (id * 2) STORED);
INSERT INTO public.sales (name, mood) SELECT 'Customer ' || n, 'good' FROM generate_series(1, 1000) n;
CREATE INDEX by_name ON public.sales (name);
CREATE SCHEMA "odd ""schema"" | x";
CREATE TABLE "odd ""schema"" | x"."new
line'; DROP TABLE sales; --" AS SELECT E'a\\\\tb\\n\\\\.' AS one;
CREATE VIEW public.names AS SELECT name FROM public.sales;
CREATE MATERIALIZED VIEW public.counted AS SELECT count(*) FROM public.sales;
GRANT SELECT ON public.sales TO reader;
CREATE TABLE public.tenants AS SELECT n FROM generate_series(1, 7) n;
ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON public.tenants USING (n = current_setting('app.tenant')::int);
SELECT lo_from_bytea(0, 'a large object');
RESET ROLE;
ALTER DATABASE till_db SET app.jwt_secret = 'hush, "hush"';
ALTER DATABASE till_db SET default_transaction_read_only = on;
ALTER ROLE till IN DATABASE till_db SET search_path = ext;
COMMENT ON DATABASE till_db IS 'shop; "till"';
"""


@pytest.fixture(scope="session")
def programs() -> Iterator[dict[str, Path]]:
    if missing := able():
        pytest.skip(f"needs {missing}")
    with tempfile.TemporaryDirectory(prefix="codeb-pg-") as folder:
        Path(folder).chmod(0o755)
        yield binaries(Path(folder))


@pytest.fixture(scope="session")
def stack() -> Stack:
    return example()


@pytest.fixture
def machine(programs: dict[str, Path], stack: Stack) -> Iterator[Host]:
    with tempfile.TemporaryDirectory(prefix="cu-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        root.chmod(0o711)
        found = host(root, programs, free_port())
        _laid_out(found, root, stack)
        try:
            _initialised(found, root)
            yield found
        finally:
            found.machine.close()


def _laid_out(found: Host, root: Path, stack: Stack) -> None:
    """Files as the bundle has them, with other folders and another port."""
    files, (secret, recipient), owner = found.ports.files, identity(), "70:70"
    for name in ("srv/codeb", "etc/codeb/secrets", "run"):
        (root / name).mkdir(parents=True)
        (root / name).chmod(0o711)
    shutil.chown(root / "run", "postgres")
    certificate = write_certificate(root)
    for name in ("postgresql.conf", "reload.conf", "pg_hba.conf", "pg_ident.conf"):
        text = stack.file(f"/etc/codeb/postgres/{name}").replace(
            "/etc/postgresql", f"{root}/etc/codeb/postgres"
        )
        text = text.replace("/run/secrets", f"{root}/etc/codeb/secrets").replace(
            "/run/postgresql", f"{root}/run"
        )
        files.write(f"/etc/codeb/postgres/{name}", text.replace("256MB", "32MB").encode())
    files.write("/etc/codeb/postgres/server.crt", certificate.read_bytes())
    files.write(paths.POSTGRES_KEY, (root / "server.key").read_bytes(), 0o600, owner)
    files.write(paths.CA_FILE, certificate.read_bytes())
    files.write(paths.BACKUP_LOGIN, f"*:*:*:postgres:{PASSWORD}\n".encode(), 0o600, owner)
    files.write(paths.BACKUP_KEY, f"{secret}\n".encode(), 0o600)
    files.write(paths.POSTGRES_UNIT, stack.file(paths.POSTGRES_UNIT).encode())
    settings = json.loads(stack.file(paths.BACKUP_SETTINGS))
    projects = [
        {"id": name, "database": f"{name}_db", "buckets": [], "retention_days": 7, "point_in_time": False}
        for name in ("till", "blog")
    ]
    settings |= {"port": found.machine.port, "recipient": recipient, "projects": projects}
    files.write(paths.BACKUP_SETTINGS, (json.dumps(settings, indent=1) + "\n").encode(), 0o600)


def _initialised(found: Host, root: Path) -> None:
    (root / "password").write_text(f"{PASSWORD}\n")
    data = root / "srv/codeb/postgres"
    data.mkdir(mode=0o700)
    shutil.chown(data, "postgres", "postgres")
    line = [
        found.machine.programs[OLD] / "initdb",
        "-D",
        data,
        "-U",
        "postgres",
        f"--pwfile={root}/password",
        "--data-checksums",
    ]
    more = ["--auth=scram-sha-256", "--locale=C.UTF-8", "--encoding=UTF8", "--no-sync"]
    done = subprocess.run([*line, *more], user="postgres", text=True, capture_output=True, cwd="/")
    assert done.returncode == 0, done.stderr
    found.machine.start()
    log = root / "postgres.service.log"
    wait_for_port(found.machine.port, found.machine.running["postgres.service"], log)
    end = time.monotonic() + 60
    while not found.machine._ready():
        assert time.monotonic() < end, log.read_text(errors="replace")[-2000:]
        time.sleep(0.05)
    made = "CREATE ROLE reader; CREATE ROLE till LOGIN PASSWORD 'till''s own'; CREATE ROLE blog LOGIN PASSWORD 'x';\n"
    made += (
        'CREATE ROLE "till.2" LOGIN PASSWORD \'of two\' IN ROLE till;\nALTER ROLE "till.2" SET role = till;\n'
    )
    for name in ("till", "blog"):
        made += f"CREATE DATABASE {name}_db OWNER {name} LC_COLLATE 'C' TEMPLATE template0;\n"
        made += f"REVOKE ALL ON DATABASE {name}_db FROM PUBLIC;\n"
    sql(found, made)
    sql(found, TILL, "till_db")
    sql(
        found,
        "CREATE EXTENSION hstore;\nSET ROLE blog;\nCREATE TABLE public.posts AS SELECT 1 AS n;\n",
        "blog_db",
    )
    sql(
        found,
        "COMMENT ON DATABASE postgres IS 'own';\nALTER SYSTEM SET work_mem = '9MB';\nSELECT pg_reload_conf();\n",
    )


def sql(
    found: Host, statements: str, database: str = "postgres", user: str = "postgres", password: str = PASSWORD
) -> str:
    """What psql answers, over TCP and TLS. Raises AssertionError with what it said."""
    done = tried(found, statements, database, user, password)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tried(
    found: Host, statements: str, database: str, user: str = "postgres", password: str = PASSWORD
) -> subprocess.CompletedProcess[str]:
    url = f"postgresql://127.0.0.1:{found.machine.port}/{database}?sslmode=require"
    line = [
        str(found.machine.programs[NEW] / "psql"),
        "-X",
        "-q",
        "-At",
        "--set=ON_ERROR_STOP=1",
        "-U",
        user,
        url,
    ]
    return subprocess.run(
        line, input=statements, env={"PGPASSWORD": password}, capture_output=True, text=True, check=False, cwd="/"
    )  # fmt: skip


def ask(found: Host, **document: object) -> dict[str, Any]:
    """The answer to the verb; what it told before is `told`."""
    out, err = io.StringIO(), io.StringIO()
    cli.run(found.ports, "upgrade", json.dumps(document), out, err, "admin")
    *told, answer = [json.loads(line) for line in out.getvalue().splitlines()]
    return {**answer, "told": told, "stderr": err.getvalue()}
