"""`codeb:vaultCredentials`: what the program logs in to the vault with. No error and no `repr` shows a value."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from codeb.model.problems import Location, Problem, SettingsErrors, path_text
from codeb.model.settings import Settings

KEY: Final = "vaultCredentials"
TOKEN_VARIABLE: Final = "VAULT_TOKEN"  # noqa: S105 - its name
"""Where a token may stand instead, in the environment."""
_PARTS: Final = {"approle": ("roleId", "secretId"), "token": ("token",)}
_KNOWN: Final = ("roleId", "secretId", "token")
_WORD: Final = re.compile(r"[!-~]{1,4000}")
_SET: Final = "Set it with `pulumi config set --secret --path 'codeb:{}'`."


@dataclass(frozen=True)
class VaultCredentials:
    """Of an AppRole, or a token; what is not given is ""."""

    role_id: str = field(default="", repr=False)
    secret_id: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


def parse_vault_credentials(
    value: object, settings: Settings, stack: str = "<stack>"
) -> VaultCredentials | None:
    """The credentials that `codeb:vault` asks for; None without a vault.

    Raises:
        SettingsErrors: every part that is missing, unknown or no single word; names it, never its value.
    """
    if settings.vault is None:
        return None
    problems = list(vault_problems(value, settings.vault.auth, stack))
    if problems:
        raise SettingsErrors(problems)
    found = {name: str(text).strip() for name, text in value.items()} if isinstance(value, Mapping) else {}
    return VaultCredentials(found.get("roleId", ""), found.get("secretId", ""), found.get("token", ""))


def vault_problems(
    value: object, auth: str, stack: str, hidden: Collection[Location] = ()
) -> Iterator[Problem]:
    """What shows of the shape, those at `hidden` places left out; `auth` as the settings have it, "" for no vault."""
    if (KEY,) in hidden:
        return
    wanted = _PARTS.get(auth, ())
    if value is not None and not isinstance(value, Mapping):
        yield _problem(
            stack, (KEY,), "is not a mapping", f"Set its parts one by one: {', '.join(wanted or _KNOWN)}."
        )
        return
    given: Mapping[Any, Any] = value or {}
    for name in given:
        if name not in _KNOWN:
            yield _problem(stack, (KEY, "?"), "unknown key", f"Known keys here: {', '.join(_KNOWN)}.")
    for name in _KNOWN:
        place, text = (KEY, name), given.get(name)
        if place in hidden:
            continue
        if text in (None, "") and name in wanted:
            cause = f"is missing, and codeb:vault.auth is {auth}"
            yield _problem(stack, place, cause, _SET.format(path_text(place)))
        elif text not in (None, "") and not (isinstance(text, str) and _WORD.fullmatch(text.strip())):
            yield _problem(
                stack, place, "is not one word as the vault shows it", _SET.format(path_text(place))
            )


def _problem(stack: str, place: Location, cause: str, remedy: str) -> Problem:
    return Problem(f"Pulumi.{stack}.yaml", 0, 0, f"codeb:{path_text(place)}", cause, remedy)
