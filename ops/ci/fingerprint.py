"""Which failures are the same: the same step of the same job of the same workflow with the same first errors."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final

_ERRORS: Final = 3
_LENGTH: Final = 16
_MATRIX: Final = re.compile(r"\s*\([^()]*\)$")
_TIME: Final = (
    r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?|\b\d\d:\d\d:\d\d(?:[.,]\d+)?"
)
_TEMPORARY: Final = (
    r"(?:/private)?/(?:tmp|var/folders|var/tmp)/[^\s:'\"()]+|[A-Z]:\\[^\s:'\"()]*\\Temp\\[^\s:'\"()]+"
)
_CHANGING: Final = (
    (re.compile(_TIME), "<time>"),
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE), "<id>"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE), "<hex>"),
    (re.compile(r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{7,}\b", re.IGNORECASE), "<hex>"),
    (re.compile(_TEMPORARY), "<temporary>"),
    (re.compile(r"/(?:home|Users)/[^/\s]+/work/[^/\s]+/[^/\s]+/|/__w/[^/\s]+/[^/\s]+/|/github/workspace/"), ""),
    (re.compile(r"(?<=[\w)])(?::\d+){1,2}\b|\(\d+,\d+\)"), "<line>"),
    (re.compile(r"\b\d+(?:\.\d+)?\s?(?:ms|s|sec|secs|seconds?|min|minutes?|m|h)\b"), "<duration>"),
    (re.compile(r"(?<!exit code )(?<!status )(?<![A-Za-z_\d])\d+(?:\.\d+)*(?![A-Za-z])"), "#"),
    (re.compile(r"\br\d+\b"), "r#"),  # our own releases
    (re.compile(r"FATAL ERROR: .{1,200}(?= JavaScript heap out of memory)"), "FATAL ERROR:"),  # V8 has several words for it
    (re.compile(r"\s+"), " "),
)  # fmt: skip
"""What differs from run to run of the same failure, in the order in which it is taken out."""


def fingerprint(workflow: str, job: str, step: str, errors: Iterable[str]) -> str:
    """16 hexadecimal digits. Jobs of a matrix are one, as are errors that differ in numbers, lines, times and places."""
    first = list(dict.fromkeys(normal(line) for line in errors))[:_ERRORS]
    parts = (workflow, _MATRIX.sub("", job), step, *first)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:_LENGTH]


def normal(line: str) -> str:
    """A line without what changes from run to run; codes such as `TS2322` and exit codes stay."""
    text = line.strip()
    for changing, by in _CHANGING:
        text = changing.sub(by, text)
    return text.strip()
