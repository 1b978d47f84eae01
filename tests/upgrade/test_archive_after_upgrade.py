"""The archive of a PostgreSQL 16 that becomes 17: nothing of before is lost, and it goes on after it."""

from __future__ import annotations

import io
import json
import shutil
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from agent import cli
from agent.archive import base, recovery, ship, stock
from agent.archive.document import Wanted
from agent.archive.keeper import Keeper
from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.host import paths
from agent.store.settings import Settings, load_settings
from tests.archive.conftest import PASSWORD as ARCHIVE_PASSWORD
from tests.archive.conftest import receiver
from tests.archive.test_archive_ship import Shifted
from tests.services.stack import Stack
from tests.upgrade.conftest import ask, sql
from tests.upgrade.machine import NEW, OLD, SHIP, Host

COUNT = "SELECT count(*) FROM public.posts;\n"


class Later(Shifted):
    """A clock that is ahead, as moments have to be past."""

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@pytest.fixture
def archived(machine: Host, stack: Stack) -> Host:
    """The data server with an archive, in which nothing is yet."""
    files, root = machine.ports.files, machine.machine.root
    machine.machine.receiver, machine.machine.before = receiver(stack, machine.machine.port)
    (root / "srv/codeb/archive/receive").mkdir(parents=True)
    shutil.chown(root / "srv/codeb/archive/receive", "postgres", "postgres")
    (root / "srv/codeb/archive").chmod(0o711)
    files.write(paths.ARCHIVE_LOGIN, f"*:*:*:codeb_archive:{ARCHIVE_PASSWORD}\n".encode(), 0o600, "70:70")
    files.write(paths.unit(SHIP), stack.file(paths.unit(SHIP)).encode())
    files.write(
        paths.quadlet("codeb-wal.container"), stack.file(paths.quadlet("codeb-wal.container")).encode()
    )
    return machine


def document() -> Reader:
    return Reader({"version": 1, "spool_gib": 1, "retention_days": 7, "soon": True}, "")


def kept(machine: Host, stack: ExitStack) -> Keeper:
    """The archive as the service keeps it going."""
    return ship.opened(machine.ports, load_settings(machine.ports), Wanted(1 << 30, 7), stack)


def shipped(keeper: Keeper) -> None:
    """Until all that is committed now is in the store."""
    now, end = datetime.now(UTC), time.monotonic() + 60
    while keeper.shipper.depots[0].reached is None or keeper.shipper.depots[0].reached <= now:
        assert time.monotonic() < end, keeper.problem
        keeper.look()
        keeper.shipper.round()
        time.sleep(0.1)


def posts(machine: Host, settings: Settings, system: str) -> str:
    """How many there are at the end of a cluster's archive."""
    store = settings.store("here")
    assert store
    found = stock.stock(machine.ports, store.place, system)
    with recovery.recovered(machine.ports, settings, found, None) as instance:
        said = machine.ports.runner.run(instance.psql("blog_db"), stdin=COUNT)
        assert said.ok, said
        return said.out.strip()


def restored(machine: Host, at: datetime) -> dict[str, Any]:
    out, ports = io.StringIO(), replace(machine.ports, clock=Later(60))
    wanted = {"version": 1, "project": "blog", "at": f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"}
    cli.run(ports, "restore", json.dumps(wanted), out, io.StringIO(), "a test")
    return dict(json.loads(out.getvalue().splitlines()[-1]))


def test_all_of_before_is_in_the_archive_and_it_begins_anew_for_the_new_version(archived: Host) -> None:
    machine = archived
    old = sql(machine, "SELECT system_identifier FROM pg_control_system();\n").strip()
    with ExitStack() as stack:
        keeper = kept(machine, stack)
        keeper.look()
        assert base.base(machine.ports, document(), "a test")["ok"]
        sql(machine, "INSERT INTO public.posts VALUES (2);\n", "blog_db")
        shipped(keeper)
        moment = datetime.now(UTC)
        time.sleep(0.05)
        sql(machine, "INSERT INTO public.posts VALUES (3);\n", "blog_db")
        shipped(keeper)
    sql(machine, "INSERT INTO public.posts VALUES (4);\n", "blog_db")
    answer = ask(machine, to=NEW)
    assert answer["ok"], answer
    assert answer["warnings"] == []
    assert machine.machine.started == ["codeb-base.service", SHIP]
    assert f"Image={NEW}" in (machine.ports.files.read(paths.quadlet("codeb-wal.container")) or b"").decode()
    settings = load_settings(machine.ports)
    assert posts(machine, settings, old) == "4", "what was committed last is in the archive of before"

    new = sql(machine, "SELECT system_identifier FROM pg_control_system();\n").strip()
    assert new != old
    with ExitStack() as stack:
        keeper = kept(machine, stack)
        keeper.look()
        assert machine.machine.started == ["codeb-base.service", SHIP, "codeb-base.service"], (
            "a new base backup"
        )
        assert base.base(machine.ports, document(), "a test")["ok"]
        sql(machine, "INSERT INTO public.posts VALUES (5);\n", "blog_db")
        shipped(keeper)
        assert posts(machine, settings, new) == "5"
        answer = restored(machine, moment)
        assert answer["ok"], answer
        assert sql(machine, "TABLE public.posts;\n", "blog_db") == "1\n2\n", "a moment of 16 on 17"

    del machine.machine.programs[OLD]
    with pytest.raises(Failed, match=r"the moment is PostgreSQL 16's, and 17 serves; .*can't be had"):
        posts(machine, settings, old)
