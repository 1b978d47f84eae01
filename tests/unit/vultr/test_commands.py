"""`python -m lab.vultr`: what it prints and what it changes while a simulator runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.vultr.cli import main
from lab.vultr.simulator import Simulator
from tests.vultr_api import Api


def _run(vultr: Simulator, *arguments: str) -> int:
    first = [*arguments[:2]] if arguments[0] == "fault" else [arguments[0]]
    return main([*first, "--folder", str(vultr.folder), *arguments[len(first) :]])


def test_faults_are_added_listed_and_cleared(
    vultr: Simulator, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    add = ("fault", "add", "500", "--method", "GET", "--path", "/account", "--status", "502", "--text", "no")
    assert _run(vultr, *add) == 0
    assert api.refuses("GET", "/account", status=502) == "no"
    assert _run(vultr, "fault", "list") == 0
    assert "/account" in capsys.readouterr().out
    assert _run(vultr, "fault", "clear") == 0
    api.get("/account")


def test_settings_and_accounts_change_while_it_runs(
    vultr: Simulator, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(vultr, "set", "block_s=9", "full=fra,ewr/vc2-1c-1gb", "refuse_empty_block_patch=true") == 0
    assert api.block()["status"] == "pending"
    capsys.readouterr()
    assert _run(vultr, "account", "other", "--limit", "3") == 0
    key = Path(capsys.readouterr().out.strip()).read_text().strip()
    assert Api(vultr, key=key).get("/account")
    assert _run(vultr, "set", "speed=9") == 1
    assert "a name of instance_s" in capsys.readouterr().err


def test_show_has_everything_and_nothing_secret(
    vultr: Simulator, api: Api, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    server = api.instance(label="codeb-app-1", user_data="c2VjcmV0LXdvcmQ=", tags=["codeb"])
    api.balancer(label="lb", ssl={"certificate": "c", "private_key": "secret-word"})
    names = [api.block(label="d")["id"], api.share()["id"], api.reserved(label="r")["id"], api.vpc()["id"]]
    names += [api.group()["id"], api.ssh_key()["id"], server["id"], "codeb-app-1", "active running ok", "lb"]
    api.domain(ip="203.0.113.1")
    assert _run(vultr, "show") == 0
    shown = capsys.readouterr().out
    assert [name for name in [*names, "example.test"] if name not in shown] == []
    assert "secret-word" not in shown
    assert server["default_password"] not in shown + (vultr.folder / "store.json").read_text()
    assert _run(vultr, "calls") == 0
    assert "POST /instances" in capsys.readouterr().out
