"""A cluster that was set back to a snapshot writes WAL once more that the archive has: that is said."""

from __future__ import annotations

import struct
from pathlib import Path

from agent.archive import segments, spool
from agent.archive.depot import Depot
from agent.archive.segments import SIZE, Segment
from agent.archive.shipping import Shipper
from agent.store.settings import load_settings
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.store.sealing import HERE, host_with_key, install, needs_age

pytestmark = needs_age
SYSTEM = "7400000000000000001"
FIRST = Segment(1, 5)


def wal(whole: Segment, rows: bytes) -> bytes:
    """A segment as PostgreSQL begins one."""
    head = struct.pack("<HHIQIIQII", 0xD110, 2, whole.timeline, whole.start, 0, 0, int(SYSTEM), SIZE, 8192)
    return (head + rows).ljust(SIZE, b"\0")


def shipper(host: FakeHost) -> Shipper:
    """As each hour a new run has it."""
    settings = load_settings(host.ports())
    depots = [Depot(host.ports(), store, settings.recipient, SYSTEM) for store in settings.stores]
    return Shipper(host.ports(), depots, SYSTEM, 1 << 30)


def received(host: FakeHost, whole: Segment, rows: bytes) -> None:
    host.put(spool.path(whole), "")
    host.ports().files.write(spool.path(whole), wal(whole, rows), 0o600)


def server(folder: Path) -> FakeHost:
    host = host_with_key(folder)
    install(host)
    received(host, FIRST, b"what was")
    shipper(host).round()
    assert not spool.ready(host.ports())
    return host


def test_another_segment_of_the_same_name_is_not_taken_for_what_is_stored(tmp_path: Path) -> None:
    host = server(tmp_path)
    received(host, FIRST, b"what came instead")
    received(host, FIRST.after(), b"later")
    again = shipper(host)
    again.tell(FIRST.start, host.ports().clock.now())
    again.round()
    again.round()
    assert "the cluster was set back" in again.strange
    assert spool.ready(host.ports()) == [FIRST, FIRST.after()], "nothing is thrown away"
    assert all(depot.reached is None for depot in again.depots), "so it is late, and somebody is told"
    stored = [found.key for found, _ in host.s3.versions_of[HERE.bucket]]
    assert stored.count(segments.key(SYSTEM, FIRST)) == 1
    assert segments.key(SYSTEM, FIRST.after()) not in stored


def test_a_segment_that_is_received_once_more_leaves_the_spool(tmp_path: Path) -> None:
    host = server(tmp_path)
    received(host, FIRST, b"what was")
    again = shipper(host)
    again.round()
    assert (again.strange, spool.ready(host.ports())) == ("", [])
