"""The live server: only reads for a while, reads and writes again, or another version takes its place.

Each can be done again after it was cut off anywhere, and then does what was left: what has to be known is in the folders
themselves (`PG_VERSION`).
"""

from __future__ import annotations

import json
import re
from typing import Final

from agent.archive.programs import OWNER
from agent.backup import aside as databases
from agent.backup.snapshot import server_image
from agent.bundle import services
from agent.bundle.document import Service, Wait
from agent.documents.errors import Failed
from agent.host import commands, paths, units
from agent.host.pipes import PipeBroken
from agent.host.ports import Ports
from agent.images.postgres import major_of_files
from agent.store.settings import load_settings
from agent.upgrade.journal import Version, aside

SIGNAL: Final = "standby.signal"
"""A server that finds it reads WAL of a primary that there isn't, and lets nobody write (PostgreSQL, "Hot Standby")."""
_SHIP: Final = "codeb-ship.service"
_RECEIVER: Final = "codeb-wal.container"
_IMAGE: Final = re.compile(rb"^Image=\S+$", re.MULTILINE)
_STOP_S: Final = 180
_START_S: Final = 300
_NEXT_S: Final = 120
"""It has started with the same settings before."""
_REMEDY: Final = "see `journalctl -u postgres`"


def read_only(ports: Ports) -> None:
    """From now on nobody writes; connections end once. Raises Failed."""
    _stop(ports)
    ports.files.write(f"{paths.POSTGRES}/{SIGNAL}", b"", 0o600, OWNER)
    _start(ports)


def writable(ports: Ports) -> None:
    """The live server reads and writes. Raises Failed."""
    signal = f"{paths.POSTGRES}/{SIGNAL}"
    if ports.files.entry(signal) is not None:
        _stop(ports)
        ports.files.remove(signal)
    _start(ports)
    ship_again(ports)


def exchanged(ports: Ports, goes: Version, comes: Version, source: str) -> None:
    """The version that `comes` serves, from the files in `source`; those of the one that `goes` are put aside.

    Raises Failed.
    """
    _stop(ports)
    if major_of_files(ports, paths.POSTGRES) == goes.major:
        ports.files.move(paths.POSTGRES, aside(goes.major))
    if major_of_files(ports, paths.POSTGRES) is None:
        ports.files.move(source, paths.POSTGRES)
    if major_of_files(ports, paths.POSTGRES) != comes.major:
        raise Failed("switch", f"{source} has no files of PostgreSQL {comes.major}", "see `ls -l /srv/codeb`")
    for folder in (aside(goes.major), paths.POSTGRES):
        if ports.files.entry(f"{folder}/{SIGNAL}") is not None:
            ports.files.remove(f"{folder}/{SIGNAL}")
    _name(ports, comes.image)
    _start(ports, _NEXT_S)
    _answers(ports, comes)
    ship_again(ports)


def ship_again(ports: Ports) -> None:
    """The archive goes on, where there is one: with a new slot and a new base backup when the cluster is another."""
    if ports.files.entry(paths.unit(_SHIP)) is not None:
        ports.runner.run(commands.reset_failed(_SHIP))
        ports.runner.run(commands.start(_SHIP))


def _stop(ports: Ports) -> None:
    """First the server: whoever receives its WAL gets the last of it."""
    units.end(ports, paths.POSTGRES_SERVICE, "stop", _REMEDY, _STOP_S)
    if ports.files.entry(paths.unit(_SHIP)) is not None:
        units.end(ports, _SHIP, "stop", f"see `journalctl -u {_SHIP}`", _STOP_S)


def _start(ports: Ports, wait_s: int = _START_S) -> None:
    service = Service(paths.POSTGRES_SERVICE, Wait("container-health", wait_s))
    services.ensure(ports, service, restart=False)


def _name(ports: Ports, image: str) -> None:
    """Units and the agent's settings name this image, as the bundle will once the stack's settings do."""
    texts: dict[str, bytes] = {}
    for path in (paths.POSTGRES_UNIT, paths.quadlet(_RECEIVER)):
        content = ports.files.read(path)
        if content is not None:
            texts[path] = _IMAGE.sub(f"Image={image}".encode(), content, count=1)
    units.install(ports, texts, "switch")
    entry = ports.files.entry(paths.BACKUP_SETTINGS)
    if entry is not None:
        found = {**json.loads(entry.content), "image": image}
        content = (json.dumps(found, indent=1) + "\n").encode()
        if content != entry.content:
            ports.files.write(paths.BACKUP_SETTINGS, content, entry.mode, entry.owner)


def _answers(ports: Ports, version: Version) -> None:
    """It lets the administrator in as apps are let in, and is the version that it should be. Raises Failed."""
    server = load_settings(ports).server
    try:
        (said,) = databases.asked(ports, server, server_image(ports, server), "SHOW server_version_num;\n")
    except (PipeBroken, ValueError) as error:
        raise Failed("switch", f"the new server lets nobody in: {error}", _REMEDY) from None
    if int(said) // 10_000 != version.major:
        raise Failed("switch", f"PostgreSQL {int(said) // 10_000} serves", "see `systemctl cat postgres`")
