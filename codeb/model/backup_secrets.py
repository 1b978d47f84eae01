"""`codeb:backupCredentials`: what the data server writes to the second place with. No error and no `repr` shows a value."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from codeb.model.problems import Location, Problem, SettingsErrors, path_text
from codeb.model.settings import Settings

KEY: Final = "backupCredentials"
_PARTS: Final = ("accessKey", "secretKey")
_WORD: Final = re.compile(r"[A-Za-z0-9/+=_.-]{1,200}")
"""They are written into JSON on the host, and no provider's have other characters."""
_SET: Final = "Set it with `pulumi config set --secret --path 'codeb:{}'`."


@dataclass(frozen=True)
class BackupCredentials:
    """Keys of an account that can put objects there, and not delete or read any."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)


def parse_backup_credentials(
    value: object, settings: Settings, stack: str = "<stack>"
) -> BackupCredentials | None:
    """The credentials that `codeb:backup.second` asks for; None without a second place.

    Raises:
        SettingsErrors: every part that is missing, unknown or no key of an account; names it, never its value.
    """
    if settings.backup.second is None:
        return None
    problems = list(backup_problems(value, stack, wanted=True))
    if problems:
        raise SettingsErrors(problems)
    found = {name: str(text).strip() for name, text in value.items()} if isinstance(value, Mapping) else {}
    return BackupCredentials(found["accessKey"], found["secretKey"])


def backup_problems(
    value: object, stack: str, *, wanted: bool, hidden: Collection[Location] = ()
) -> Iterator[Problem]:
    """What shows of the shape, those at `hidden` places left out; `wanted`: the stack has a second place."""
    if (KEY,) in hidden:
        return
    if value is not None and not isinstance(value, Mapping):
        yield _problem(stack, (KEY,), "is not a mapping", f"Set its parts one by one: {', '.join(_PARTS)}.")
        return
    given: Mapping[Any, Any] = value or {}
    for name in given:
        if name not in _PARTS:
            yield _problem(stack, (KEY, "?"), "unknown key", f"Known keys here: {', '.join(_PARTS)}.")
    for name in _PARTS:
        place, text = (KEY, name), given.get(name)
        if place in hidden:
            continue
        if text in (None, ""):
            if wanted:
                cause = "is missing, and codeb:backup.second is set"
                yield _problem(stack, place, cause, _SET.format(path_text(place)))
        elif not (isinstance(text, str) and _WORD.fullmatch(text.strip())):
            cause = "is no key as providers make them (letters, digits and / + = _ . -)"
            yield _problem(stack, place, cause, _SET.format(path_text(place)))


def _problem(stack: str, place: Location, cause: str, remedy: str) -> Problem:
    return Problem(f"Pulumi.{stack}.yaml", 0, 0, f"codeb:{path_text(place)}", cause, remedy)
