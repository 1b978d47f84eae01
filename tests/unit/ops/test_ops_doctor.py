"""What `doctor` says of servers and account, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from ops_servers import server

from codeb.ssh import SshTarget
from ops.doctor import doctor
from ops.result import show
from ops.ssh import Answer, SshError

WELL = {"ok": True, "complete": True, "lines": []}
PROBLEM = {"what": "the disk is 95 % full", "remedy": "make\x1b[2J room"}


def ask(target: SshTarget, verb: str, document: Mapping[str, Any]) -> Answer:
    assert (verb, document) == ("doctor", {"version": 1})
    if target.address == "10.0.0.1":
        return Answer(0, {"ok": True, "problems": []})
    if target.address == "10.0.0.2":
        return Answer(1, {"ok": False, "problems": [PROBLEM]})
    if target.address == "10.0.0.3":
        return Answer(1, {"ok": False, "phase": "doctor", "cause": "broken"})
    raise SshError("no answer")


def test_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(doctor([server(1)], ask, lambda: WELL), as_json=False) == 0
    assert capsys.readouterr().out == "app1: all is well\nVultr: all is well\n"


def test_what_restores_have_put_aside_is_said_and_is_nothing_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = "shop: restore of x has put\x1b[2J 3 MiB aside"

    def keeping(*_: object) -> Answer:
        return Answer(0, {"ok": True, "problems": [], "put_aside": [line]})

    assert show(doctor([server(1)], keeping, None), as_json=False) == 0
    assert capsys.readouterr().out == "app1: all is well\n  shop: restore of x has put?[2J 3 MiB aside\n"
    assert show(doctor([server(1)], keeping, None), as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["servers"][0]["put_aside"] == [line]


def test_problems_of_hosts_and_account_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    account = {"ok": False, "lines": ["twice: server codeb-app-1 (x): …"]}
    assert show(doctor([server(n) for n in (1, 2, 3, 4)], ask, lambda: account), as_json=False) == 1
    said = capsys.readouterr()
    assert "app2: 1 problem\n  - the disk is 95 % full\n    make?[2J room\n" in said.out
    assert "Vultr: 1 finding\n  - twice: server codeb-app-1" in said.out
    assert said.err == "app3: doctor: broken\napp4: no answer\n"


def test_programs_get_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(doctor([server(1), server(2)], ask, None), as_json=True) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["ok"], [each["ok"] for each in found["servers"]], "account" in found) == (
        False,
        [True, False],
        False,
    )
