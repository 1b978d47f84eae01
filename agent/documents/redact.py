"""Keeps secrets out of what people read: each is masked before a text leaves the agent, and nothing else is.

What people are shown anyway (the manifest's variables, names, addresses) stays readable, or the cause would be lost.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus, unquote

MASK: Final = "*****"
CUT: Final = "…"
"""Ends a text that was cut off: a secret may have been cut in two."""
SHORTEST: Final = 6
"""A shorter secret is a word like "true" or "3000": guessed at once, while masking it hides causes."""
_PASSWORD: Final = re.compile(r"://[^\s:/@]*:([^\s/]+)@")
_ARMOUR: Final = re.compile(r"-----(BEGIN|END) [A-Z0-9 ]+-----")


_GO: Final = {ord(each): f"\\u{ord(each):04x}" for each in "<>&"}
"""How Go's JSON writes what HTML gives a meaning to."""


class Redactor:
    """Masks these secrets in every form in which programs write them, and passwords of URLs in what is `public`.

    A public value in which a secret occurs is known to everybody, and stays as it is where it stands as a whole.
    """

    def __init__(self, secrets: Iterable[str], public: Iterable[str] = ()) -> None:
        found: set[str] = set()
        for value in secrets:
            found.update(form for part in (value, *passwords(value)) for form in _forms(part))
        shown = set(public)
        for value in shown:
            found.update(form for part in passwords(value) for form in _forms(part))
        self._secrets = sorted(found, key=len, reverse=True)
        self._public = [
            value for value in shown if not passwords(value) and any(secret in value for secret in found)
        ]

    def __call__(self, text: str) -> str:
        """The text with every secret replaced by `*****`."""
        kept = [span for value in self._public for span in _occurrences(value, text)]
        spans = [
            (start, end)
            for start, end in sorted({*self._whole(text), *self._cut_off(text)})
            if not any(first <= start and end <= last for first, last in kept)
        ]
        parts, reached = [], 0
        for start, end in spans:
            if start >= reached:
                parts += [text[reached:start], MASK]
            reached = max(reached, end)
        return "".join([*parts, text[reached:]])

    def _whole(self, text: str) -> Iterator[tuple[int, int]]:
        for secret in self._secrets:
            yield from _occurrences(secret, text)

    def _cut_off(self, text: str) -> Iterator[tuple[int, int]]:
        """Beginnings of secrets where a text was cut off."""
        for end, _ in _occurrences(CUT, text):
            for secret in self._secrets:
                lengths = range(min(len(secret) - 1, end), SHORTEST - 1, -1)
                length = next((n for n in lengths if text.startswith(secret[:n], end - n)), 0)
                if length:
                    yield end - length, end


def _occurrences(value: str, text: str) -> Iterator[tuple[int, int]]:
    start = text.find(value)
    while start >= 0:
        yield start, start + len(value)
        start = text.find(value, start + 1)


def passwords(value: str) -> list[str]:
    """Passwords of the URLs in a value, as they stand there and as they are meant."""
    return [form for password in _PASSWORD.findall(value) for form in (password, unquote(password))]


def lines(secret: str) -> list[str]:
    """The lines of a secret, without what is around them and without those that only say what it is."""
    stripped = (line.strip() for line in secret.splitlines())
    return [line for line in stripped if not _ARMOUR.fullmatch(line)]


def _forms(secret: str) -> Iterator[str]:
    """A secret as it is, each of its lines, and how programs write them, base64 among them."""
    for text in {secret, secret.strip(), *lines(secret)}:
        if len(text) >= SHORTEST:
            yield from written(text)
            yield from _base64(text.encode("utf-8", "surrogateescape"))


def written(text: str) -> Iterator[str]:
    """A text as it is, and how shells, JSON, HTML, URLs and programs write it."""
    quoted = [quote(text), quote(text, safe=""), quote_plus(text)]
    yield from (text, *quoted, *(re.sub("%..", lambda found: found[0].lower(), each) for each in quoted))
    for form in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
        yield from (form, form.replace("/", "\\/"), form.translate(_GO))  # PHP, Go
    yield from (repr(text)[1:-1], text.replace("'", "'\\''"), text.replace("'", "'\"'\"'"))
    escaped = html.escape(text)
    yield from (escaped, escaped.replace("&quot;", "&#34;").replace("&#x27;", "&#39;"))


def _base64(secret: bytes) -> Iterator[str]:
    """What base64 makes of a secret wherever it stands in a longer text (`user:password`), but for its ends."""
    for before in range(3):
        whole = base64.b64encode(bytes(before) + secret).decode()
        form = whole[-(-before * 8 // 6) : (before + len(secret)) * 8 // 6]
        yield from (form, form.replace("+", "-").replace("/", "_"))
