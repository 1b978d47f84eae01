"""The secrets engine KV, version 2: paths with versions, written whole or in part."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lab.vault.answers import NO_CONTENT, NOTHING, Json, Reply, data, error, gone

MADE = "2026-01-01T00:00:00Z"
_CAS = "check-and-set parameter did not match the current version"


@dataclass
class Secret:
    """A path's newest version, and how many there were; older ones nobody asks for here."""

    version: int = 0
    content: Json | None = field(default=None, repr=False)
    deleted: bool = False

    @property
    def metadata(self) -> Json:
        """Of the newest version."""
        return {
            "created_time": MADE, "custom_metadata": None, "deletion_time": MADE if self.deleted else "",
            "destroyed": False, "version": self.version,
        }  # fmt: skip


class Engine:
    """A mount of it."""

    def __init__(self) -> None:
        self.secrets: dict[str, Secret] = {}

    def put(self, path: str, content: Json) -> None:
        """A new version, from the side."""
        self.write(path, {"data": content})

    def exists(self, path: str) -> bool:
        """Whether a write changes something (capability update) or makes it (create)."""
        return path in self.secrets

    def read(self, path: str) -> Reply:
        """Its newest version; of a deleted one its metadata, with the status of what is not there."""
        return self._shown(path, "data", lambda content: content)

    def subkeys(self, path: str) -> Reply:
        """The names alone."""
        return self._shown(path, "subkeys", lambda content: dict.fromkeys(content))

    def _shown(self, path: str, name: str, view: Any) -> Reply:
        found = self.secrets.get(path)
        if found is None:
            return NOTHING
        if found.deleted or found.content is None:
            return gone({name: None, "metadata": found.metadata})
        return data({name: view(found.content), "metadata": found.metadata})

    def write(self, path: str, document: Json) -> Reply:
        """A new version, if it is to follow the one that `options.cas` says."""
        content, options = document.get("data"), document.get("options") or {}
        if not isinstance(content, dict):
            return error(400, "no data provided")
        found = self.secrets.get(path)
        if "cas" in options and options["cas"] != (found.version if found else 0):
            return error(400, _CAS)
        return self._next(path, content)

    def patch(self, path: str, document: Json) -> Reply:
        """A new version with some keys changed, or removed (null). Of a deleted one its metadata, as they are."""
        found = self.secrets.get(path)
        if found is None:
            return NO_CONTENT
        if found.deleted or found.content is None:
            return gone(found.metadata)
        change = document.get("data")
        if not isinstance(change, dict):
            return error(400, "no data provided")
        kept = {key: value for key, value in found.content.items() if change.get(key, "") is not None}
        return self._next(path, kept | {key: value for key, value in change.items() if value is not None})

    def delete(self, path: str) -> Reply:
        """The newest version; it can be brought back."""
        if path in self.secrets:
            self.secrets[path].deleted = True
        return Reply(204)

    def _next(self, path: str, content: Json) -> Reply:
        found = self.secrets.setdefault(path, Secret())
        found.version, found.content, found.deleted = found.version + 1, dict(content), False
        return data(found.metadata)
