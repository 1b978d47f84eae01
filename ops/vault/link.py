"""One login at a vault: how it is reached and trusted, and when it has ended."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import hvac
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from codeb.model import Vault, VaultCredentials
from ops.vault.problem import VaultError
from ops.vault.refusals import MissingError, RefusedError, WrongError, answered, error, understood

_SECONDS: Final = (10, 30)
"""To connect, and to answer."""
_SOON: Final = 3 * 24 * 3600
"""Seconds: a token that ends so soon is said."""


class Link:
    """A login at `vault`, by `hvac`. `notes` are worth a look."""

    def __init__(self, vault: Vault, session: requests.Session) -> None:
        session.mount("https://", _Trusting(vault.ca))
        session.mount("http://", HTTPAdapter(max_retries=_retries()))
        self._vault = vault
        self.hvac = hvac.Client(  # neither address nor token are taken from the environment
            url=vault.address, token="", verify=True, timeout=_SECONDS, allow_redirects=False, session=session
        )
        self._own = False
        self.notes: list[str] = []

    def __repr__(self) -> str:
        return f"Link({self._vault.address})"

    def log_in(self, credentials: VaultCredentials) -> None:
        """By AppRole, or by a token, which is renewed where it can be. Raises VaultError."""
        if self._vault.auth == "token":
            self._take(credentials.token)
        else:
            self._by_role(credentials)

    def log_out(self) -> None:
        """End a login that was made for this; one that can't be ended (a batch token) ends by itself."""
        if self._own:
            with suppress(hvac.exceptions.VaultError, requests.exceptions.RequestException):
                self.hvac.auth.token.revoke_self()

    def get(self, place: str, path: str, **parameters: object) -> Mapping[str, Any]:
        """What is at `place`; `path` is how messages name it. Raises VaultError, RefusedError, MissingError."""
        try:
            with understood(self._vault.address, path):
                answer = self.hvac.adapter.get(f"/v1/{place}", params=parameters)
        except WrongError:
            raise self.error(path, "the vault does not take the question", "See its log.") from None
        found: Mapping[str, Any] = answered(self._vault.address, path, answer)
        return found

    def refused(self, path: str, refused: RefusedError, cause: str) -> VaultError:
        """A path that is kept from the login, or a login that has ended: not every vault says which."""
        if refused.invalid or self._has_ended():
            return self._ended(path)
        return self.error(path, cause, "Let them (docs/vault.md, Policies), or correct codeb:vault.mount.")

    def error(self, path: str, cause: str, remedy: str) -> VaultError:
        """A problem at a path of this vault."""
        return error(self._vault.address, path, cause, remedy)

    def _by_role(self, credentials: VaultCredentials) -> None:
        mount = self._vault.auth_mount
        path = f"auth/{mount}/login"
        try:
            with understood(self._vault.address, path):
                answer = self.hvac.auth.approle.login(
                    credentials.role_id, credentials.secret_id, use_token=False, mount_point=mount
                )
        except WrongError:
            remedy = "Make another secret ID, and set it as codeb:vaultCredentials.secretId (docs/vault.md)."
            cause = "the vault does not know this role ID and secret ID; a secret ID may have expired, or be used up"
            raise self.error(path, cause, remedy) from None
        except (RefusedError, MissingError):
            cause = "there is no AppRole here, or it refuses the address of this machine"
            raise self.error(
                path, cause, "Correct codeb:vault.authMount, or the role's bound CIDRs."
            ) from None
        token = mapping(answered(self._vault.address, path, answer).get("auth")).get("client_token")
        if not isinstance(token, str):
            raise self.error(path, "what answers there is no vault", "Correct codeb:vault.address.")
        self.hvac.token, self._own = token, True

    def _take(self, token: str) -> None:
        """A token that may not look itself up may still read."""
        self.hvac.token = token
        path = "auth/token/lookup-self"
        try:
            found = mapping(self.get(path, path).get("data"))
        except RefusedError as refused:
            if refused.invalid:
                raise self._ended(path) from None
            return
        left = _number(found.get("ttl"))
        if found.get("renewable") and left:
            left = self._renewed(left)
        if 0 < left < _SOON and not found.get("period"):  # one with a period lives on by being renewed
            what = f"the token ends in {max(left // 3600, 1)} h: set another as codeb:vaultCredentials.token"
            self.notes.append(f"{self._vault.address}: {what}.")
        policies = found.get("policies")
        if isinstance(policies, list) and "root" in policies:
            what = "the token is a root token: one whose policy lets it read is enough (docs/vault.md)"
            self.notes.append(f"{self._vault.address}: {what}.")

    def _renewed(self, left: int) -> int:
        """Seconds that the token has after its renewal; `left` when the vault does not renew it."""
        path = "auth/token/renew-self"
        try:
            with understood(self._vault.address, path):
                document = answered(self._vault.address, path, self.hvac.auth.token.renew_self())
        except (RefusedError, WrongError, MissingError):
            return left
        return _number(mapping(document.get("auth")).get("lease_duration")) or left

    def _has_ended(self) -> bool:
        try:
            self.get("auth/token/lookup-self", "auth/token/lookup-self")
        except RefusedError as refused:
            return refused.invalid
        except MissingError:
            return False
        return False

    def _ended(self, path: str) -> VaultError:
        if self._own:
            remedy = "Give the role's tokens more time or uses (token_ttl, token_num_uses: 0)."
            return self.error(path, "the login has ended before all was read", remedy)
        return self.error(
            path,
            "the token has expired, was revoked, or is no token of this vault",
            "Make another, and set it as codeb:vaultCredentials.token (docs/vault.md), or as VAULT_TOKEN.",
        )


class _Trusting(HTTPAdapter):
    """Trusts what the system trusts, and `ca` (PEM); what only asks is asked again when a connection breaks."""

    def __init__(self, ca: str | None) -> None:
        self._context = ssl.create_default_context()
        if ca:
            self._context.load_verify_locations(cadata=ca)
        super().__init__(max_retries=_retries())

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        """As HTTPAdapter's, which calls it."""
        super().init_poolmanager(*arguments, ssl_context=self._context, **more)

    def proxy_manager_for(self, *arguments: Any, **more: Any) -> Any:
        """As HTTPAdapter's."""
        return super().proxy_manager_for(*arguments, ssl_context=self._context, **more)


def _retries() -> Retry:
    return Retry(
        total=2,
        backoff_factor=0.2,
        allowed_methods=("GET",),
        status_forcelist=(502, 504),
        raise_on_status=False,
    )


def mapping(value: object) -> Mapping[str, Any]:
    """A part of an answer that should be a mapping; empty when it is something else."""
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
