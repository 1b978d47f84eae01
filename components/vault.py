"""Secrets of projects from the stack's vault, read at each preview and update and kept nowhere but in memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from codeb.model import Settings, SettingsErrors, VaultCredentials, parse_vault_credentials
from codeb.model.supplied import Vaulted
from codeb.model.vault_secrets import TOKEN_VARIABLE


def vault_credentials(value: object, settings: Settings) -> VaultCredentials | None:
    """What the program logs in with; None without a vault.

    Raises:
        pulumi.RunError: names every part that is missing or wrong, never a value.
    """
    given: Mapping[Any, Any] = value if isinstance(value, Mapping) else {}
    at_hand = os.environ.get(TOKEN_VARIABLE)
    if settings.vault and settings.vault.auth == "token" and at_hand and value in (None, {}):
        value = {**given, "token": at_hand}
    try:
        return parse_vault_credentials(value, settings, pulumi.get_stack())
    except SettingsErrors as error:
        raise pulumi.RunError(str(error)) from None


def read_vaulted(settings: Settings, credentials: VaultCredentials | None, keys: Sequence[str]) -> Vaulted:
    """What the vault has for these keys; it is not asked for none. Its notes are told.

    Raises:
        pulumi.RunError: it can't be asked, or refuses a path; names the path, never a value.
    """
    vault = settings.vault
    if vault is None or credentials is None:
        return Vaulted("", "")
    if not keys:
        return Vaulted(vault.address, vault.mount)
    from ops.vault.client import logged_in
    from ops.vault.problem import VaultError

    try:
        with logged_in(vault, credentials) as client:
            found = client.read(keys)
    except VaultError as error:
        raise pulumi.RunError(str(error)) from None
    for note in client.notes:
        pulumi.log.warn(note)
    return Vaulted(vault.address, vault.mount, found)
