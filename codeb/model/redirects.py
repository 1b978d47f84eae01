"""Redirects of a manifest: what they match, and that none leads visitors round in a circle."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Annotated, Literal, Self
from urllib.parse import unquote

from pydantic import ConfigDict, Field, model_validator

from codeb.model import types as t
from codeb.model.hosts import overlap
from codeb.model.problems import refusal, shown
from codeb.model.section import Section
from codeb.model.shapes import Shape

BELOW = "/*"
_ORIGIN = re.compile(r"https://[^/?#]+")
_DOTS = r"(?!(?:\.|%2[Ee]){1,2}(?:[/?#]|$))"  # which browsers take away, encoded or not
_TARGET = rf"/{_DOTS}(?:[A-Za-z0-9_~.-]|%[2-9A-Fa-f][0-9A-Fa-f])+"
_REST = r"(?:\?[A-Za-z0-9_~.%=&+-]+)?(?:#[A-Za-z0-9_~.%=&-]+)?"

From = Annotated[
    str,
    Shape(
        "a path to redirect",
        "Write a path, for example /old, or /old/* for it and all below.",
        rf"(?=/)(?:/{_DOTS}[A-Za-z0-9_~.-]+)*(?:/\*|/?)",
        longest=200,
    ),
]
To = Annotated[
    str,
    Shape(
        "a place to redirect to",
        "Write a path or an https URL, for example /new or https://example.com/new; /* at its end keeps the rest.",
        rf"(?:https://{t.DOMAIN}(?::[1-9][0-9]{{0,4}})?|(?=/))(?:{_TARGET})*(?:/\*|/?{_REST})",
        longest=500,
    ),
]


class Redirect(Section):
    """Visitors of a path are sent elsewhere."""

    model_config = ConfigDict(serialize_by_alias=True)

    from_: From = Field(alias="from")
    """Path, or with /* at its end the path and everything below."""
    to: To
    """Path or https URL; with /* at its end what comes after `from` is kept."""
    status: Literal[301, 308] = 308
    """308 keeps the method, 301 makes GET of it."""

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.keeps_rest and not self.from_.endswith(BELOW):
            raise refusal("there is no rest to keep", "Write /* at the end of from, too.", at=("to",))
        return self

    @property
    def base(self) -> str:
        """The path that is matched, without `/*`; "" for all."""
        return self.from_.removesuffix(BELOW)

    @property
    def is_below(self) -> bool:
        """Whether everything below the path is matched, too."""
        return self.from_.endswith(BELOW)

    @property
    def keeps_rest(self) -> bool:
        """Whether what comes after the path is kept."""
        return self.to.endswith(BELOW)

    @property
    def origin(self) -> str | None:
        """Scheme and host, with a port, that visitors are sent to; None for the host that they asked."""
        found = _ORIGIN.match(self.to)
        return found[0] if found else None

    @property
    def path(self) -> str:
        """Path that visitors are sent to, without what is kept of theirs, query and fragment."""
        return re.split("[?#*]", self.to.removeprefix(self.origin or ""), maxsplit=1)[0] or "/"

    @property
    def extra(self) -> str:
        """Query and fragment of the target."""
        return re.sub(r"^[^?#]*", "", self.to)


Redirects = Annotated[tuple[Redirect, ...], Field(strict=False, max_length=200)]


def refuse_circles(redirects: Sequence[Redirect], hosts: Collection[str]) -> None:
    """Raises the refusal of paths that are redirected twice, or in a circle through names of `hosts`, the project's own.

    It looks at what a target may meet: of targets that keep the rest that is anything below them.
    """
    _refuse_twice(redirects)
    following = [
        {redirects.index(after) for after in _after(each, redirects)} if _is_own(each, hosts) else set()
        for each in redirects
    ]
    for number, each in enumerate(redirects):
        seen, edge = set[int](), following[number]
        while edge:
            seen |= edge
            edge = {after for one in edge for after in following[one]} - seen
        if number in seen:
            cause = f"leads from {each.from_} to {each.to} and back again"
            raise refusal(
                cause,
                "Redirect to a path that no redirect matches.",
                at=("features", "redirects", number, "to"),
            )


def _refuse_twice(redirects: Sequence[Redirect]) -> None:
    known: set[str] = set()
    for number, each in enumerate(redirects):
        key = each.from_.lower()
        if key in known:
            cause = f"{shown(each.from_)} is redirected twice"
            raise refusal(
                cause,
                "Keep one of the two; case makes no difference.",
                at=("features", "redirects", number, "from"),
            )
        known.add(key)


def _is_own(redirect: Redirect, hosts: Collection[str]) -> bool:
    host = (redirect.origin or "").removeprefix("https://").partition(":")[0]
    return redirect.origin is None or any(overlap(host, own) for own in hosts)


def _after(redirect: Redirect, redirects: Sequence[Redirect]) -> list[Redirect]:
    """By which a visitor may be redirected next: by one at most when all of them go to the same place."""
    shorter = redirect.keeps_rest and len(redirect.path) <= len(
        redirect.base
    )  # meets itself, but not for ever
    met = [
        each
        for each in most_specific_first(redirects)
        if _meets(redirect, each) and not (shorter and each is redirect)
    ]
    return met if redirect.keeps_rest else met[:1]


def _meets(redirect: Redirect, other: Redirect) -> bool:
    """Whether a visitor who was redirected by the one is, or with a rest may be, matched by the other."""
    target, base = unquote(redirect.path).lower(), other.base.lower()
    if other.is_below and (target == base or target.startswith(f"{base}/")):
        return True
    if redirect.keeps_rest:
        return (f"{base}/" if other.is_below else base).startswith(target)
    return not other.is_below and target == base


def most_specific_first(redirects: Iterable[Redirect]) -> list[Redirect]:
    """In the order in which they are tried, whatever order the manifest has: single paths, then longer before shorter."""
    return sorted(redirects, key=lambda each: (each.is_below, -len(each.base), each.base))
