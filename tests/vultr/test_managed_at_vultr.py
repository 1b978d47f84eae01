"""The managed PostgreSQL of a stack at the simulated Vultr, on the real CLI: made, kept, found again, and taken away."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codeb.secrets import certificate_authority
from lab.vultr.faults import Rule
from lab.vultr.simulator import Simulator
from tests.outputs import check
from tests.vultr.conftest import Make
from tests.vultr.told import said, steps

pytestmark = pytest.mark.cli
CA = certificate_authority(b"a test's own".ljust(32, b".")).certificate
POSTGRES: dict[str, Any] = {"plan": "vultr-dbaas-business-cc-2-80-4", "ca": CA}


def test_a_service_comes_with_what_is_prepared_and_goes_without_a_trace(make: Make, vultr: Simulator) -> None:
    vultr.set(database_s=0.2)  # it is rebuilding at first
    stack = make(managed={"postgres": {**POSTGRES, "prepared": "all"}})
    first = stack.up()
    assert first.returncode == 0, said(first)
    (service,) = stack.content()["databases"].values()
    assert service["trusted_ips"] == ["10.64.0.0/20"]
    assert service["vpc_id"] in stack.content()["vpcs"]
    assert steps(stack) == []
    outputs = json.loads(stack.pulumi("stack", "output", "--json", "--show-secrets").stdout)
    check(outputs)
    assert outputs["registry"]["projects"]["shop-0"]["database"]["beside"] is True
    assert "vultrdb" not in outputs["connections"]["shop-0"]["DATABASE_URL"]
    assert outputs["costs"]["items"]["managed postgres vultr-dbaas-business-cc-2-80-4"] == 100.0
    state = stack.bench.stack.state.read_text()
    assert service["_password"] not in state, "the service's password is in the state in the clear"
    assert json.loads(stack.codeb("fleet", "check", "--json").stdout)["findings"] == []

    stack.change(managed={"postgres": {**POSTGRES, "projects": ["shop-0"]}})
    refused = stack.up()
    assert refused.returncode != 0
    assert "codeb move-data shop-0 --to managed" in said(refused)

    stack.change(managed={"postgres": {**POSTGRES, "prepared": "all"}}, protect=False)
    assert stack.up().returncode == 0  # what is protected is let go first
    stack.change(managed={})
    gone = stack.up()
    assert gone.returncode == 0, said(gone)
    assert stack.content()["databases"] == {}


@pytest.mark.slow
def test_a_new_project_is_told_where_the_service_is(make: Make) -> None:
    stack = make(managed={"postgres": {**POSTGRES, "projects": "all"}})
    first = stack.up()
    assert first.returncode == 0, said(first)
    (service,) = stack.content()["databases"].values()
    outputs = json.loads(stack.pulumi("stack", "output", "--json", "--show-secrets").stdout)
    check(outputs)
    url = outputs["connections"]["shop-0"]["DATABASE_URL"]
    assert f"@{service['_host']}:{service['_port']}/" in url
    assert outputs["registry"]["projects"]["shop-0"]["database"]["managed"] is True
    assert steps(stack) == []
    assert "unchanged" in stack.up().stdout


@pytest.mark.slow
def test_a_lost_reply_makes_a_second_one_that_is_found(make: Make, vultr: Simulator) -> None:
    """The plugin asks again, and the first one is nobody's: it would cost as long as nobody looks."""
    vultr.faults.add(Rule("cut-after", method="POST", path="/databases", count=1))
    stack = make(managed={"postgres": POSTGRES})
    assert stack.up().returncode == 0
    assert len(stack.content()["databases"]) == 2
    found = json.loads(stack.codeb("fleet", "check", "--json").stdout)["findings"]
    assert [(each["trouble"], each["kind"]) for each in found] == [("twice", "managed database")]
    assert stack.codeb("fleet", "remove", found[0]["id"], "--data", "--yes").returncode == 0
    assert len(stack.content()["databases"]) == 1
    assert steps(stack) == []
