"""Faults by switch: which call they hit, how often, and whether the work was done."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.vultr.faults import Faults, Rule
from lab.vultr.simulator import Simulator
from tests.unit.vultr.conftest import Clock
from tests.vultr_api import INSTANCE, KEY, Api, Notebook

CUT = (http.client.HTTPException, OSError)
BODY = {"name": "k", "ssh_key": KEY}


def _keys(api: Api) -> int:
    return int(api.get("/ssh-keys")["meta"]["total"])


@pytest.mark.parametrize(("kind", "done"), [("cut-before", 0), ("cut-after", 1), ("torn", 1)])
def test_a_cut_connection_gives_no_answer(vultr: Simulator, api: Api, kind: str, done: int) -> None:
    vultr.faults.add(Rule(kind, method="POST", count=1))
    with pytest.raises(CUT):
        api.ssh_key()
    assert _keys(api) == done
    api.ssh_key()
    assert _keys(api) == done + 1


@pytest.mark.parametrize(
    ("rule", "status", "text", "done"),
    [
        (Rule("500", count=1), 500, "Internal Server Error", 0),
        (Rule("500-after", count=1), 500, "Internal Server Error", 1),
        (Rule("429", count=1), 429, "Rate limit hit", 0),
        (Rule("500", status=503, count=1), 503, "Internal Server Error", 0),
        (Rule("500", status=404, text="Gone fishing", count=1), 404, "Gone fishing", 0),
    ],
)
def test_an_error_comes_instead_of_the_work_or_after_it(
    vultr: Simulator, api: Api, rule: Rule, status: int, text: str, done: int
) -> None:
    vultr.faults.add(rule)
    assert api.refuses("POST", "/ssh-keys", BODY, status=status) == text
    assert _keys(api) == done


def test_a_429_says_when_to_come_back_if_told_so(vultr: Simulator, api: Api) -> None:
    vultr.faults.add(Rule("429", seconds=4, count=1))
    assert api.call("GET", "/account").headers["Retry-After"] == "4"
    vultr.faults.add(Rule("429", count=1))
    assert "Retry-After" not in api.call("GET", "/account").headers
    vultr.faults.add(Rule("429", status=503, seconds=2, count=1))
    got = api.call("GET", "/account")
    assert (got.status, got.headers["Retry-After"]) == (503, "2")


def test_capacity_and_quota_are_refused_as_vultr_does(vultr: Simulator, api: Api) -> None:
    vultr.faults.add(Rule("capacity", method="POST", path="/instances", count=1))
    assert "not available in the selected region" in api.refuses("POST", "/instances", INSTANCE)
    vultr.faults.add(Rule("quota", method="POST", path="/instances", count=1))
    assert "maximum number" in api.refuses("POST", "/instances", INSTANCE)
    api.instance()


def test_only_calls_that_match_are_hit(vultr: Simulator, api: Api) -> None:
    vultr.accounts.ensure("other")
    vultr.faults.add(Rule("500", method="POST,DELETE", path="/blocks/*/attach", account="main"))
    block, server = api.block()["id"], api.instance()["id"]
    api.get(f"/blocks/{block}")
    body = {"instance_id": server}
    api.refuses("POST", f"/blocks/{block}/attach", body, status=500)
    assert Api(vultr, "other").call("POST", f"/blocks/{block}/attach", body).status == 404
    vultr.faults.clear()
    api.does("POST", f"/blocks/{block}/attach", body)


def test_the_first_rule_that_hits_is_the_call_s_fault(vultr: Simulator, api: Api) -> None:
    vultr.faults.add(Rule("500", count=1))
    vultr.faults.add(Rule("429", count=1))
    assert [api.call("GET", "/account").status for _ in range(3)] == [500, 429, 200]
    assert [(one["kind"], one["hits"]) for one in vultr.faults.rules()] == [("500", 1), ("429", 1)]


def test_a_slow_answer_is_slow_and_others_are_not(vultr: Simulator, api: Api) -> None:
    vultr.faults.add(Rule("slow", path="/account", seconds=0.3, count=1))
    began = time.monotonic()
    api.get("/account")
    assert time.monotonic() - began >= 0.3


def test_what_a_call_makes_stays_pending(vultr: Simulator, api: Api, clock: Clock) -> None:
    vultr.faults.add(Rule("pending", method="POST", seconds=60))
    made = {
        "instances/": api.instance(),
        "blocks/": api.block(),
        "load-balancers/": api.balancer(),
        "vfs/": api.share(),
    }
    for path, one in made.items():
        assert one["status"] == "pending", path
    clock.now += 61
    for path, one in made.items():
        got = api.get(f"/{path}{one['id']}")
        assert (got if path == "vfs/" else next(iter(got.values())))["status"] == "active", path


def test_more_calls_a_second_than_allowed_are_refused(vultr: Simulator, api: Api, clock: Clock) -> None:
    vultr.faults.add(Rule("rate", per_second=3, seconds=1))
    assert [api.call("GET", "/account").status for _ in range(5)] == [200, 200, 200, 429, 429]
    clock.now += 1.1
    assert api.call("GET", "/account").status == 200


def test_chance_is_the_seed_s_and_outlives_the_simulator(tmp_path: Path) -> None:
    def hits(folder: Path, seed: int) -> Iterator[bool]:
        Faults(folder).add(Rule("500", probability=0.3, seed=seed))
        for _ in range(40):
            yield Faults(folder).choose("GET", "/account", "main") is not None  # opened anew each time

    one, same, other = (list(hits(_folder(tmp_path, n), seed)) for n, seed in enumerate((1, 1, 2)))
    assert one == same
    assert one != other
    assert 4 <= sum(one) <= 20


def _folder(parent: Path, number: int) -> Path:
    folder = parent / str(number)
    folder.mkdir()
    return folder


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="no fault 'fire'"):
        Rule("fire")


def test_the_log_names_faults_and_cuts(vultr: Simulator, api: Api) -> None:
    vultr.faults.add(Rule("cut-after", method="POST", count=1))
    with pytest.raises(CUT):
        api.ssh_key()
    api.refuses("GET", "/vpcs/x", status=404)
    logged = [(one.method, one.path, one.status, one.fault, one.account) for one in vultr.calls()]
    assert logged == [("POST", "/ssh-keys", 0, "cut-after", "main"), ("GET", "/vpcs/x", 404, "", "main")]


def test_a_lost_reply_makes_a_duplicate_and_repeats_no_call_to_the_machines(
    vultr: Simulator, api: Api, machines: Notebook
) -> None:
    vultr.faults.add(Rule("cut-after", method="POST", path="/instances", count=1))
    with pytest.raises(CUT):
        api.instance(label="codeb-app-1")
    api.instance(label="codeb-app-1")
    ids = [one["id"] for one in api.get("/instances?label=codeb-app-1")["instances"]]
    assert len(ids) == 2
    assert [spec.id for (spec,) in machines.of("boot")] == ids


def test_a_lost_reply_of_a_delete_is_a_404_the_second_time(
    vultr: Simulator, api: Api, machines: Notebook
) -> None:
    server = api.instance()["id"]
    vultr.faults.add(Rule("cut-after", method="DELETE", count=1))
    with pytest.raises(CUT):
        api.does("DELETE", f"/instances/{server}")
    assert api.refuses("DELETE", f"/instances/{server}", status=404) == "invalid instance ID"
    assert machines.of("destroy") == [(server,)]


def test_a_torn_answer_begins_like_a_whole_one(vultr: Simulator, api: Api) -> None:
    vultr.faults.add(Rule("torn", method="POST", count=1))
    with pytest.raises(http.client.IncompleteRead) as torn:
        api.ssh_key()
    assert torn.value.partial.startswith(b'{"ssh_key":{"id":')
    assert torn.value.expected
    assert _keys(api) == 1
