"""`codeb secrets`: names of projects' secrets, and one set or taken away, in the stack's vault or its configuration.

A value is read from standard input alone, and shown nowhere.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from codeb import names
from codeb.model import (
    DocumentErrors,
    Manifest,
    Manifests,
    Settings,
    StackFile,
    Vault,
    VaultCredentials,
    load_manifests,
    parse_settings,
    parse_vault_credentials,
    read_sources,
    read_stack_file,
)
from codeb.model.secret_places import KEY, Configured, InVault, as_name, place
from codeb.model.stack_file import encrypted
from codeb.model.supplied import wrong_value
from codeb.model.vault_secrets import KEY as VAULT_KEY
from codeb.model.vault_secrets import TOKEN_VARIABLE
from ops import words
from ops.pulumi import PulumiError, ask
from ops.result import Result, failed

_SECONDS = 60
_NOT_INSTALLED = (
    "a stack with codeb:vault needs hvac, which plain codeb does not bring: pip install 'PATH-OF-THE-CLONE[vault]', or use "
    "the codeb of the program's own virtual environment"
)
Store = Literal["vault", "stack"]


class SecretsError(Exception):
    """What stands in the way, in words; never with a value."""


class Names(Protocol):
    """What is asked of a vault; `ops.vault.client.Client`."""

    def names_of(self, key: str) -> list[str] | None:
        """The names of a key's secrets; None when there is no such path."""

    def put(self, key: str, name: str, value: str | None) -> bool:
        """Set one, or remove it (None); True when it made the path."""


@dataclass(frozen=True)
class Stack:
    """A stack's file, its settings, and its manifests."""

    folder: Path
    file: StackFile
    settings: Settings
    manifests: Manifests

    @property
    def name(self) -> str:
        """Its short name."""
        return self.file.stack


@dataclass(frozen=True)
class Change:
    """A secret that is to be set; without a value it is to go. `store` is where; None: the vault, if the stack has one."""

    key: str
    name: str
    value: str | None = field(repr=False)
    store: Store | None = None


def read_stack(folder: Path, stack: str) -> Stack:
    """The stack in `folder`. Raises SecretsError with every problem."""
    try:
        file = read_stack_file(folder / f"Pulumi.{stack}.yaml", stack)
        settings = parse_settings(file.settings, stack)
        manifests = load_manifests(read_sources(folder / settings.manifests), settings)
    except DocumentErrors as error:
        raise SecretsError(str(error)) from None
    return Stack(folder, file, settings, manifests)


def listed(stack: Stack, project: str | None = None) -> Result:
    """The names of all projects' secrets, or of one's: where each is, and whether the app gets it.

    Ok when none is missing. Raises SecretsError, ops.vault.problem.VaultError.
    """
    configured = _configured(stack)
    keys = [key for key in _keys(stack, configured) if project is None or project in (key, _base(stack, key))]
    if project is not None and not keys:
        return failed(f"no manifest of stack {stack.name} has the id {project}, and nothing is set for it")
    with opened(stack) as vault:
        vaulted = {key: found for key in keys if vault and (found := vault.names_of(key)) is not None}
    entries = [entry for key in keys for entry in _entries(stack, key, configured, vaulted)]
    missing = [each for each in entries if each["state"] == "missing"]
    rows = [[str(each[column]) for column in ("project", "name", "place", "state")] for each in entries]
    lines = (
        words.table(("PROJECT", "NAME", "PLACE", "STATE"), rows) if rows else ["no manifest names secrets"]
    )
    problems = (
        [f"{words.count(len(missing), 'secret')} missing: `codeb secrets set PROJECT NAME`"]
        if missing
        else []
    )
    return Result({"ok": not missing, "stack": stack.name, "secrets": entries}, tuple(lines), tuple(problems))


def changed(stack: Stack, change: Change) -> Result:
    """Set or remove one secret. Raises SecretsError, ops.vault.problem.VaultError."""
    if change.value is not None and (wrong := wrong_value(change.value)):
        return failed(f"the value {wrong}; nothing was changed")
    store = change.store or ("vault" if stack.settings.vault else "stack")
    if store == "vault":
        vault = stack.settings.vault
        if vault is None:
            return failed(
                f"Pulumi.{stack.name}.yaml has no codeb:vault; without --to it goes to the stack's own secrets"
            )
        where = InVault(stack.name, change.key, vault.address, vault.mount).of(change.name)
        made = _in_vault(stack, change)
    else:
        where, made = place(change.key, change.name), False
        _in_configuration(stack, change)
    done = "removed" if change.value is None else "set"
    lines = [f"{where}: {done}, from the next `pulumi up` on", *_hints(stack, change, made=made)]
    document = {"ok": True, "project": change.key, "name": change.name, "place": where, "change": done}
    return Result(document, tuple(lines))


@contextmanager
def opened(stack: Stack) -> Iterator[Names | None]:
    """A login at the stack's vault, by the caller's own token where the environment has one; None without a vault."""
    if stack.settings.vault is None:
        yield None
        return
    try:
        from ops.vault.client import logged_in
    except ImportError:
        raise SecretsError(_NOT_INSTALLED) from None
    with logged_in(*_login(stack, stack.settings.vault)) as client:
        yield client


