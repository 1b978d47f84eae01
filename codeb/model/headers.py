"""Headers that a manifest sets on answers or takes away, and which ones are not its own to change.

The platform's security headers are in `codeb/templates/caddy/_answers.j2`: they may be made tighter, as the table below
says, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from codeb.model import types as t
from codeb.model.problems import refusal, shown
from codeb.model.section import Section
from codeb.model.shapes import Shape, refuse_markers

_YEAR_S: Final = 31_536_000

HeaderName = Annotated[
    str,
    Shape("a header's name", "Write for example X-Robots-Tag.", r"[A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*", 64),
]
HeaderValue = Annotated[
    str,
    Shape(
        "a header's value",
        "Write printable ASCII without braces, backslashes and backquotes; the app itself can send any other.",
        r"(?! )[ -\[\]-_a-z|~]+(?<! )",
        longest=2000,
    ),
    AfterValidator(refuse_markers),
]

TIGHTER: Final[Mapping[str, tuple[str, str]]] = {
    "strict-transport-security": (
        r"max-age=[0-9]{8,10}(; ?includesubdomains(; ?preload)?)?",
        f"Write max-age={_YEAR_S} or more; then ; includeSubDomains, and ; preload after that, if you like.",
    ),
    "x-frame-options": ("deny", "It is DENY already, and nothing is tighter: leave it out."),
    "x-content-type-options": ("nosniff", "It is nosniff already, and nothing is tighter: leave it out."),
}
"""The platform's security headers in lower case: the values that are not weaker, and what to write instead."""

_OTHERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("connection", "keep-alive", "upgrade", "trailer", "te", "transfer-encoding", "date", "alt-svc"),
        "is about the connection, which is Caddy's",
    ),
    **dict.fromkeys(
        ("content-length", "content-encoding", "content-type", "content-range"),
        "belongs to the body, which the app sends",
    ),
    **dict.fromkeys(("server", "via"), "is kept from visitors by the platform"),
    **dict.fromkeys(
        ("www-authenticate", "proxy-authenticate"), "asks for passwords, which features.protect does"
    ),
    "location": "redirects, which features.redirects does",
}
_COOKIES: Final = ("set-cookie", "set-cookie2")
_PLATFORM: Final = "x-codeb-"


class Headers(Section):
    """Headers of the app's answers; security headers of the platform are of all answers."""

    model_config = ConfigDict(serialize_by_alias=True)

    set_: Mapping[HeaderName, HeaderValue] = Field(
        default_factory=dict, alias="set", max_length=50, json_schema_extra={"additionalProperties": False}
    )
    """Name: value, in place of what the app sends."""
    remove: t.Items[HeaderName] = ()
    """Names that are taken away from what the app sends."""

    @model_validator(mode="after")
    def _allowed(self) -> Self:
        _refuse_repeated([*self.set_, *self.remove], len(self.set_))
        for name, value in self.set_.items():
            _refuse_setting(name, value)
        for index, name in enumerate(self.remove):
            if name.lower() in TIGHTER:
                cause = f"{shown(name)} is a security header of the platform"
                raise refusal(
                    cause, "Remove the line; it can be tightened, not dropped.", at=("remove", index)
                )
            _refuse_others(name, ("remove", index))
        return self

    @property
    def tightened(self) -> dict[str, str]:
        """Of the platform's security headers those that are another than they are."""
        return {
            name: value for name, value in self.set_.items() if name.lower() == "strict-transport-security"
        }

    @property
    def added(self) -> dict[str, str]:
        """What is set beside the platform's security headers."""
        return {name: value for name, value in self.set_.items() if name.lower() not in TIGHTER}


def _refuse_repeated(names: Iterable[str], in_set: int) -> None:
    known: set[str] = set()
    for index, name in enumerate(names):
        if name.lower() in known:
            at = ("set", name) if index < in_set else ("remove", index - in_set)
            raise refusal(
                f"{shown(name)} is there already", "Keep one of the two; case makes no difference.", at=at
            )
        known.add(name.lower())


def _refuse_setting(name: str, value: str) -> None:
    at = ("set", name)
    if rule := TIGHTER.get(name.lower()):
        pattern, remedy = rule
        if not re.fullmatch(pattern, value.lower()) or _max_age(value) < _YEAR_S:
            raise refusal(
                f"{shown(value)} is weaker than what the platform sends, or no value of it", remedy, at=at
            )
        return
    if name.lower() in _COOKIES:
        raise refusal("all visitors would get the same cookie", "Let the app send cookies.", at=at)
    if name.lower() == "content-security-policy" and _frames_somewhere(value):
        cause = "frame-ancestors takes the place of the platform's X-Frame-Options: DENY in browsers"
        raise refusal(cause, "Leave frame-ancestors out, or write frame-ancestors 'none'.", at=at)
    _refuse_others(name, at)


def _max_age(value: str) -> int:
    """Seconds of HSTS; a year where the value has none, as of other headers."""
    found = re.match(r"max-age=([0-9]+)", value.lower())
    return int(found[1]) if found else _YEAR_S


def _frames_somewhere(policy: str) -> bool:
    words = [part.lower().split() for part in re.split("[;,]", policy)]
    return any(each[:1] == ["frame-ancestors"] and each[1:] != ["'none'"] for each in words)


def _refuse_others(name: str, at: tuple[str, str | int]) -> None:
    lower = name.lower()
    why = "is the platform's own" if lower.startswith(_PLATFORM) else _OTHERS.get(lower)
    if why:
        raise refusal(f"{shown(name)} {why}", "Remove the line.", at=at)
