"""Numbers of the platform's own accounts: who gets which key, and when the keys before are taken away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import rpc

from codeb.secrets import RootSecret
from tests.components.recording import ROOT_SECRET, SHOP, Recording, plain_texts, record

ROOT = RootSecret(ROOT_SECRET)
NUMBERS = {"postgres": 2, "redis": 3, "minio": 4, "archive": 5, "backup": 6}


def recorded(folder: Path, *, registry: Any = None, **numbers: int) -> Recording:
    return record(folder, {"shop.yaml": SHOP}, config={"rotation": numbers}, registry=registry)


def stdin(recording: Recording, name: str) -> Any:
    return json.loads(rpc.unwrap_rpc_secret(recording.named(name).inputs["stdin"]))


def test_providers_log_in_with_the_key_of_the_number_once_the_data_server_takes_it(tmp_path: Path) -> None:
    found = recorded(tmp_path, **NUMBERS)
    postgres, minio = found.named("one-data-postgres"), found.named("one-data-minio")
    assert rpc.unwrap_rpc_secret(postgres.inputs["password"]) == ROOT.derive("postgres/admin", 2)
    assert postgres.inputs["username"] == "postgres"
    assert minio.inputs["minioUser"] == "codeb_admin.4"
    assert rpc.unwrap_rpc_secret(minio.inputs["minioPassword"]) == ROOT.derive("minio/admin", 4)
    order = [item.name for item in found.registrations]
    assert order.index("one-bundle") < min(order.index(each.name) for each in (postgres, minio))


def test_the_bundle_tells_new_keys_and_those_before_and_files_have_the_new_ones(tmp_path: Path) -> None:
    found = stdin(recorded(tmp_path, **NUMBERS), "one-bundle")
    admins = found["admins"]
    assert admins["numbers"] == NUMBERS
    assert admins["postgres"] == ROOT.derive("postgres/admin", 2)
    (redis,) = admins["redis"]
    assert redis["passwords"] == [ROOT.derive("redis/0/admin", number) for number in (3, 2, 1)]
    logins = [(each["user"], each["password"]) for each in admins["minio"]["logins"]]
    assert logins[:2] == [(f"codeb_admin.{n}", ROOT.derive("minio/admin", n)) for n in (4, 3)]
    files = {file["path"].rpartition("/")[2]: file["content"] for file in found["files"]}
    assert files["backup.pgpass"] == f"*:*:*:postgres:{ROOT.derive('postgres/admin', 2)}\n"
    (store,) = json.loads(files["backup.json"])["stores"]
    assert (store["access_key"], store["secret_key"]) == ("codeb_backup.6", ROOT.derive("backup/storage", 6))


def test_nothing_of_a_rotation_restarts_a_service_that_projects_use(tmp_path: Path) -> None:
    before = stdin(recorded(tmp_path / "before"), "one-bundle")["files"]
    after = stdin(recorded(tmp_path / "after", **NUMBERS), "one-bundle")["files"]
    known = {file["path"]: file["content"] for file in before}
    changed = [file for file in after if known.get(file["path"]) != file["content"]]
    assert {file["path"].rpartition("/")[2] for file in changed} == {
        "postgres-admin", "minio-admin", "redis-0.acl", "backup.pgpass", "backup.json"
    }  # fmt: skip
    assert [file["restarts"] + file["reloads"] for file in changed] == [[]] * len(changed)


@pytest.mark.parametrize(
    ("number", "there"),
    [
        (1, {"backup-user": 1}),
        (2, {"backup-user-2": 2, "backup-user": 1}),
        (3, {"backup-user-3": 3, "backup-user-2": 2}),
    ],
)
def test_backups_have_their_account_and_the_one_before(
    tmp_path: Path, number: int, there: dict[str, int]
) -> None:
    found = recorded(tmp_path, backup=number)
    users = {
        item.name: (item.inputs["name"], rpc.unwrap_rpc_secret(item.inputs["secret"]))
        for item in found.registrations
        if item.name.startswith("backup-user")
    }
    assert users == {
        name: ("codeb_backup" if n == 1 else f"codeb_backup.{n}", ROOT.derive("backup/storage", n))
        for name, n in there.items()
    }


def test_what_was_before_goes_once_every_release_has_the_new_password(tmp_path: Path) -> None:
    found = recorded(tmp_path, redis=3)
    last = found.named("one-settled")
    assert last.inputs["create"] == "codeb-agent settle"
    assert stdin(found, "one-settled") == stdin(found, "one-bundle")["admins"]
    release = found.named("shop-release-one")
    assert release.urn in last.dependencies
    assert found.named("one-bundle").urn in last.dependencies
    sent = json.loads(rpc.unwrap_rpc_secret(release.inputs["stdin"]))
    assert sent["cache"]["admin_password"] == ROOT.derive("redis/0/admin", 3)
    assert "delete" not in last.inputs


def test_without_a_rotation_there_is_nothing_to_take_away(tmp_path: Path) -> None:
    names = {item.name for item in recorded(tmp_path).registrations}
    assert "one-settled" not in names
    assert "backup-user-2" not in names


@pytest.mark.parametrize(
    ("id_", "servers", "later"),
    [("shop", ["one"], True), ("gone", ["one"], False), ("shop", ["old", "one"], False)],
)
def test_what_is_taken_off_a_server_in_this_run_still_has_the_password_before(
    tmp_path: Path, id_: str, servers: list[str], later: bool
) -> None:
    entry = {
        "id": id_, "ports": {"app": 3001, "internal": 3002}, "servers": servers, "status": "running",
        "health": {"status": "healthy", "last_check": "2026-01-01T00:00:00Z"},
    }  # fmt: skip
    registry = {"version": 1, "projects": {id_: entry}}
    found = recorded(tmp_path, registry=registry, redis=2)
    assert ("one-settled" in {item.name for item in found.registrations}) is later


def test_no_password_of_any_number_is_told_in_the_open(tmp_path: Path) -> None:
    found = recorded(tmp_path, **NUMBERS)
    secrets = {
        ROOT.derive(purpose, number)
        for purpose in (
            "postgres/admin",
            "minio/admin",
            "redis/0/admin",
            "postgres/archive",
            "backup/storage",
        )
        for number in range(1, 7)
    }
    open_texts = [text for item in found.registrations for text in plain_texts(item.inputs)]
    open_texts += [text for outputs in found.outputs for text in plain_texts(outputs)]
    assert not [text for text in open_texts if any(secret in text for secret in secrets)]
