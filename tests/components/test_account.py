"""What an update does before it declares anything, when the account is not as the state has it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest
import yaml

from codeb.fleet import Trouble, compare, say
from codeb.fleet.intent import Intent
from codeb.fleet.kinds import BALANCER, DISK
from components import account
from components.account import AccountCheck, between
from ops.pulumi import PulumiError
from ops.vultr.client import NotThere, VultrError
from tests.cases.fleet import case as cases
from tests.components.test_fleet import FLEET

OWNER = "codeb-prod-1a2b3c"
OFF = cases.FOLDER / "cases" / "a-server-that-is-switched-off.yaml"


class Client:
    """Notes what is sent; fails when it is told to."""

    sent: list[tuple[str, str]]
    fails = False

    def __init__(self, _key: str) -> None:
        pass

    def get(self, path: str) -> dict[str, Any]:
        raise NotThere(path)

    def send(self, method: str, path: str) -> None:
        self.sent.append((method, path))
        if self.fails:
            raise VultrError("POST: HTTP 500")


def watched(
    monkeypatch: pytest.MonkeyPatch, stack: dict[str, Any], intent: Intent | None = None
) -> list[str]:
    """A stack and its account as the program finds them; what is said of them."""
    said = list[str]()
    monkeypatch.setattr(Client, "sent", [], raising=False)
    monkeypatch.setattr(account, "Client", Client)
    monkeypatch.setattr(account, "CliStack", lambda *_: SimpleNamespace(export=dict))
    monkeypatch.setattr(account, "read_state", lambda _: cases.state(stack))
    monkeypatch.setattr(account, "read_account", lambda *_: cases.account(stack))
    monkeypatch.setattr(account, "intent_of", lambda *_: intent)
    monkeypatch.setattr(pulumi, "get_stack", lambda: "prod")
    monkeypatch.setattr(pulumi.log, "warn", said.append)
    return said


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An account in which one server is switched off and another is being made; what is said of it."""
    return watched(monkeypatch, cases.changed(yaml.safe_load(OFF.read_text())))


def before(monkeypatch: pytest.MonkeyPatch, *, preview: bool) -> AccountCheck:
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: preview)
    plan: Any = SimpleNamespace(settings=None, projects=())
    check = AccountCheck(plan, FLEET, OWNER, "key", Path())
    check.before()
    return check


