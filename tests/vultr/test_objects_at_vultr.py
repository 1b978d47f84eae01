"""Object Storage of a stack at the simulated Vultr, on the real CLI: it comes, serves, and goes without a trace."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab.vultr.faults import Rule
from lab.vultr.simulator import Simulator
from tests.outputs import check
from tests.vultr.conftest import Make
from tests.vultr.told import said, steps

pytestmark = pytest.mark.cli
OBJECTS: dict[str, Any] = {"cluster": 2}


def test_a_subscription_comes_with_what_is_prepared_and_serves_once_all_is_copied(
    make: Make, vultr: Simulator
) -> None:
    vultr.set(objects_s=0.2)  # it is pending at first
    stack = make(managed={"objects": {**OBJECTS, "prepared": ["shop-0"]}})
    first = stack.up()
    assert first.returncode == 0, said(first)
    (service,) = stack.content()["object_storages"].values()
    assert service["label"].endswith("-objects-shop-0")
    assert (service["cluster_id"], service["_tier"]) == (2, 2)
    assert steps(stack) == []
    outputs = json.loads(stack.pulumi("stack", "output", "--json", "--show-secrets").stdout)
    check(outputs)
    assert outputs["registry"]["projects"]["shop-0"]["minio"]["objects"]["managed"] is False
    assert "vultrobjects" not in outputs["connections"]["shop-0"]["MINIO_ENDPOINT"]
    assert outputs["costs"]["items"]["objects of shop-0 standard"] == 18.0
    assert json.loads(stack.codeb("fleet", "check", "--json").stdout)["findings"] == []

    stack.change(managed={"objects": {**OBJECTS, "projects": ["shop-0"]}})
    refused = stack.up()
    assert refused.returncode != 0
    assert "codeb copy-objects shop-0 --to managed" in said(refused)


@pytest.mark.slow
def test_a_new_project_is_told_of_its_subscription(make: Make) -> None:
    stack = make(managed={"objects": {**OBJECTS, "projects": ["shop-0"]}})
    first = stack.up()
    assert first.returncode == 0, said(first)
    assert "no backup has them" in said(first)
    (service,) = stack.content()["object_storages"].values()
    outputs = json.loads(stack.pulumi("stack", "output", "--json", "--show-secrets").stdout)
    check(outputs)
    (access, secret), told = service["_keys"], outputs["connections"]["shop-0"]
    assert (told["MINIO_ACCESS_KEY"], told["MINIO_SECRET_KEY"]) == (access, secret)
    assert told["MINIO_ENDPOINT"] == "https://ewr1.vultrobjects.invalid"
    mark = outputs["fleet"]["owner"].rpartition("-")[2]
    assert told["MINIO_BUCKET"] == f"{mark}-shop-0-uploads"
    assert secret not in stack.bench.stack.state.read_text(), "its key is in the state in the clear"
    assert steps(stack) == []
    assert "unchanged" in stack.up().stdout

    stack.change(managed={})
    refused = stack.up()
    assert refused.returncode != 0
    assert "Copy the objects back" in said(refused)


@pytest.mark.slow
def test_a_subscription_goes_once_nobody_has_anything_there(make: Make) -> None:
    stack = make(managed={"objects": {**OBJECTS, "prepared": ["shop-0"]}})
    assert stack.up().returncode == 0
    stack.change(managed={})
    kept = stack.up()
    assert kept.returncode != 0, "what is protected does not go"
    stack.change(managed={"objects": {**OBJECTS, "prepared": ["shop-0"]}}, protect=False)
    assert stack.up().returncode == 0
    stack.change(managed={})
    gone = stack.up()
    assert gone.returncode == 0, said(gone)
    assert stack.content()["object_storages"] == {}
    assert steps(stack) == []


@pytest.mark.slow
def test_a_lost_reply_makes_a_second_one_that_is_found(make: Make, vultr: Simulator) -> None:
    """The plugin asks again, and the first one is nobody's: it would cost as long as nobody looks."""
    vultr.faults.add(Rule("cut-after", method="POST", path="/object-storage", count=1))
    stack = make(managed={"objects": {**OBJECTS, "prepared": ["shop-0"]}})
    assert stack.up().returncode == 0
    assert len(stack.content()["object_storages"]) == 2
    found = json.loads(stack.codeb("fleet", "check", "--json").stdout)["findings"]
    assert [(each["trouble"], each["kind"]) for each in found] == [("twice", "object storage")]
    assert stack.codeb("fleet", "remove", found[0]["id"], "--data", "--yes").returncode == 0
    assert len(stack.content()["object_storages"]) == 1
    assert steps(stack) == []
