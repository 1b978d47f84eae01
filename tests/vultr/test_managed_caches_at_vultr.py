"""Managed Valkey of a stack at the simulated Vultr, on the real CLI: there, back, and away. Hosts do nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from codeb.render import cache_access
from lab.bench.fleets import FleetStack
from lab.bench.null import LOG
from lab.vultr.faults import Rule
from lab.vultr.simulator import Simulator
from tests.outputs import check
from tests.vultr.conftest import Make
from tests.vultr.told import said, steps

pytestmark = pytest.mark.cli
VALKEY: dict[str, Any] = {"plan": "vultr-dbaas-business-rp-intel-1-12-2"}


def outputs(stack: FleetStack) -> Any:
    found = json.loads(stack.pulumi("stack", "output", "--json", "--show-secrets").stdout)
    check(found)
    return found


def emptied(log: Path) -> list[str]:
    """What was done with the commands that empty an index."""
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [each["did"] for each in lines if each["name"].endswith("-cache-emptied")]


def test_a_project_s_cache_is_at_the_service_with_rights_to_its_index_alone(
    make: Make, vultr: Simulator, tmp_path: Path
) -> None:
    vultr.set(database_s=0.2)  # it is rebuilding at first
    log = tmp_path / "commands.log"
    stack = make(managed={"valkey": {**VALKEY, "projects": "all"}})
    first = stack.up(**{LOG: str(log)})
    assert first.returncode == 0, said(first)
    (service,) = stack.content()["databases"].values()
    assert (service["database_engine"], service["eviction_policy"]) == ("valkey", "allkeys-lfu")
    assert service["trusted_ips"] == ["10.64.0.0/20"]
    assert service["vpc_id"] in stack.content()["vpcs"]
    assert steps(stack) == []
    assert "unchanged" in stack.up().stdout
    assert emptied(log) == ["create"]

    found = outputs(stack)
    entry, connection = found["registry"]["projects"]["shop-0"]["redis"], found["connections"]["shop-0"]
    assert (entry["instance"], entry["managed"]) == ("redis-0", True)
    assert connection["REDIS_HOST"] == service["_host"]
    assert (connection["REDIS_PORT"], connection["REDIS_TLS"]) == (str(service["_port"]), "true")
    (user,) = service["_users"].values()
    assert (user["username"], user["password"]) == (
        connection["REDIS_USERNAME"],
        connection["REDIS_PASSWORD"],
    )
    access = cache_access(entry["db_index"], "shop_0:")
    rules = user["access_control"]
    assert (rules["acl_categories"], rules["acl_keys"]) == (["-@all"], ["*"])
    assert (sorted(rules["acl_commands"]), rules["acl_channels"]) == (sorted(access.commands), ["shop_0:*"])
    assert found["costs"]["items"]["managed valkey-0 vultr-dbaas-business-rp-intel-1-12-2"] == 60.0
    state = stack.bench.stack.state.read_text()
    assert service["_password"] not in state, "the service's password is in the state in the clear"
    assert user["password"] not in state, "a user's password is in the state in the clear"
    assert json.loads(stack.codeb("fleet", "check", "--json").stdout)["findings"] == []


@pytest.mark.slow
def test_there_and_back_and_away(make: Make, tmp_path: Path) -> None:
    log = tmp_path / "commands.log"
    stack = make()
    assert stack.up().returncode == 0
    stack.change(managed={"valkey": {**VALKEY, "projects": ["shop-0"]}})
    preview = stack.pulumi("preview", PULUMI_SKIP_CHECKPOINTS="true")
    assert "shop-0 moves from redis-0 to valkey-0" in said(preview)
    assert "its cache is not moved" in said(preview)
    there = stack.up(**{LOG: str(log)})
    assert there.returncode == 0, said(there)
    assert emptied(log) == ["create"]

    stack.change(managed={"valkey": VALKEY})
    back = stack.up(**{LOG: str(log)})
    assert back.returncode == 0, said(back)
    assert "shop-0 moves from valkey-0 to redis-0" in said(back)
    assert "REDIS_TLS" not in outputs(stack)["connections"]["shop-0"]
    (service,) = stack.content()["databases"].values()
    assert list(service["_users"]) == ["shop_0"], "a release that stands by may use it"

    stack.change(managed={})
    gone = stack.up()
    assert gone.returncode == 0, said(gone)
    assert "valkey-0 goes with what is in it" in said(gone)
    assert stack.content()["databases"] == {}
    assert steps(stack) == []
    assert emptied(log) == ["create", "delete"]


@pytest.mark.slow
def test_rules_that_vultr_refuses_end_the_run_before_the_release(
    make: Make, vultr: Simulator, tmp_path: Path
) -> None:
    log = tmp_path / "commands.log"
    vultr.faults.add(
        Rule(
            "500",
            method="PUT",
            path="/databases/*/users/*/access-control",
            status=400,
            text="Invalid acl_commands",
        )
    )
    stack = make(managed={"valkey": {**VALKEY, "projects": "all"}})
    failed = stack.up(**{LOG: str(log)})
    assert failed.returncode != 0
    assert "error updating user access control: " in said(failed)
    assert emptied(log) == []
    assert not any("-release-" in line for line in log.read_text().splitlines())
