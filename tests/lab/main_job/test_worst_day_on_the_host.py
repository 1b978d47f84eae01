"""The worst day in the lab: power cut, disk destroyed, an empty host, everything back from the second place."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import demo
import pytest
from stack import HOST, Stack, get

from agent.host.s3 import Place
from agent.real.s3 import RealS3
from lab import paths
from lab.host.processes import wait_until
from tests.backup.accounts import LOCK, Accounts
from tests.backup.test_second_place import policy
from tests.minio import minio_server

pytestmark = [pytest.mark.lab, pytest.mark.slow]
BUCKET = "codeb-worst-day"
DATABASE = "food_delivery_db"
NAMES = {"food-delivery-app": "food.lab.test", "blog": "blog.lab.test", "real-estate-app": "estate.lab.test"}
READS = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:ListBucketVersions", "s3:ListBucket", "s3:GetObject", "s3:GetObjectVersion"],
                "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
            }
        ],
    }
)
ROWS = """
SELECT relname || ' ' || (xpath('/row/c/text()', query_to_xml(
  format('SELECT count(*) AS c FROM %I.%I', schemaname, relname), false, true, '')))[1]::text
FROM pg_stat_user_tables WHERE relname <> 'steady' ORDER BY 1
"""
STEADY = """
DO $$ BEGIN
  FOR n IN 1..2400 LOOP INSERT INTO steady DEFAULT VALUES; COMMIT; PERFORM pg_sleep(0.05); END LOOP;
END $$
"""


@dataclass(frozen=True)
class Second:
    """The second place, on this machine: as its administrator sees it, its settings, and the file with keys that read it."""

    place: Place
    settings: dict[str, object]
    credentials: dict[str, str]
    keys: Path


@pytest.fixture
def second(stack: Stack, tmp_path: Path) -> Iterator[Second]:
    gateway = stack.lab.network.gateway
    with minio_server(gateway) as server:
        accounts = Accounts(server, tmp_path)
        accounts.bucket(BUCKET, LOCK)
        accounts.account("puts", "secret-of-puts", policy(BUCKET), BUCKET)
        accounts.account("reads", "secret-of-reads", READS, BUCKET)
        keys = tmp_path / "reading.json"
        keys.write_text(json.dumps({"accessKey": "reads", "secretKey": "secret-of-reads"}))
        keys.chmod(0o600)
        place = {
            "endpoint": f"https://{gateway}:{server.port}", "bucket": BUCKET, "ca": server.certificate.read_text()
        }  # fmt: skip
        yield Second(
            accounts.admin(BUCKET),
            {"second": place},
            {"accessKey": "puts", "secretKey": "secret-of-puts"},
            keys,
        )
    stack.configure()
    assert stack.up().status == 0
    stack.sql("DROP TABLE IF EXISTS steady", DATABASE)


def codeb(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """With the CLI and its state at hand."""
    argv = [str(paths.CODEB), *arguments, "--stack", paths.STACK]
    environment = stack._environment()
    done = subprocess.run(
        argv, cwd=stack.folder, env=environment, capture_output=True, text=True, check=False
    )
    print(f"$ codeb {' '.join(arguments)}\n{done.stderr}{done.stdout}")
    return done


def serves(name: str) -> bool:
    try:
        return get(f"https://{name}{demo.ALIVE}").status == 200
    except OSError:
        return False


def tables(stack: Stack, database: str) -> list[str]:
    """Tables with how many rows each has."""
    return stack.sql(ROWS, database).splitlines()


def test_everything_comes_back_onto_an_empty_host_but_for_the_last_seconds(
    stack: Stack, second: Second
) -> None:
    stack.configure(backup=second.settings, backupCredentials=second.credentials)
    assert stack.up().status == 0
    entries = {project: stack.entry(project) for project in NAMES}
    stack.sql(
        "CREATE TABLE IF NOT EXISTS steady (n serial, at timestamptz DEFAULT clock_timestamp())", DATABASE
    )
    databases = {entry["database"]["name"] for entry in entries.values() if entry["database"]}
    before = {database: tables(stack, database) for database in databases}
    for arguments in (("backup", "--all", "--wait", "300"), ("backup", "platform", "--wait", "300")):
        done = codeb(stack, *arguments)
        assert done.returncode == 0, done.stderr

    def archived() -> bool:
        found = json.loads(stack.on_host("cat", "/var/lib/codeb/archive.json").stdout or b"{}")
        based = any(each.key.endswith("/base.json") for each in RealS3().objects(second.place, "cluster/"))
        return based and bool((found.get("reached") or {}).get("second"))

    assert wait_until(archived, 180), "the archive is in the second place"
    writer = threading.Thread(target=stack.on_host, args=_psql(STEADY), daemon=True)
    writer.start()
    time.sleep(60)
    last = float(stack.sql("SELECT extract(epoch FROM max(at)) FROM steady", DATABASE))
    stack.lab.power_cut(HOST)
    host = stack.lab.host(HOST)
    host.unmount()
    shutil.rmtree(host.folder)
    stack.lab.ensure((HOST,))

    opened = codeb(
        stack, "rebuild", "platform", "--to", str(stack.folder / "rebuilt"), "--keys", str(second.keys)
    )
    assert opened.returncode == 0, opened.stderr
    assert (stack.folder / "rebuilt" / "state.json").exists()
    made = codeb(stack, "rebuild", "server", HOST, "--yes")
    assert made.returncode == 0, made.stdout + made.stderr
    assert not any(serves(name) for name in NAMES.values()), "no app starts on an empty database"
    dry = codeb(stack, "rebuild", "data", "--keys", str(second.keys), "--dry-run")
    assert dry.returncode == 0, dry.stderr
    back = codeb(stack, "rebuild", "data", "--keys", str(second.keys))
    assert back.returncode == 0, back.stdout + back.stderr
    update = stack.up()
    assert update.status == 0, update.text

    found = float(stack.sql("SELECT extract(epoch FROM max(at)) FROM steady", DATABASE))
    print(f"lost: {last - found:.1f} s of rows")
    assert last - found <= 60
    assert {database: tables(stack, database) for database in databases} == before
    assert all(serves(name) for name in NAMES.values())
    kept = ("ports", "redis")
    after = {project: stack.entry(project) for project in NAMES}
    assert [[after[each][key] for key in kept] for each in NAMES] == [
        [entries[each][key] for key in kept] for each in NAMES
    ]
    assert codeb(stack, "rebuild", "data", "--keys", str(second.keys)).returncode == 0, "all is back already"
    again = codeb(stack, "backup", "--all", "--wait", "300")
    assert again.returncode == 0, again.stderr
    for database in databases:
        stack.sql(f"DROP DATABASE IF EXISTS {database}_before_restore")


def _psql(statement: str) -> tuple[str, ...]:
    script = (
        'PGPASSWORD=$(cat /run/secrets/postgres-admin) exec psql -h 127.0.0.1 -U postgres -Atqc "$1" "$2"'
    )
    return ("podman", "exec", "postgres", "sh", "-c", script, "sh", statement, DATABASE)
