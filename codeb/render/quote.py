"""How values enter text: one function per target, each of which quotes or refuses.

Jinja2 has no idea of units and Caddyfiles, so templates name the filter; `render` refuses a template that
leaves out a value (StrictUndefined). The model has validated values before; here nothing is taken on trust
again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*")
_CADDY: Final = re.compile(r"[A-Za-z0-9/][A-Za-z0-9._:/@~+-]*")
_CADDY_HOST: Final = re.compile(r"(?:\*\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_CADDY_PATH: Final = re.compile(r"/[A-Za-z0-9._~/-]*\*?")
_CADDY_UPSTREAM: Final = re.compile(r"(?:[A-Za-z0-9.-]+|@\{private:[a-z0-9-]+\}):[0-9]{1,5}")
_CADDY_TARGET: Final = re.compile(r"[A-Za-z0-9/][A-Za-z0-9._:/~%?=&+#-]*")
_CADDY_HASH: Final = re.compile(r"\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}")
_CADDY_LINE: Final = re.compile(r"[ -\[\]-_a-z|~]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_MARKER: Final = re.compile(r"@\{(?:secret|public):|@IMAGE@")

EMPTY: Final = "${CODEB_EMPTY}"
"""An empty argument: a unit that has one sets this variable to nothing."""


class QuoteError(ValueError):
    """A value that has no safe form in the target."""


def plain(value: object) -> str:
    """A value that needs no quotes anywhere: letters, digits and `._:/@+-`.

    Raises:
        QuoteError: the value has other characters.
    """
    return _matching(_PLAIN, value, "a plain value")


def caddy(value: object) -> str:
    """One token of a Caddyfile: a host name, a path, a number. No placeholder, quote or space gets through.

    Raises:
        QuoteError: the value has other characters.
    """
    return _matching(_CADDY, value, "a token of a Caddyfile")


def caddy_host(value: object) -> str:
    """A site's address: a host name, or `*.` and one.

    Raises:
        QuoteError: the value has other characters.
    """
    return _matching(_CADDY_HOST, value, "a host name")


def caddy_path(value: object) -> str:
    """A path to match, with an asterisk at its end or without.

    Raises:
        QuoteError: the value has other characters.
    """
    return _matching(_CADDY_PATH, value, "a path")


def caddy_target(value: object) -> str:
    """Where a redirect leads, as a token or a part of one, before placeholders of our own.

    Raises:
        QuoteError: the value has other characters.
    """
    return _matching(_CADDY_TARGET, value, "a target of a redirect")


def caddy_upstream(value: object) -> str:
    """Host and port of a `reverse_proxy`; the host may be an address that is known only once its server is there.

    Raises:
        QuoteError: the value has other characters.
    """
    return _matching(_CADDY_UPSTREAM, value, "a host and its port")


def caddy_login(name: str, value: str) -> str:
    """A line of `basic_auth`.

    Raises:
        QuoteError: the name has other characters, or the value is no bcrypt hash; doesn't show it.
    """
    if not _CADDY_HASH.fullmatch(value):
        raise QuoteError(f"what {caddy(name)} has for a password is no bcrypt hash")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._@-]*", name):
        raise QuoteError(f"{name[:60]!r} is not a login's name")
    return f"{name} {value}"


def caddy_line(value: object) -> str:
    """Text with spaces and quotes as one token: Caddy reads nothing in backquotes but placeholders, which need braces.

    Raises:
        QuoteError: the value has braces, backquotes, backslashes, or is no line of ASCII.
    """
    return f"`{_matching(_CADDY_LINE, value, 'a line of a Caddyfile')}`"


def unit(value: object) -> str:
    """The value of a setting outside of command lines, e.g. `OnCalendar=`: `%` is doubled.

    Raises:
        QuoteError: the value would not stay on its line (control characters, a backslash at its end) or is
        empty.
    """
    text = _one_line(str(value))
    if not text or text != text.strip() or text.endswith("\\"):
        raise QuoteError(f"{text[:60]!r} cannot be the value of a unit's setting")
    return text.replace("%", "%%")


def words(values: Iterable[str]) -> str:
    """Arguments of a command line in a unit, each in double quotes, so that the program gets them as they
    are.

    Quadlet splits the line and quotes it again for systemd, which then expands `%` and `$`: both are
    doubled. A tab, the one control character that the model lets through, is written as an escape.

    Raises:
        QuoteError: an argument has a control character or a marker that something else would fill in.
    """
    return " ".join(_word(value) for value in values)


def collector(value: object) -> str:
    """A text in the collector's configuration: YAML's double quotes, and `$` doubled, as `${…}` is filled in there.

    Raises:
        QuoteError: the value has control characters or a marker that something else would fill in.
    """
    text = _one_line(str(value))
    if _MARKER.search(text):
        raise QuoteError(f"{text[:60]!r} contains a marker of the platform")
    return json.dumps(text).replace("$", "$$")


def environment_value(name: str, value: str) -> str:
    """The value of a variable, which is what a program finds in its environment: any text without NUL.

    Raises:
        QuoteError: the value has a NUL; names the variable, not the value.
    """
    if "\0" in value:
        raise QuoteError(f"the value of {name} must have no NUL characters")
    return value


def has_several_lines(value: str) -> bool:
    """Whether the value of a variable has no form in an environment file, which holds one a line."""
    return "\n" in value or "\r" in value


def _word(value: str) -> str:
    if not value:
        return EMPTY  # Quadlet loses an empty word, however it is quoted; systemd keeps what a variable leaves empty
    text = _one_line(value.replace("\t", ""))
    if _MARKER.search(text):
        raise QuoteError(f"{text[:60]!r} contains a marker of the platform")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return '"' + escaped.replace("%", "%%").replace("$", "$$") + '"'


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise QuoteError(f"{text[:60]!r} contains control characters")
    return text


def _matching(pattern: re.Pattern[str], value: object, what: str) -> str:
    text = str(value)
    if not pattern.fullmatch(text):
        raise QuoteError(f"{text[:60]!r} is not {what}")
    return text
