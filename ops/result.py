"""What a command found or did: the command line prints it, the MCP server returns it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """The outcome of one command, made without printing anything.

    `document` is for programs and always has `ok`; `lines` and `problems` are the same in words, for standard output
    and standard error, cleaned of control characters by whoever made them.
    """

    document: Mapping[str, object]
    lines: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether all is well, or what was asked for is done."""
        return bool(self.document["ok"])


def failed(error: object) -> Result:
    """What stood in the way, for an outcome that there is none of."""
    return Result({"ok": False, "problem": str(error)}, problems=(f"error: {error}",))


def written(document: Mapping[str, object], indent: int | None = None) -> str:
    """A document as JSON that standard output can show: an encoding that lacks letters gets them escaped."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    return json.dumps(document, indent=indent, ensure_ascii=encoding.replace("-", "") != "utf8")


def show(result: Result, *, as_json: bool) -> int:
    """Print a result; the exit status: 0 when it is ok, else 1."""
    if as_json:
        print(written(result.document, indent=2))
    else:
        for line in result.lines:
            print(line)
        for line in result.problems:
            print(line, file=sys.stderr)
    return 0 if result.ok else 1
