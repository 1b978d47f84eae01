"""Uploads of a project that come back: what tests of restores do with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from agent.host.s3 import Place
from agent.restore.taken import Taken, taken_back
from agent.restore.uploads import Brought, Goal, brought
from agent.store.settings import load_settings
from agent.uploads import undo
from agent.uploads.mirror import Mirrored, mirrored
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.store.sealing import HERE

WHAT = ("shop", "shop-files")
FILES = replace(HERE, bucket="shop-files")
GOAL = Goal(*WHAT)
HOSTILE = ("line\nbreak", "../../etc/passwd", "a/../b", "ü ☃ %2F?#&+", "/leading", "x" * 900, 'q"\\ \t')


def put(host: FakeHost, key: str, body: bytes, **headers: str) -> None:
    host.s3.upload(FILES, key, [body], 0, {name.replace("_", "-"): value for name, value in headers.items()})


def mirror(host: FakeHost) -> Mirrored:
    run = mirrored(host.ports(), load_settings(host.ports()), *WHAT)
    while True:
        try:
            next(run)
        except StopIteration as end:
            host.time += 60
            return end.value  # type: ignore[no-any-return]


def bring(host: FakeHost, goal: Goal = GOAL, stores: tuple[str, ...] = ("here", "second")) -> Brought:
    ports = host.ports()
    ports.asker.watch()
    settings = load_settings(ports)
    run = brought(ports, settings, [each for each in settings.stores if each.name in stores], goal)
    while True:
        try:
            next(run)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def take_back(host: FakeHost) -> list[Taken]:
    found = []
    for note in undo.notes(host.ports(), HERE, "shop"):
        run = taken_back(host.ports(), HERE, note)
        while True:
            try:
                next(run)
            except StopIteration as end:
                found.append(end.value)
                break
    return found


def now(host: FakeHost, place: Place = FILES) -> dict[str, bytes]:
    return {found.key: host.s3.content(place.bucket, found.key) for found in host.s3.objects(place, "")}


def counted(found: Brought) -> tuple[int, int, int, int]:
    return found.missing, found.differ, found.extra, found.same


def at(seconds: float) -> Goal:
    """The bucket at a moment."""
    return replace(GOAL, at=datetime.fromtimestamp(seconds, UTC))
