"""All of it real at once: PostgreSQL, age, zstd, and a MinIO that the account of backups writes to."""

from __future__ import annotations

import io
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent import cli
from agent.host.s3 import Place
from agent.real.s3 import RealS3
from agent.store import backups
from tests.backup.databases import data_server, sql
from tests.postgres import Cluster
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.store.sealing import needs_age, settings

pytestmark = needs_age
LARGE = """
CREATE TABLE t AS SELECT md5(n::text) || md5(n || 'a') || md5(n || 'b') x FROM generate_series(1, 400000) n;
"""


@pytest.fixture
def host(tmp_path: Path, cluster: Cluster, account: Place) -> FakeHost:
    store = settings()["stores"][0] | {
        "endpoint": account.endpoint, "bucket": account.bucket, "access_key": account.access_key,
        "secret_key": account.secret_key, "ca": account.ca,
    }  # fmt: skip
    projects = [{**settings()["projects"][0], "buckets": [], "retention_days": 1}]
    found = data_server(tmp_path, cluster, stores=[store], projects=projects)
    found.s3 = RealS3(pause=lambda _: None)  # type: ignore[assignment]
    return found


def ask(host: FakeHost, verb: str, **document: object) -> dict[str, Any]:
    out = io.StringIO()
    cli.run(host.ports(), verb, json.dumps(document), out, io.StringIO(), "admin")
    return dict(json.loads(out.getvalue().splitlines()[-1]))


def test_a_database_comes_back_from_a_real_store_and_the_old_backup_goes_with_all_its_versions(
    host: FakeHost, cluster: Cluster, account: Place
) -> None:
    sql(cluster, "postgres", "DROP DATABASE IF EXISTS large_db;\nCREATE DATABASE large_db;\n")
    sql(cluster, "large_db", LARGE)
    host.put(
        "/etc/codeb/secrets/backup.json",
        (host.tell("/etc/codeb/secrets/backup.json") or "").replace('"shop_db"', '"large_db"'),
        0o600,
    )
    first = ask(host, "backup", project="shop")
    assert first["ok"], first
    assert first["projects"][0]["size"] > 16 << 20, "an upload in parts"
    (backup,) = backups.listed(host.ports(), account, "shop").backups
    assert backups.details(host.ports(), backup).rows == {"public.t": 400_000}
    sql(cluster, "postgres", "DROP DATABASE IF EXISTS large_back;\nCREATE DATABASE large_back;\n")
    subprocess.run(
        [
            "pg_restore",
            "--exit-on-error",
            f"--dbname=postgresql://postgres@127.0.0.1:{cluster.config['port']}/large_back",
        ],
        input=b"".join(backups.dump(host.ports(), account, backup)),
        env={"PGPASSWORD": cluster.config["password"], "PATH": "/usr/bin:/bin"},
        check=True,
    )
    hashed = "SELECT count(*), md5(string_agg(x, '' ORDER BY x)) FROM t;\n"
    assert sql(cluster, "large_back", hashed) == sql(cluster, "large_db", hashed)
    host.time += 2 * 86_400
    second = ask(host, "backup", project="shop")["projects"][0]
    assert second["pruned"] == [backup.id]
    left = {found.key for found in RealS3().versions(account, "database/")}
    assert left == {backups.dump_key("shop", second["id"]), backups.document_key("shop", second["id"])}


def test_a_wrong_key_of_the_store_is_said_and_the_answer_shows_none(host: FakeHost, account: Place) -> None:
    wrong = replace(account, secret_key="another secret key")
    text = (host.tell("/etc/codeb/secrets/backup.json") or "").replace(account.secret_key, wrong.secret_key)
    host.put("/etc/codeb/secrets/backup.json", text, 0o600)
    answer = ask(host, "backup", project="shop")
    assert "SignatureDoesNotMatch" in answer["projects"][0]["cause"]
    assert wrong.secret_key not in json.dumps(answer)
