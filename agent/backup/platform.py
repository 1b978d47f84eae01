"""The verb `platform`: what rebuilds everything on new hosts, sealed, in every store.

`platform/<id>.tar.zst.age` and `.json` beside it, written last. The timer saves what this host has; `codeb backup
platform` brings the stack's state and what other servers have along, which stay here (0600): every later one has them, too.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from agent.backup.belongings import tar_of
from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import WHY, Reader
from agent.host import paths
from agent.host.pipes import PipeBroken
from agent.host.ports import Ports
from agent.host.s3 import Place, StoreError
from agent.store import backups
from agent.store.ability import looked_at
from agent.store.sealed import Sealed, put_sealed
from agent.store.settings import HERE, Settings, load_settings
from agent.store.turn import turn

Answer = dict[str, object]
_FOLDER: Final = "platform/"
_STATE: Final = f"{paths.PLATFORM}/state.json"
_LAST: Final = f"{paths.PLATFORM}/last.json"
_PART: Final = ".tar.gz"
_KEPT_DAYS: Final = 30
_LONGEST_WAIT_S: Final = 24 * 3600
_SERVER: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")


def platform(ports: Ports, document: Reader, by: str) -> Answer:
    """`{}`, with `state` (text of `pulumi stack export`) and `parts` (server → its `belongings`) where they are brought.

    Raises BadDocument, Failed, Unwritable.
    """
    document.version()
    state = document.content("state") if document.given("state") else None
    parts = _parts(document) if document.given("parts") else {}
    wait_s = document.whole("wait_s", 0, _LONGEST_WAIT_S, 0)
    by = document.text("by", WHY, "") or by
    document.end()
    if state is not None:
        _check_state(state)
    settings = load_settings(ports)
    with turn(ports, "platform", by, wait_s):
        _kept(ports, state, parts)
        return _saved(ports, looked_at(ports, settings))


def _parts(document: Reader) -> dict[str, bytes]:
    reader = document.child("parts")
    found = {}
    for name in document.document("parts"):
        if not _SERVER.fullmatch(name):
            raise BadDocument("parts", "has a name that no server has")
        try:
            found[name] = base64.b64decode(reader.content(name), validate=True)
        except binascii.Error:
            raise BadDocument(f"parts.{name}", "is not base64") from None
    return found


def _check_state(state: bytes) -> None:
    """Raises BadDocument unless it is the export of a stack, which a restore could take."""
    try:
        found = json.loads(state)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("deployment"), dict):
        raise BadDocument("state", "is no export of a stack")


def _kept(ports: Ports, state: bytes | None, parts: Mapping[str, bytes]) -> None:
    """Parts of servers that are no more go with the first state that is brought along after."""
    ports.files.directory(paths.PLATFORM, 0o700, "root:root")
    if state is not None:
        ports.files.write(_STATE, state, 0o600)
        for name in ports.files.listing(paths.PLATFORM):
            if name.endswith(_PART) and name.removesuffix(_PART) not in parts:
                ports.files.remove(f"{paths.PLATFORM}/{name}")
    for server, content in parts.items():
        ports.files.write(f"{paths.PLATFORM}/{server}{_PART}", content, 0o600)


def _saved(ports: Ports, settings: Settings) -> Answer:
    now = ports.clock.now()
    stem = f"{_FOLDER}{backups.new_id(now, secrets.token_hex(2))}"
    sealed = _stored(ports, settings, stem)
    names = [name for name in ports.files.listing(paths.PLATFORM) if name.endswith(_PART)]
    plain = {
        "version": 1, "id": stem.removeprefix(_FOLDER), "at": f"{now:%Y-%m-%dT%H:%M:%SZ}", "bytes": sealed.size,
        "sha256": sealed.sha256, "plain_sha256": sealed.plain_sha256, "state": ports.files.read(_STATE) is not None,
        "servers": [name.removesuffix(_PART) for name in names],
    }  # fmt: skip
    text = backups.signed(ports, plain)
    here, *others = settings.stores
    stores, missed = [here.name], {}
    try:
        ports.s3.put(here.place, f"{stem}.json", text)
    except StoreError as error:
        raise Failed("store", str(error), "see that the store runs, then run again") from None
    for other in others:
        try:
            ports.s3.upload(
                other.place, f"{stem}.tar.zst.age", ports.s3.get(here.place, f"{stem}.tar.zst.age")
            )
            ports.s3.put(other.place, f"{stem}.json", text)
            stores.append(other.name)
        except StoreError as error:
            missed[other.name] = str(error)
    problem = "; ".join(f"not in {name}: {why}" for name, why in missed.items())
    last = {**plain, "stores": stores, "problem": problem}
    ports.files.write(_LAST, json.dumps(last).encode() + b"\n", 0o600)
    ports.journal.log(f"platform: {plain['id']}, {sealed.size} bytes{f': {problem}' if problem else ''}")
    return {"ok": not problem, **last, "pruned": _pruned(ports, settings), "summary": problem}


def _stored(ports: Ports, settings: Settings, stem: str) -> Sealed:
    here = settings.stores[0]
    try:
        pieces, key = [tar_of(ports)], f"{stem}.tar.zst.age"
        return put_sealed(ports, here.place, key, pieces, settings.recipient, unless=ports.asker.gone)
    except StoreError as error:
        raise Failed("store", str(error), "see that the store runs, then run again") from None
    except PipeBroken as error:
        interrupted = error.first.code == 130
        raise Failed("seal", str(error), "run again", interrupted=interrupted) from None


def _pruned(ports: Ports, settings: Settings) -> list[str]:
    """From the store here go those older than a month, or than the longest that a project keeps; never the newest."""
    store = settings.store(HERE)
    if store is None:
        return []
    days = max([_KEPT_DAYS, *(project.retention_days for project in settings.projects)])
    try:
        keys = [found.key for found in ports.s3.objects(store.place, _FOLDER)]
        ids = {key.removeprefix(_FOLDER).partition(".")[0] for key in keys}
        known = sorted(each for each in ids if backups.ID.fullmatch(each))
        edge = _moment(known[-1]) - timedelta(days=days) if known else None
        gone = [each for each in known[:-1] if edge and _moment(each) < edge]
        for each in gone:
            for kind in (".json", ".tar.zst.age"):
                _forget(ports, store.place, f"{_FOLDER}{each}{kind}")
    except StoreError as error:
        ports.journal.log(f"platform: not all that may go went: {error}")
        return []
    return gone


def _forget(ports: Ports, place: Place, key: str) -> None:
    for version in list(ports.s3.versions(place, key)):
        if version.key == key:
            ports.s3.delete(place, key, version.version)


def _moment(backup_id: str) -> datetime:
    return datetime.strptime(backup_id.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def last_platform(ports: Ports) -> tuple[datetime, str] | None:
    """When the platform was saved last on this host, and what went wrong then, ""; None for never."""
    content = ports.files.read(_LAST)
    if content is None:
        return None
    try:
        reader = Reader(json.loads(content), "")
        at = datetime.fromisoformat(reader.text("at").replace("Z", "+00:00"))
        return at, reader.text("problem")
    except (ValueError, BadDocument):
        return None
