"""What may be removed, for every case of account and state that the comparison knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ops_stack import Stack
from vultr_api import KEY, Reply, scripted

from codeb.fleet import Removal, Whose, compare, whose
from codeb.fleet.kinds import RECORD, RULE
from ops.vultr.case import Case
from ops.vultr.client import Client
from ops.vultr.removal import Wanted, _Removing, decide, remove
from tests.cases.fleet import case as cases


def case_of(path: Path, client: Client | None = None) -> Case:
    stack = cases.changed(yaml.safe_load(path.read_text()))
    account, state = cases.account(stack), cases.state(stack)
    findings = compare(account, state, stack["owner"], "prod", wanted=cases.wanted(stack))
    client = client or Client(KEY, "https://api.vultr.com/v2")
    return Case(Stack(), client, {}, state, account, stack["owner"], findings)


@pytest.mark.parametrize("path", cases.CASES, ids=lambda path: path.stem)
@pytest.mark.parametrize("unmarked", [False, True])
def test_only_what_is_marked_and_unknown_goes_and_no_data(path: Path, unmarked: bool) -> None:
    case = case_of(path)
    known = case.state.by_key()
    for thing in case.account:
        for finding, gone in decide(case, Wanted((thing.key,), unmarked=unmarked)).go:
            ours = whose(gone, case.owner) is Whose.OURS
            assert (gone.kind, gone.key) not in known, "the state has it"
            assert ours or gone.kind is RECORD or (unmarked and gone.kind is RULE), "no mark is on it"
            assert not finding.holds_data, "not without --data"
            assert unmarked or finding.removal is Removal.MARKED


def test_a_disk_that_a_running_server_uses_stays_whatever_is_said() -> None:
    case = case_of(cases.FOLDER / "cases" / "everything-twice.yaml")
    disk = next(each for each in case.account if each.key == "blk-9")
    for user, words in (("srv-3", "codeb-data-1 uses it: adopt it"), ("srv-77", "not this stack's")):
        disk.data["attached_to_instance"] = user  # type: ignore[index]
        decision = decide(case, Wanted(("blk-9",), data=True, unmarked=True))
        assert decision.go == ()
        assert words in decision.refusals[0]


def test_while_not_all_is_known_nothing_goes(capsys: pytest.CaptureFixture[str]) -> None:
    case = case_of(cases.FOLDER / "cases" / "the-api-does-not-answer-for-some-kinds.yaml")
    assert remove(case, Path(), Wanted(("srv-1",)), lambda: True) == 2
    assert "nothing was changed" in capsys.readouterr().err


def thing(case: Case, key: str, **data: Any) -> Any:
    found = next(each for each in case.account if each.key == key)
    found.data.update(data)  # type: ignore[attr-defined]
    return found


def test_what_outlives_a_server_comes_off_first() -> None:
    with scripted(*[Reply(204, b"")] * 9) as script:
        case = case_of(
            cases.FOLDER / "cases" / "a-second-server-with-a-disk-attached.yaml", Client(KEY, script.url)
        )
        server = thing(case, "srv-9", vpcs=[{"id": "vpc-1"}])
        thing(case, "vfs-1", attachments=[{"target_id": "srv-9"}, {"target_id": "srv-1"}])
        assert _Removing(case.client, case.account, lambda _: None).remove(server)
    assert script.asked == [
        ("POST", "/v2/blocks/blk-1/detach", {"live": True}),
        ("DELETE", "/v2/vfs/vfs-1/attachments/srv-9", None),
        ("PATCH", "/v2/instances/srv-9", {"detach_vpc": ["vpc-1"]}),
        ("DELETE", "/v2/instances/srv-9", None),
    ]


def test_what_is_busy_is_waited_for() -> None:
    busy = Reply(400, {"error": "The following servers are attached to this VPC network: …"})
    waits: list[float] = []
    with scripted(busy, busy, Reply(204, b"")) as script:
        case = case_of(cases.FOLDER / "cases" / "everything-twice.yaml", Client(KEY, script.url))
        assert _Removing(case.client, case.account, waits.append).remove(thing(case, "vpc-9"))
    assert waits == [1.0, 2.0]
