"""What the simulated accounts have: one readable JSON file, whole after a kill at any moment.

A name that begins with `_` is the simulator's own and never answered. `todo` holds calls to the machines that the API's
changes have brought about and that have not been made yet; it changes in the same write as what it follows from.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.vultr import files
from lab.vultr.files import Json

FILE = "store.json"
COLLECTIONS = (
    "ssh_keys",
    "vpcs",
    "firewall_groups",
    "instances",
    "blocks",
    "reserved_ips",
    "load_balancers",
    "domains",
    "vfs",
    "databases",
    "object_storages",
)


class Store:
    """The accounts of a folder by name. Only one simulator at a time opens a folder for changes (`simulator.py`)."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self.lock = threading.RLock()
        self._content = read(folder)

    def account(self, name: str) -> Json:
        """An account to read, under the lock."""
        return empty() | (self._content["accounts"].get(name) or {})

    def accounts(self) -> list[Json]:
        """All accounts, to read or change under the lock."""
        return list(self._content["accounts"].values())

    @contextmanager
    def change(self, name: str) -> Iterator[Json]:
        """An account to change under the lock: all of it is kept, or nothing when an error comes out."""
        with self.lock:
            account = copy.deepcopy(self.account(name))
            yield account
            self._content["accounts"][name] = account
            self.save()

    def number(self) -> int:
        """A number that no object and no call had before, in any account."""
        with self.lock:
            self._content["last"] += 1
            return int(self._content["last"])

    def save(self) -> None:
        """Write everything; under the lock."""
        files.write(self._path, self._content)


def read(folder: Path) -> Json:
    """The store's content as it was last written, in whichever process; nothing at all before its first write."""
    return files.Watched(folder / FILE, lambda content: content or {"last": 0, "accounts": {}}).value()


def empty() -> Json:
    """An account without anything."""
    return {**{name: {} for name in COLLECTIONS}, "todo": [], "failures": []}
