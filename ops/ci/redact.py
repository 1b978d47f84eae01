"""Masks secrets in the logs of workflows before anything else sees them, and again in what a model answers.

Known values first, in every form in which programs write them; then what has the form of a secret (prefixes as their
issuers document them), what stands behind a secret's name, and long random strings. Nothing else is masked, or causes
would be lost: no digest, commit, version or path, and no word because it is somebody's password elsewhere.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import quote, quote_plus

from ops.ci import secret_forms
from ops.ci.randomness import random_strings

MASK: Final = "***"
"""As GitHub masks."""
_SHORTEST: Final = 8
"""A shorter value is a word: guessed at once, while masking it hides causes."""
_SECRET_NAME: Final = re.compile(
    r"(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|APIKEY|KEY|CREDENTIALS?|WEBHOOK(?:_URL)?|DSN|COOKIE|PAT)(?:_[0-9]+)?$"
)
_OPEN_VALUE: Final = re.compile(r"[0-9.]+|true|false|[a-z]+", re.IGNORECASE)


class Redactor:
    """Masks these values and everything that has a secret's form."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        forms = {form for value in values for form in _forms(value)}
        self._known = (
            re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)))
            if forms
            else None
        )

    def __call__(self, text: str) -> str:
        """The text with every secret replaced by `***`."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        text = secret_forms.mask(text, MASK)
        parts, reached = [], 0
        for start, end in random_strings(text):
            parts += [text[reached:start], MASK]
            reached = end
        return "".join([*parts, text[reached:]])


def of_environment(environ: Mapping[str, str]) -> Redactor:
    """Knows the values of the variables that hold secrets in this job, by their names."""
    return Redactor(
        value
        for name, value in environ.items()
        if _SECRET_NAME.search(name.upper()) and not _OPEN_VALUE.fullmatch(value)
    )


def _forms(secret: str) -> Iterator[str]:
    """A secret as it is, each of its lines, and how shells, JSON, HTML, URLs and base64 write them."""
    for text in {secret, secret.strip(), *(line.strip() for line in secret.splitlines())}:
        if len(text) < _SHORTEST or text.startswith("-----"):
            continue
        yield from (text, quote(text), quote(text, safe=""), quote_plus(text), html.escape(text))
        yield from (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1])
        yield text.replace("'", "'\\''")
        yield from _base64(text.encode("utf-8", "surrogateescape"))


def _base64(secret: bytes) -> Iterator[str]:
    """What base64 makes of a secret wherever it stands in a longer text, but for its ends."""
    for before in range(3):
        whole = base64.b64encode(bytes(before) + secret).decode()
        form = whole[-(-before * 8 // 6) : (before + len(secret)) * 8 // 6]
        yield from (form, form.replace("+", "-").replace("/", "_"))
