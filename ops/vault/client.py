"""The secrets of projects that a vault lets a login read and set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Final

import requests

from codeb import names
from codeb.model import Vault, VaultCredentials
from ops.vault.link import Link, mapping
from ops.vault.refusals import MissingError, RefusedError, WrongError, answered, understood

_AT_ONCE: Final = 8
_TRIES: Final = 3
_PATCH: Final = {"Content-Type": "application/merge-patch+json"}


@contextmanager
def logged_in(vault: Vault, credentials: VaultCredentials) -> Iterator[Client]:
    """A login, which ends with the block where it was made for it (AppRole). Raises VaultError."""
    with requests.Session() as session:
        link = Link(vault, session)
        link.log_in(credentials)
        try:
            client = Client(vault, link)
            client.check_mount()
            yield client
        finally:
            link.log_out()


class Client:
    """What the vault has of projects. Every method raises VaultError; `notes` are worth a look."""

    def __init__(self, vault: Vault, link: Link) -> None:
        self._vault, self._link = vault, link

    def __repr__(self) -> str:
        return f"Client({self._vault.address})"

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth saying of the login: that it ends soon, that it may do too much."""
        return tuple(self._link.notes)

    def check_mount(self) -> None:
        """A KV engine of version 1 has other paths, and would seem to have no project."""
        mount = self._vault.mount
        try:
            found = mapping(self._link.get(f"sys/internal/ui/mounts/{mount}", mount).get("data"))
        except RefusedError as refused:
            raise self._link.refused(
                mount, refused, "there is no such mount, or the login's policies refuse it"
            ) from None
        except MissingError:
            raise self._link.error(
                mount, "what answers there is no vault", "Correct codeb:vault.address."
            ) from None
        version = mapping(found.get("options")).get("version")
        at = str(found.get("path", "")).strip("/")
        if found.get("type") != "kv" or str(version) != "2" or at != mount:
            remedy = f"Make one with `vault secrets enable -path={mount} kv-v2`, or name another in codeb:vault.mount."
            raise self._link.error(mount, "is not the mount of a KV engine of version 2", remedy)

    def read(self, keys: Sequence[str]) -> dict[str, dict[str, object]]:
        """The secrets of each key that the vault has a path for. Raises VaultError for the first refusal, by key."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            answers = list(pool.map(self._read, keys))
        return {key: found for key, found in zip(keys, answers, strict=True) if found is not None}

    def names_of(self, key: str) -> list[str] | None:
        """The names of a key's secrets, without their values travelling; None when the vault has no such path."""
        path = self._path(key)
        try:
            document = self._link.get(f"{self._vault.mount}/subkeys/{names.vault_path(key)}", path, depth=1)
        except RefusedError as refused:
            raise self._link.refused(
                path, refused, "the login's policies refuse to read its names (subkeys)"
            ) from None
        except MissingError as missing:
            self._refuse_deleted(path, deleted=missing.deleted)
            return None
        found = mapping(document.get("data")).get("subkeys")
        return sorted(map(str, found)) if isinstance(found, dict) else []

    def put(self, key: str, name: str, value: str | None) -> bool:
        """Set one secret and leave the others, or remove it (None); True when it made the path.

        The vault does it in one step, so nobody's change of another one is lost.
        """
        path = self._path(key)
        for _ in range(_TRIES):
            try:
                self._patch(key, {name: value})
                return False
            except RefusedError as refused:
                cause = "the login's policies refuse to change it (capability patch)"
                raise self._link.refused(path, refused, cause) from None
            except WrongError:
                cause = (
                    "the vault does not take the change: the mount may ask for check-and-set (cas_required)"
                )
                raise self._link.error(path, cause, f"Set it with `vault kv patch -cas=… {path}`.") from None
            except MissingError as missing:
                self._refuse_deleted(path, deleted=missing.deleted)
            if value is None:
                return False
            with suppress(WrongError):  # somebody has just made it
                self._make(key, {name: value})
                return True
        cause = "it comes and goes while it is set, or has metadata and no version"
        raise self._link.error(path, cause, "See it with `vault kv metadata get`, then run this again.")

    def _read(self, key: str) -> dict[str, object] | None:
        path = self._path(key)
        try:
            document = self._link.get(f"{self._vault.mount}/data/{names.vault_path(key)}", path)
        except RefusedError as refused:
            raise self._link.refused(path, refused, "the login's policies refuse to read it") from None
        except MissingError as missing:
            self._refuse_deleted(path, deleted=missing.deleted)
            return None
        found = mapping(document.get("data")).get("data")
        if not isinstance(found, dict):
            raise self._link.error(path, "has no mapping of names to values", "Set each secret of it again.")
        return found

    def _patch(self, key: str, change: Mapping[str, str | None]) -> None:
        path = self._path(key)
        url = f"/v1/{self._vault.mount}/data/{names.vault_path(key)}"
        with understood(self._vault.address, path):
            answer = self._link.hvac.adapter.request(
                "patch", url, headers=dict(_PATCH), json={"data": change}
            )
        answered(self._vault.address, path, answer)

    def _make(self, key: str, secrets: Mapping[str, str | None]) -> None:
        """The first version of a path. Raises WrongError when there is one."""
        path = self._path(key)
        try:
            with understood(self._vault.address, path):
                answer = self._link.hvac.secrets.kv.v2.create_or_update_secret(
                    names.vault_path(key), dict(secrets), cas=0, mount_point=self._vault.mount
                )
        except RefusedError as refused:
            cause = "the login's policies refuse to make it (capability create)"
            raise self._link.refused(path, refused, cause) from None
        answered(self._vault.address, path, answer)

    def _refuse_deleted(self, path: str, *, deleted: bool) -> None:
        """Not taken for a project that the vault has never had: its secrets would come from elsewhere, unsaid."""
        if deleted:
            remedy = "Bring it back (`vault kv undelete`), or remove it with all versions (`vault kv metadata delete`)."
            raise self._link.error(path, "its newest version was deleted", remedy)

    def _path(self, key: str) -> str:
        return f"{self._vault.mount}/{names.vault_path(key)}"