def _login(stack: Stack, vault: Vault) -> tuple[Vault, VaultCredentials]:
    if token := os.environ.get(TOKEN_VARIABLE):
        return vault.model_copy(update={"auth": "token"}), VaultCredentials(token=token.strip())
    try:
        text = ask(stack.folder, stack.name, "config", "get", f"codeb:{VAULT_KEY}", seconds=_SECONDS)
        found = parse_vault_credentials(json.loads(text), stack.settings, stack.name)
    except PulumiError as error:
        raise SecretsError(
            f"no login for the vault: {error}. Or set {TOKEN_VARIABLE} to a token of yours"
        ) from None
    except ValueError as error:
        why = str(error) if isinstance(error, DocumentErrors) else f"codeb:{VAULT_KEY} is not a mapping"
        raise SecretsError(why) from None
    return vault, found or VaultCredentials()


def _in_vault(stack: Stack, change: Change) -> bool:
    with opened(stack) as vault:
        if vault is None:  # `changed` has looked
            raise SecretsError("there is no vault")
        if change.value is None and change.name not in (vault.names_of(change.key) or ()):
            raise SecretsError(
                f"{names.vault_path(change.key)} of the vault has no {change.name}; nothing was changed"
            )
        return vault.put(change.key, change.name, change.value)


def _in_configuration(stack: Stack, change: Change) -> None:
    where = place(change.key, change.name)
    if change.value is None and change.name not in _configured(stack).get(change.key, ()):
        raise SecretsError(f"{where} is not set; nothing was changed")
    setting = ("set", "--secret", "--raw") if change.value is not None else ("rm",)
    try:
        ask(stack.folder, stack.name, "config", *setting, "--path", where, text=change.value)
    except PulumiError as error:
        raise SecretsError(f"{where} was not changed: {error}") from None


def _hints(stack: Stack, change: Change, *, made: bool) -> Iterator[str]:
    """What else there is to do, for the app to have it."""
    manifest = _manifest(stack, change.key)
    if change.value is not None and (manifest is None or change.name not in manifest.environment.secrets):
        yield f"no app gets it yet: name it in environment.secrets of {_base(stack, change.key)}"
    others = sorted(set(_configured(stack).get(change.key, ())) - {change.name}) if made else []
    if others:
        now = f"the vault has the project now, and {place(change.key)} is read no more"
        yield f"{now}: set {', '.join(others)} in the vault, too"


def _entries(
    stack: Stack, key: str, configured: Mapping[str, list[str]], vaulted: Mapping[str, list[str]]
) -> Iterator[dict[str, object]]:
    """One for each name that is there or should be, of a key."""
    vault = stack.settings.vault
    in_vault = vault is not None and (key in vaulted or key not in configured)
    there = vaulted.get(key, []) if in_vault else configured.get(key, [])
    manifest = _manifest(stack, key)
    wanted = set(manifest.environment.secrets) if manifest else set()
    where = (
        InVault(stack.name, key, vault.address, vault.mount)
        if vault and in_vault
        else Configured(stack.name, key)
    )
    missing = wanted - set(there) if key == _base(stack, key) or there else set()
    for name in sorted({*there, *missing}):
        state = "missing" if name in missing else "set" if name in wanted else "set, no app gets it"
        yield {"project": key, "name": as_name(name), "place": where.of(""), "state": state}


def _keys(stack: Stack, configured: Mapping[str, object]) -> list[str]:
    """Where there may be secrets: of projects, of their preview environments where the stack has any, of who has left."""
    naming = [each.id for each in stack.manifests if each.environment.secrets]
    previews = [names.preview_secrets(each) for each in naming] if stack.settings.previews else []
    return sorted({*naming, *previews, *configured})


def _base(stack: Stack, key: str) -> str:
    """The project whose manifest names the secrets of a key."""
    ids = {each.id for each in stack.manifests}
    return next((each for each in ids if key not in ids and names.preview_secrets(each) == key), key)


def _manifest(stack: Stack, key: str) -> Manifest | None:
    base = _base(stack, key)
    return next((each for each in stack.manifests if each.id == base), None)


def _configured(stack: Stack) -> dict[str, list[str]]:
    """The names in `codeb:projectSecrets`; the CLI decrypts what hides them. Raises SecretsError."""
    found = stack.file.secrets.get(KEY) or {}
    if encrypted(found) or (isinstance(found, Mapping) and any(map(encrypted, found.values()))):
        try:
            found = json.loads(
                ask(stack.folder, stack.name, "config", "get", f"codeb:{KEY}", seconds=_SECONDS)
            )
        except PulumiError as error:
            raise SecretsError(f"the names in codeb:{KEY} can't be read: {error}") from None
        except ValueError:
            found = None
    if not isinstance(found, Mapping):
        raise SecretsError(
            f"codeb:{KEY} is not a mapping of projects: `codeb validate --stack {stack.name}` says more"
        )
    return {str(key): sorted(map(str, value)) for key, value in found.items() if isinstance(value, Mapping)}
