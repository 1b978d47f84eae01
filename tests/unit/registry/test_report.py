"""The lab's table of the registry."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from lab.report import print_registry


def entry(project: str, release: dict[str, Any] | None, status: str = "running") -> dict[str, Any]:
    return {"id": project, "status": status, "domain": f"{project}.lab.test", "release": release}


def test_the_table_says_which_release_runs_and_below_it_why(capsys: pytest.CaptureFixture[str]) -> None:
    back = {
        "id": "r13",
        "image": "reg:5000/x/shop:1.0.0",
        "why": "rolled back from r12 (reg:5000/x/shop:1.1.0) by ann@laptop",
    }
    pinned = {"id": "r2", "image": f"ghcr.io/x/news@sha256:{'a' * 64}", "why": "released"}
    local = {"id": "r1", "image": "ghcr.io/x/wiki", "digest": "sha256:" + "b" * 64, "why": "released"}
    entries = [
        entry("shop", back),
        entry("news", pinned),
        entry("wiki", local),
        entry("new", None),
        entry("left", back, "retained"),
    ]
    print_registry({"projects": {each["id"]: each for each in entries}}, Console(highlight=False))
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["PROJECT", "STATUS", "RELEASE"]
    shown = {row.split()[0]: row.split("  ") for row in rows[:5]}
    cells = {name: [cell.strip() for cell in row if cell.strip()][2] for name, row in shown.items()}
    assert cells == {
        "shop": "r13 1.0.0",
        "news": "r2 aaaaaaaaaaaa",
        "wiki": "r1 bbbbbbbbbbbb",
        "new": "-",
        "left": "r13 1.0.0",
    }
    assert rows[5:] == ["shop: rolled back from r12 (reg:5000/x/shop:1.1.0) by ann@laptop"]
