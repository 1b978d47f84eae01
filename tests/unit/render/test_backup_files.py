"""What the data server is told of backups, as the agent reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from agent.documents.reader import WHY, Reader
from agent.store.settings import BUCKET, DATABASE, read_settings
from codeb.model import BackupCredentials, ManifestSource, load_manifests, parse_settings
from codeb.plan import Plan, make_plan
from codeb.render.backup import backup_files, final_document, second_texts
from codeb.secrets import PlatformSecrets, RootSecret, resolve

ROOT = RootSecret("correct horse battery staple 0123456789 abcdef")
MANIFEST = "project: {{id: {id}}}\nenvironment: {{domain: {id}.example.com, image: ghcr.io/x/y:1}}\n{more}"


def plan_of(backup: dict[str, Any] | None = None, **projects: str) -> Plan:
    manifests = {key: MANIFEST.format(id=key, more=more) for key, more in projects.items()}
    return _plan(manifests, backup or {})


def _plan(manifests: Mapping[str, str], backup: Mapping[str, Any] | None = None) -> Plan:
    server = {
        "name": "one",
        "address": "192.0.2.1",
        "privateAddress": "10.0.0.1",
        "roles": ["app", "data", "edge"],
    }
    server["hostKey"] = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"
    settings = parse_settings(
        {"domain": "example.com", "servers": [server], "tlsIssuer": "internal", "backup": backup or {}}
    )
    sources = [ManifestSource(f"{key}.yaml", text) for key, text in manifests.items()]
    return make_plan(settings, load_manifests(sources, settings), None)


def files_of(plan: Plan) -> dict[str, str]:
    return {file.path.rpartition("/")[2]: file.content for file in backup_files(plan).files}


def test_the_agent_reads_what_is_rendered() -> None:
    plan = plan_of(shop="backup: {retention_days: 30, point_in_time: true}\n", blog="")
    secrets = PlatformSecrets(ROOT, ["10.0.0.1"])
    text = resolve(files_of(plan)["backup.json"], secrets.lookup)
    found = read_settings(Reader(json.loads(text), ""))
    assert [(each.id, each.database, each.retention_days, each.point_in_time) for each in found.projects] == [
        ("blog", "blog_db", 7, False), ("shop", "shop_db", 30, True)]  # fmt: skip
    (store,) = found.stores
    assert (store.name, store.place.bucket) == ("here", "backup")
    assert store.place.secret_key == ROOT.derive("backup/storage")
    assert found.recipient == secrets.lookup("public", "backup/key")


def test_secrets_are_in_files_that_only_their_reader_opens() -> None:
    plan = plan_of(shop="")
    for file in backup_files(plan).files:
        if "@{secret:" in file.content:
            assert file.mode == "0600"
    owners = {file.path.rpartition("/")[2]: file.owner for file in backup_files(plan).files}
    assert owners["backup.key"] == owners["backup.json"] == "root:root"
    assert owners["backup.pgpass"] == "70:70"


@pytest.mark.parametrize(
    ("more", "timer", "proven"),
    [
        ("", True, True),
        ("backup: {enabled: false}\n", False, False),
        ("resources: {database: {enabled: false}}\n", True, False),
        ("resources: {database: {enabled: false}, storage: {enabled: false}}\n", False, False),
    ],
)
def test_a_project_that_has_something_to_save_has_a_timer(more: str, timer: bool, proven: bool) -> None:
    assert ("codeb-backup-shop.timer" in files_of(plan_of(shop=more))) is timer
    services = [service.name for service in backup_files(plan_of(shop=more)).services]
    assert services == [
        "codeb-platform.timer",
        *(["codeb-backup-shop.timer"] if timer else []),
        *(["codeb-prove.timer"] if proven else []),
    ]
    assert ("codeb-prove.service" in files_of(plan_of(shop=more))) is proven


def test_a_schedule_without_a_moment_is_spread_and_one_with_is_kept() -> None:
    plan = plan_of(shop='backup: {schedule: "Mon..Fri 09:00 Asia/Seoul"}\n', blog="")
    files = files_of(plan)
    assert "OnCalendar=Mon..Fri 09:00 Asia/Seoul\n" in files["codeb-backup-shop.timer"]
    assert "RandomizedDelaySec" not in files["codeb-backup-shop.timer"]
    assert "RandomizedDelaySec=1h\n" in files["codeb-backup-blog.timer"]
    for name in ("codeb-backup-shop.timer", "codeb-backup-blog.timer"):
        assert "Persistent=true\n" in files[name]


def test_the_service_gives_the_agent_a_document_that_names_its_project() -> None:
    text = files_of(plan_of(shop=""))["codeb-backup@.service"]
    (line,) = re.findall(r"^StandardInputText=(.*)$", text, re.MULTILINE)
    assert json.loads(line.replace("%i", "shop")) == {
        "version": 1, "project": "shop", "wait_s": 21_600, "by": "timer",
    }  # fmt: skip


def test_the_second_place_is_a_store_with_the_keys_of_the_configuration() -> None:
    ca = PlatformSecrets(ROOT, []).authority.certificate
    second = {
        "endpoint": "https://s3.example.com",
        "region": "icn1",
        "bucket": "kept",
        "lockDays": 30,
        "ca": ca,
    }
    plan = plan_of({"second": second}, shop="")
    texts = second_texts(BackupCredentials("AKIA/+=_.-0", "s/+=_.-1"))
    files = files_of(plan)
    assert "s/+=_.-1" not in files["backup.json"]
    text = resolve(files["backup.json"], PlatformSecrets(ROOT, ["10.0.0.1"], texts).lookup)
    here, found = read_settings(Reader(json.loads(text), "")).stores
    assert (here.name, here.place.lock_days) == ("here", 0)
    assert (found.name, found.place.endpoint, found.place.region) == (
        "second",
        "https://s3.example.com",
        "icn1",
    )
    assert (found.place.bucket, found.place.lock_days) == ("kept", 30)
    assert (found.place.access_key, found.place.secret_key) == ("AKIA/+=_.-0", "s/+=_.-1")
    assert found.place.ca == "/etc/codeb/backup-ca.crt"
    assert files["backup-ca.crt"].strip() == ca.strip()


def test_a_stack_without_a_second_place_has_no_keys_for_one() -> None:
    assert second_texts(None) == {}
    assert "backup-ca.crt" not in files_of(plan_of(shop=""))


def test_the_proofs_service_asks_for_all_that_is_due_and_gives_way() -> None:
    text = files_of(plan_of(shop=""))["codeb-prove.service"]
    (line,) = re.findall(r"^StandardInputText=(.*)$", text, re.MULTILINE)
    assert json.loads(line) == {"version": 1, "due": True, "wait_s": 21_600, "by": "timer"}
    for words in ("Nice=19", "CPUSchedulingPolicy=idle", "IOSchedulingClass=idle", "CPUWeight=idle"):
        assert f"{words}\n" in text
    assert "Persistent=true\n" in files_of(plan_of(shop=""))["codeb-prove.timer"]


def test_the_agent_reads_what_it_is_told_of_a_final_backup() -> None:
    project = plan_of(shop="backup: {retention_days: 30}\n").project("shop")
    document = Reader(json.loads(final_document(project)), "")
    document.version()
    assert document.text("project") == "shop"
    assert document.text("database", DATABASE) == "shop_db"
    assert document.texts("buckets", BUCKET) == ("shop-uploads",)
    assert document.whole("retention_days", 1, 3650) == 30
    assert document.text("by", WHY) == "pulumi"
    document.end()
    bare = "resources: {database: {enabled: false}, storage: {enabled: false}}\n"
    assert final_document(plan_of(shop=bare).project("shop")) == ""


@pytest.mark.parametrize(
    ("project_id", "more", "dropped"),
    [
        ("shop", "", True),
        ("shop", "backup: {enabled: false}\n", True),
        ("shop-pr-12", "", True),
        ("shop-pr-12", "backup: {enabled: false}\n", False),
    ],
)
def test_a_preview_environment_alone_is_dropped_without(project_id: str, more: str, dropped: bool) -> None:
    text = MANIFEST.format(id=project_id, more=more).replace(
        f"id: {project_id}", f"id: {project_id}, lifecycle: destroy"
    )
    assert _plan({"it": text}).project(project_id).dropped is dropped
    kept = _plan({"it": MANIFEST.format(id=project_id, more=more)}).project(project_id)
    assert not kept.dropped


@pytest.mark.parametrize(
    ("more", "restarts"), [("backup: {point_in_time: true}\n", ("codeb-ship.service",)), ("", ())]
)
def test_what_ships_wal_starts_anew_with_other_stores(more: str, restarts: tuple[str, ...]) -> None:
    ca = PlatformSecrets(ROOT, []).authority.certificate
    second = {"endpoint": "https://s3.example.com", "bucket": "kept", "ca": ca}
    plan = plan_of({"second": second}, shop=more)
    found = {file.path.rpartition("/")[2]: file.restarts for file in backup_files(plan).files}
    assert found["backup.json"] == found["backup-ca.crt"] == restarts
