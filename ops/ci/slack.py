"""Messages to one Slack-compatible webhook. Its URL is a secret: it is in no message and no error."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import httpx2

from codeb.model import DocumentErrors, parse_outside
from ops.words import clean

VARIABLE: Final = "SLACK_WEBHOOK_URL"
_SECONDS: Final = 10.0
_LONGEST_LINE: Final = 600
_MOST_LINES: Final = 12
_ESCAPES: Final = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
_CALLS: Final = re.compile(r"@(?=(?:all|channel|everyone|here)\b)", re.IGNORECASE)


def safe(text: str) -> str:
    """Text that Slack and Mattermost show as it is: no link, no mention, no call of everybody."""
    shown = clean(text)
    shown = shown if len(shown) <= _LONGEST_LINE else f"{shown[: _LONGEST_LINE - 1]}…"
    for letter, escape in _ESCAPES:
        shown = shown.replace(letter, escape)
    return _CALLS.sub("@\u200b", shown)


def message(icon: str, lines: Sequence[str]) -> Mapping[str, str]:
    """What a webhook takes. `icon` is ours, like `:x:`; the lines may be anybody's."""
    kept = [safe(line) for line in lines if line]
    left_out = len(kept) - _MOST_LINES
    if left_out > 0:
        kept[_MOST_LINES:] = [f"… {left_out} more: see the run"]
    return {"text": f"{icon} " + "\n".join(kept)}


def send(url: str, what: Mapping[str, str], transport: httpx2.BaseTransport | None = None) -> str:
    """Send it once: why it did not arrive, "" when it did. A message is no reason to fail."""
    try:
        parse_outside({"notifications": {"slack": [url]}})
    except DocumentErrors:
        return f"{VARIABLE} is not the URL of a webhook: nobody was told"
    try:
        with httpx2.Client(timeout=_SECONDS, transport=transport, follow_redirects=False) as client:
            answer = client.post(url, json=dict(what))
    except httpx2.HTTPError as error:
        return f"the webhook of {VARIABLE} can't be reached ({type(error).__name__}): nobody was told"
    if not answer.is_success:
        return f"the webhook of {VARIABLE} answered {answer.status_code}: nobody was told"
    return ""
