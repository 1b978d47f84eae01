"""Accounts: a name, a key that lies in a file of mode 0600, and how many instances the account may have.

`accounts.json` holds the keys' digests only. One folder has any number of accounts.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.vultr import files

DEFAULT = "main"
LIMIT = 20
"""Instances of a new account; Vultr's own figure differs from customer to customer."""


@dataclass(frozen=True)
class Account:
    """Who a key belongs to."""

    name: str
    limit: int


class Accounts:
    """The accounts of a folder, as they are at each look."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._found = files.Watched(folder / "accounts.json", _parse)

    def by_key(self, key: str) -> Account | None:
        """The account of a key, None for a key that nobody has."""
        return self._found.value().get(_digest(key))

    def ensure(self, name: str = DEFAULT, limit: int | None = None) -> Path:
        """Make an account or change its limit; the file with its key."""
        path = self.folder / "accounts.json"
        key = self.key_file(name)
        with files.locked(path):
            content = _read(path)
            if not key.exists():
                _write_key(key, "VLAB" + secrets.token_hex(16).upper())
            known = content.get(name, {"limit": LIMIT})
            content[name] = {
                "limit": known["limit"] if limit is None else limit,
                "key_sha256": _digest(key.read_text().strip()),
            }
            files.write(path, content)
        return key

    def key_file(self, name: str = DEFAULT) -> Path:
        """Where an account's key lies."""
        return self.folder / "keys" / name


def _write_key(path: Path, key: str) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(key + "\n")


def _read(path: Path) -> files.Json:
    return files.Watched(path, lambda content: dict(content or {})).value()


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _parse(content: Any) -> dict[str, Account]:
    return {one["key_sha256"]: Account(name, one["limit"]) for name, one in (content or {}).items()}