def test_an_update_starts_servers_that_are_switched_off(
    said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before(monkeypatch, preview=False)
    assert Client.sent == [("POST", "/instances/srv-1/start")]
    assert said[-1] == "server codeb-app-1 (srv-1) was switched off, and is started"


def test_a_preview_only_says_it(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    before(monkeypatch, preview=True)
    assert Client.sent == []
    assert any(line.startswith("switched off: server codeb-app-1") for line in said)


def test_a_server_that_can_t_be_started_is_said_and_stops_nothing(
    said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Client, "fails", True)
    before(monkeypatch, preview=False)
    assert said[-1] == "server codeb-app-1 (srv-1) is switched off and could not be started: POST: HTTP 500"


@pytest.mark.parametrize("end", ["", ".1a2b3c4d"], ids=["an older label", "one with its machine's id"])
def test_a_disk_that_the_state_lost_is_not_made_twice(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    """A second disk would be empty, and the data server would start on it."""
    change = {"blk-1": {"label": f"{OWNER}-data-1{end}"}}
    watched(monkeypatch, cases.changed({"state": {"drop": ["blk-1"]}, "account": {"change": change}}))
    with pytest.raises(
        pulumi.RunError, match="nothing was done:\nunknown: data disk codeb-prod-1a2b3c-data-1"
    ):
        before(monkeypatch, preview=False)
    assert before(monkeypatch, preview=True).settled


def test_a_disk_of_a_server_that_nobody_wants_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    more = [{"id": "blk-9", "label": f"{OWNER}-data-9.1a2b3c4d", "size_gb": 40}]
    said = watched(monkeypatch, cases.changed({"account": {"add": {"data disk": more}}}))
    before(monkeypatch, preview=False)
    assert any("blk-9" in line for line in said)


ANOTHER = cases.FOLDER / "cases" / "the-key-of-another-account.yaml"


def test_in_another_account_an_update_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = yaml.safe_load(ANOTHER.read_text())
    monkeypatch.setattr(Client, "get", lambda *_: {})
    said = watched(monkeypatch, cases.changed(stack))
    before(monkeypatch, preview=True)
    assert [line for line in said if line.startswith("another account")]
    with pytest.raises(pulumi.RunError, match="the key is another account's"):
        before(monkeypatch, preview=False)


WANTS = Intent({BALANCER: frozenset({OWNER}), DISK: frozenset({f"{OWNER}-data-1"})}, frozenset())


@pytest.mark.parametrize(("kind", "drop"), [("balancer", "lb-1"), ("data disk", "blk-1")])
def test_what_nobody_could_look_for_is_not_made(
    monkeypatch: pytest.MonkeyPatch, kind: str, drop: str
) -> None:
    trouble = {"unasked": {kind: "GET: 500"}}
    watched(monkeypatch, cases.changed({**trouble, "state": {"drop": [drop]}}), WANTS)
    before(monkeypatch, preview=True)
    with pytest.raises(pulumi.RunError, match=rf"would make {kind} codeb-prod.*Nothing was done"):
        before(monkeypatch, preview=False)
    watched(monkeypatch, cases.changed(trouble), WANTS)
    before(monkeypatch, preview=False)


def test_when_nothing_at_all_answers_only_what_makes_nothing_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> None:
        raise VultrError("no answer")

    for state, stops in (({}, False), ({"drop": ["lb-1"]}, True)):
        watched(monkeypatch, cases.changed({"state": state}), WANTS)
        monkeypatch.setattr(account, "read_account", silent)
        if not stops:
            before(monkeypatch, preview=False)
            continue
        with pytest.raises(pulumi.RunError, match="no answer"):
            before(monkeypatch, preview=False)


@pytest.mark.parametrize("preview", [True, False])
def test_a_zone_that_is_not_there_is_said_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, *, preview: bool
) -> None:
    watched(monkeypatch, cases.changed({"account": {"drop": ["DNS record"]}}))
    with pytest.raises(pulumi.RunError, match=r"hosts no zone example.com: add it there"):
        before(monkeypatch, preview=preview)


def test_a_state_that_is_being_written_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    watched(monkeypatch, cases.changed({}))
    answers = iter([PulumiError("EOF"), PulumiError("EOF"), {}])

    def export() -> dict[str, Any]:
        answer = next(answers)
        if isinstance(answer, PulumiError):
            raise answer
        return answer

    monkeypatch.setattr(account, "CliStack", lambda *_: SimpleNamespace(export=export))
    monkeypatch.setattr(account.time, "sleep", lambda _: None)
    assert before(monkeypatch, preview=False).settled


def test_what_comes_or_goes_while_the_account_is_asked_is_no_finding() -> None:
    """A failure is looked at in the middle of an update, which goes on with all else."""
    early, late = (
        cases.state(cases.changed({"state": {"drop": ["blk-1"]}})),
        cases.state(cases.changed({"state": {"drop": ["lb-1"]}})),
    )
    now = cases.account(cases.changed({"account": {"drop": ["lb-1"]}}))
    assert {each.trouble for each in compare(now, early, OWNER, "prod")} >= {Trouble.UNKNOWN, Trouble.GONE}
    seen = between(early, late, now, ())
    assert not say(compare(now, seen, OWNER, "prod", under_way=True))


def test_what_failed_is_told_although_it_was_being_made() -> None:
    stack = cases.changed({"creating": [["balancer", OWNER]], "state": {"drop": ["lb-1"]}})
    state, now = cases.state(stack), cases.account(stack)
    for failed, count in (((), 0), ((OWNER,), 1)):
        found = compare(now, between(state, state, now, failed), OWNER, "prod", under_way=True)
        assert len([each for each in found if each.id == "lb-1"]) == count
