"""`codeb:monitoringCredentials`: what `codeb:monitoring.export` lets us in with. No error and no `repr` shows the value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from codeb.model.problems import Problem, SettingsErrors
from codeb.model.settings import Settings

KEY: Final = "monitoringCredentials"
_WORD: Final = "[A-Za-z0-9._~+/=:@,;?&|%*-]+"
_VALUE: Final = re.compile(rf"(?=[A-Za-z0-9]){_WORD}(?: {_WORD})*")
"""The collector reads it as YAML in which `${…}` is filled in: none of that is among these characters."""
_LONGEST: Final = 4000
_SET: Final = (
    f"Set it with `pulumi config set --secret codeb:{KEY}`, as the backend shows it, for example Bearer …."
)


@dataclass(frozen=True)
class MonitoringCredentials:
    """The whole value of the header, with its scheme where it has one."""

    value: str = field(repr=False)


def parse_monitoring_credentials(
    value: object, settings: Settings, stack: str = "<stack>"
) -> MonitoringCredentials | None:
    """The value that `codeb:monitoring.export` asks for; None without such a place.

    Raises:
        SettingsErrors: it is missing, or can't be the value of a header; never shows it.
    """
    if settings.monitoring.export is None:
        return None
    problems = list(monitoring_problems(value, stack, wanted=True))
    if problems:
        raise SettingsErrors(problems)
    return MonitoringCredentials(str(value).strip())


def monitoring_problems(value: object, stack: str, *, wanted: bool) -> Iterator[Problem]:
    """What is wrong with a value in plain text; `wanted`: the stack sends elsewhere."""
    cause = ""
    if value in (None, ""):
        cause = "is missing, and codeb:monitoring.export is set" if wanted else ""
    elif not isinstance(value, str):
        cause = "is not text"
    elif len(value.strip()) > _LONGEST or not _VALUE.fullmatch(value.strip()):
        cause = (
            "is not words of letters, digits and . _ ~ + / = : @ , ; ? & | % * - with one space between them"
        )
    if cause:
        yield Problem(f"Pulumi.{stack}.yaml", 0, 0, f"codeb:{KEY}", cause, _SET)
