"""Prometheus' rules: the same for every stack, whatever its projects are. What differs by project are series."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from codeb.render.quote import QuoteError

RULE_FILES: Final = ("rules.yml", "alerts.yml")
"""Recording rules, and the alerts that stand on them."""
_FOLDER: Final = Path(__file__).parent.parent / "templates" / "prometheus"
_PAGE: Final = "@RUNBOOKS@"
_NAME: Final = re.compile(r"^ *- alert: ([A-Za-z0-9]+)$", re.MULTILINE)
_ADDRESS: Final = re.compile(r"[A-Za-z0-9:/.,~%?=&_+-]+")


def alert_names() -> list[str]:
    """Of all alerts that there are."""
    return _NAME.findall((_FOLDER / RULE_FILES[1]).read_text(encoding="utf-8"))


def rule_files(runbooks: str) -> dict[str, str]:
    """Their texts by name. `runbooks` is where docs/monitoring-runbooks.md is read: an alert says it, its name behind.

    Not by a template of ours: what alerts say are templates of Prometheus' own, in the same braces. Raises QuoteError.
    """
    if not _ADDRESS.fullmatch(runbooks):
        raise QuoteError(f"{runbooks!r} is not the address of a page: a title's name comes behind it")
    texts = {name: (_FOLDER / name).read_text(encoding="utf-8") for name in RULE_FILES}
    return {name: text.replace(_PAGE, runbooks) for name, text in texts.items()}
