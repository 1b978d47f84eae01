"""From which store something is read: all in their order, or one that is named, by keys that this host has only now."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import SLUG, Reader
from agent.host.ports import Ports
from agent.host.s3 import StoreError
from agent.store.oldest import as_first_written
from agent.store.settings import Settings, Store


@dataclass(frozen=True)
class Source:
    """The store `name` alone, "" for all; by these keys instead of those that are on the host, where there are any."""

    name: str = ""
    access_key: str = ""
    secret_key: str = field(default="", repr=False)


def read_source(document: Reader) -> Source:
    """`from` and `keys` of a document, which nothing writes down. Raises BadDocument."""
    name = document.text("from", SLUG) if document.given("from") else ""
    keys = document.maybe("keys")
    if keys is None:
        return Source(name)
    if not name:
        raise BadDocument("keys", "are for one store: name it with from")
    found = Source(name, keys.secret("access_key"), keys.secret("secret_key"))
    keys.end()
    if not found.access_key or not found.secret_key:
        raise BadDocument("keys", "have to be two: access_key and secret_key")
    return found


def sources(ports: Ports, settings: Settings, wanted: Source) -> tuple[Ports, Settings]:
    """By which ports and settings stores are read: those elsewhere as first written. Raises Failed for one that isn't there.

    What these settings say of stores is for reading alone: the one here may not be among them.
    """
    stores = settings.stores
    if wanted.name:
        found = settings.store(wanted.name)
        if found is None:
            names = ", ".join(each.name for each in stores)
            cause = f"there is no store {wanted.name}: this stack has {names}"
            raise Failed(
                "settings", cause, "`codeb:backup.second` of the stack's settings makes a second one"
            )
        stores = (_with(found, wanted),)
    return as_first_written(ports, stores), replace(settings, stores=stores)


def _with(store: Store, wanted: Source) -> Store:
    if not wanted.access_key:
        return store
    place = replace(store.place, access_key=wanted.access_key, secret_key=wanted.secret_key)
    return Store(store.name, place)


def unasked(store: Store, error: StoreError) -> str:
    """Why a store is left out, in words, and what to do when it is for its keys."""
    if error.code not in ("AccessDenied", "status 403"):
        return f"{store.name} can't be asked: {error}"
    how = f"`--from {store.name} --keys FILE` reads it by yours"
    return f"{store.name} lets nobody read by these keys ({error}): {how}"
