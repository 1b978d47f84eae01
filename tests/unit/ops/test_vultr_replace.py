"""One server made anew: what is said, what the agent is asked, and how Pulumi is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ops_servers import server
from ops_stack import Stack
from vultr_api import KEY

from codeb.fleet import compare, read_state
from codeb.ssh import SshTarget
from ops.access import AccessError
from ops.pulumi import PulumiError
from ops.ssh import Answer, SshError
from ops.vultr import replace as replacing
from ops.vultr.case import Case
from ops.vultr.client import Client
from ops.vultr.replace import Wanted, replace
from tests.cases.fleet import case as cases


@dataclass
class Agent:
    """Answers `retire`, or does not."""

    stack: Stack
    answer: Answer | None = field(default_factory=lambda: Answer(0, {"ok": True}))

    def __call__(self, target: SshTarget, verb: str, document: Mapping[str, Any]) -> Answer:
        self.stack.told.append((f"agent {verb}",))
        if self.answer is None:
            raise SshError("no answer")
        return self.answer


def case(stack: Stack, **changes: Any) -> Case:
    facts = cases.changed(changes)
    found = cases.document(
        facts, {"fleet": {"servers": {"app-1": {"id": "srv-1"}, "data-1": {"id": "srv-3"}}}}
    )
    account, state = cases.account(facts), read_state(found)
    findings = compare(account, state, facts["owner"], "prod", wanted=cases.wanted(facts))
    return Case(
        stack, Client(KEY, "https://api.vultr.com/v2"), found, state, account, facts["owner"], findings
    )


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replacing, "server_named", lambda *_: server(1))


URN = "urn:pulumi:prod::codeb::codeb:fleet:Fleet$vultr:index/instance:Instance::fleet-"
UP = ("up", "--yes", "--skip-preview", "--replace")


def run(
    found: Case, name: str, stack: Stack, agent: Agent | None = None, *, says: bool = True, **facts: Any
) -> int:
    return replace(found, Path(), Wanted(name, **facts), lambda: says, agent or Agent(stack))


def test_a_server_with_a_disk_is_quiet_before_the_disk_goes(capsys: pytest.CaptureFixture[str]) -> None:
    stack = Stack()
    assert run(case(stack), "data-1", stack, yes=True) == 0
    renew = "CODEB_RENEW=data-1"
    assert stack.told == [
        ("preview", "--replace", f"{URN}srv-3", renew),
        ("unprotect", f"{URN}srv-3"), ("agent retire",), (*UP, f"{URN}srv-3", renew),
    ]  # fmt: skip
    said = capsys.readouterr().out
    assert "its services end now; its data disk codeb-prod-1a2b3c-data-1 goes to the new server" in said
    assert "its services have ended, its disk is free" in said


def test_nothing_is_ended_while_another_run_has_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(_stack: Stack, _urn: str) -> None:
        raise PulumiError("the stack is currently locked by 1 lock(s)")

    stack = Stack()
    monkeypatch.setattr(Stack, "unprotect", locked)
    with pytest.raises(PulumiError, match="locked"):
        run(case(stack), "data-1", stack, yes=True)
    assert [line[0] for line in stack.told] == ["preview"]


@pytest.mark.parametrize(("name", "yes"), [("data-1", True), ("data-1", False), ("app-1", False)])
def test_nothing_is_ended_when_the_program_refuses_the_settings(
    name: str, yes: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = Stack(fails=True)
    assert run(case(stack), name, stack, yes=yes) == 1
    assert [line[0] for line in stack.told] == ["preview"]
    assert "its preview failed: nothing was changed" in capsys.readouterr().err


def test_an_app_server_serves_until_the_new_one_is_there() -> None:
    stack = Stack()
    assert run(case(stack), "app-1", stack) == 0
    renew = "CODEB_RENEW=app-1"
    assert stack.told == [("preview", "--replace", f"{URN}srv-1", renew), (*UP, f"{URN}srv-1", renew)]


@pytest.mark.parametrize("answer", [None, Answer(1, {"phase": "retire", "cause": "postgres does not stop"})])
def test_an_agent_that_does_not_do_it_is_told(
    answer: Answer | None, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = Stack()
    assert run(case(stack), "data-1", stack, Agent(stack, answer), yes=True) == 0
    assert ("does not answer" if answer is None else "postgres does not stop") in capsys.readouterr().out


def test_a_server_whose_key_is_not_known_is_replaced_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object) -> None:
        raise AccessError("no SSH key")

    monkeypatch.setattr(replacing, "server_named", lost)
    stack = Stack()
    assert run(case(stack), "data-1", stack, yes=True) == 0
    assert [line[0] for line in stack.told] == ["preview", "unprotect", "up"]


def test_data_on_the_server_s_own_disk_goes_on_somebody_s_word_only(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stack = Stack()
    protected = case(stack, state={"change": {"srv-1": {"protect": True}}})
    assert run(protected, "app-1", stack, yes=True) == 1
    assert stack.told == []
    assert run(protected, "app-1", stack, yes=True, data=True) == 0
    assert stack.told == [("unprotect", f"{URN}srv-1"), (*UP, f"{URN}srv-1", "CODEB_RENEW=app-1")]
    assert "ALL DATA ON IT IS LOST" in capsys.readouterr().out


def test_nothing_happens_without_a_yes_or_in_trouble(capsys: pytest.CaptureFixture[str]) -> None:
    stack = Stack()
    gone, elsewhere = {"drop": ["srv-1"]}, {"change": {"blk-1": {"attached_to_instance": "srv-2"}}}
    assert run(case(stack), "app-1", stack, says=False, yes=True) == 1
    assert run(case(stack, unasked={"server": "500"}), "app-1", stack, yes=True) == 2
    assert run(case(stack, account=gone), "app-1", stack, yes=True) == 1
    assert run(case(stack, account=elsewhere), "data-1", stack, yes=True) == 1
    assert run(case(stack), "web-1", stack, yes=True) == 1
    assert stack.told == []
    said = capsys.readouterr().err
    assert "no such server is at Vultr; there is app-1, app-2, data-1" in said
    assert "mend this first: gone: server codeb-app-1" in said


def test_a_failed_update_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    stack = Stack(fails=True)
    assert run(case(stack), "app-1", stack, yes=True) == 1
    assert "then again: codeb fleet replace app-1 --stack prod" in capsys.readouterr().err
