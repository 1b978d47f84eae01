"""The archive's files on the data server: there when a project wants them, with no secret but in its own file."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from codeb.model import Manifest
from codeb.render import HostBundle, host_files
from codeb.render.archive import wanted
from codeb.secrets import holds_secret
from tests.services.stack import Stack, example

RECEIVER = "/etc/containers/systemd/codeb-wal.container"
LOGIN = "/etc/codeb/secrets/postgres-archive"


@pytest.fixture(scope="module")
def stack() -> Stack:
    return example()


def _without(manifest: Manifest) -> Manifest:
    backup = manifest.backup.model_copy(update={"point_in_time": False})
    return manifest.model_copy(update={"backup": backup})


def files(stack: Stack) -> HostBundle:
    return host_files(stack.plan, stack.plan.servers[0])


def test_a_stack_in_which_nobody_wants_moments_has_no_archive(stack: Stack) -> None:
    assert wanted(stack.plan)
    projects = tuple(replace(each, manifest=_without(each.manifest)) for each in stack.plan.projects)
    without = Stack(replace(stack.plan, projects=projects))

    assert not wanted(without.plan)
    bundle = files(without)
    assert not [file.path for file in bundle.files if "archive" in file.path or "codeb-wal" in file.path]
    assert not {"codeb-ship.service", "codeb-base.timer"} & {service.name for service in bundle.services}


def test_the_password_is_in_its_own_file_alone(stack: Stack) -> None:
    texts = {file.path: file for file in files(stack).files}
    assert (texts[LOGIN].mode, texts[LOGIN].owner) == ("0600", "70:70")
    ours = [
        RECEIVER,
        "/etc/codeb/archive.json",
        *(path for path in texts if "codeb-ship" in path or "codeb-base" in path),
    ]
    assert len(ours) == 5
    assert not [path for path in ours if holds_secret(texts[path].content)]
    password = stack.file(LOGIN).strip().rpartition(":")[2]
    assert password not in stack.file(RECEIVER)
    assert stack.file(LOGIN).startswith("*:*:*:codeb_archive:")


def test_the_receiver_is_started_by_nobody_but_what_watches_it(stack: Stack) -> None:
    unit = stack.file(RECEIVER)
    assert "[Install]" not in unit
    assert "PartOf=codeb-ship.service" in unit
    assert not [file.path for file in files(stack).files if "codeb-wal.service" in file.restarts]
    assert "codeb-wal.service" not in [service.name for service in files(stack).services]


def test_a_base_backup_is_kept_as_long_as_the_project_that_keeps_longest(stack: Stack) -> None:
    document = json.loads(stack.file("/etc/codeb/archive.json"))
    assert document == {"version": 1, "spool_gib": 1, "retention_days": 7}


def test_what_postgresql_takes_over_while_it_runs_restarts_nothing(stack: Stack) -> None:
    texts = {file.path: file for file in files(stack).files}
    for name in ("reload.conf", "pg_hba.conf", "server.crt"):
        found = texts[f"/etc/codeb/postgres/{name}"]
        assert (found.restarts, found.reloads) == ((), ("postgres.service",)), name
    assert texts["/etc/codeb/postgres/postgresql.conf"].restarts == ("postgres.service",)
    unit = stack.file("/etc/containers/systemd/postgres.container")
    assert "ExecReload=/usr/bin/podman kill --signal=HUP postgres" in unit
    assert "Volume=/etc/codeb/postgres:/etc/postgresql:ro" in unit, (
        "a file that is mounted alone stays as it was"
    )


def test_the_limits_are_the_stack_s(stack: Stack) -> None:
    limits = stack.plan.settings.backup.model_copy(update={"spool": 7, "slot": 9})
    changed = Stack(replace(stack.plan, settings=stack.plan.settings.model_copy(update={"backup": limits})))

    assert json.loads(changed.file("/etc/codeb/archive.json"))["spool_gib"] == 7
    assert "max_slot_wal_keep_size = '9GB'" in changed.file("/etc/codeb/postgres/reload.conf")
