"""Figures that the console shows too: asked by the same queries (`codeb/data/console/queries.json`)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_QUERIES = Path(__file__).parent.parent / "data" / "console" / "queries.json"


def of_all(name: str) -> str:
    """Of the platform over the dashboard's time range: `total`, `mean`, `errors`."""
    return _filled("all", name)


def of_one(name: str) -> str:
    """The same of the project that the dashboard's variable names."""
    return _filled("one", name)


def _filled(of: str, name: str) -> str:
    query: str = _queries()[of]["figures"][name]
    return query.replace("$range", "$__range").replace("$project", '"$project"')


@cache
def _queries() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_QUERIES.read_text(encoding="utf-8"))
    return found
