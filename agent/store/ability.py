"""What the second place can: asked as a run begins, remembered, and said where it is less than it should be."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from agent.documents.errors import BadDocument
from agent.documents.reader import Reader
from agent.host import paths
from agent.host.ports import Ports
from agent.host.s3 import Features, Place, StoreError
from agent.store.settings import HERE, Settings, Store


@dataclass(frozen=True)
class Lack:
    """What is less than it should be, and what to do."""

    what: str
    remedy: str


def looked_at(ports: Ports, settings: Settings) -> Settings:
    """Ask each store but the one here what it can; the settings with which what is written there is locked where that can
    be. Where it can't be asked, what it said last counts. Raises Unwritable."""
    return replace(settings, stores=tuple(_with(ports, store, again=True) for store in settings.stores))


def remembered(ports: Ports, settings: Settings) -> Settings:
    """The same for who has no time to ask: only those are asked of which nothing is known."""
    return replace(settings, stores=tuple(_with(ports, store, again=False) for store in settings.stores))


def lacks(ports: Ports, settings: Settings) -> list[Lack]:
    """From what the stores said last: no store is asked."""
    known = _known(ports)
    return [
        Lack(f"{store.name}: it {lack.what}", lack.remedy)
        for store in settings.stores
        if store.name != HERE and (found := known.get(_name(store.place)))
        for lack in lacks_of(store.place, found)
    ]


def lacks_of(place: Place, found: Features) -> Sequence[Lack]:
    """What of these features leaves a thief room."""
    said = []
    if not found.versions:
        how = "keeps no versions" if found.versions is False else "doesn't say whether it keeps versions"
        remedy = (
            "switch versions on in its bucket: without them whoever has the keys can overwrite what is there"
        )
        said.append(Lack(how, remedy))
    if found.deletes:
        remedy = "give codeb:backupCredentials an account that can only put (docs/backup.md)"
        said.append(Lack("lets these keys delete what is there", remedy))
    if place.lock_days and not found.locks:
        how = "has no object lock" if found.locks is False else "doesn't say whether it has object lock"
        remedy = "make a bucket with object lock, or set codeb:backup.second.lockDays to 0"
        said.append(Lack(f"{how}: nothing is locked there", remedy))
    return said


def _with(ports: Ports, store: Store, *, again: bool) -> Store:
    if store.name == HERE:
        return store
    found = _known(ports).get(_name(store.place))
    if again or found is None:
        found = _asked(ports, store.place, found or Features())
    locks = store.place.lock_days if found.locks else 0
    return Store(store.name, replace(store.place, lock_days=locks))


def _asked(ports: Ports, place: Place, before: Features) -> Features:
    try:
        found = ports.s3.features(place)
    except StoreError:
        return before
    known = _known(ports)
    if known.get(_name(place)) != found:
        ports.journal.log(f"backup: {_name(place)}: {_words(found)}")
        _note(ports, {**known, _name(place): found})
    return found


def _name(place: Place) -> str:
    return f"{place.endpoint}/{place.bucket}"


def _note(ports: Ports, known: dict[str, Features]) -> None:
    document = {"version": 1, "stores": {name: asdict(found) for name, found in known.items()}}
    ports.files.write(paths.SECOND_PLACE, json.dumps(document).encode() + b"\n", 0o600)


def _words(found: Features) -> str:
    answers = {True: "yes", False: "no", None: "it doesn't say"}
    said = (("versions", found.versions), ("object lock", found.locks), ("may delete", found.deletes))
    return ", ".join(f"{what}: {answers[answer]}" for what, answer in said)


def _known(ports: Ports) -> dict[str, Features]:
    content = ports.files.read(paths.SECOND_PLACE)
    if content is None:
        return {}
    try:
        reader = Reader(json.loads(content), "")
        stores = reader.child("stores")
        return {name: _features(stores.child(name)) for name in reader.document("stores")}
    except (ValueError, BadDocument) as error:
        ports.journal.log(f"backup: {paths.SECOND_PLACE} can't be read and is begun anew: {error}")
        return {}


def _features(reader: Reader) -> Features:
    values = {
        key: reader.flag(key) if reader.given(key) else None for key in ("versions", "locks", "deletes")
    }
    return Features(**values)
