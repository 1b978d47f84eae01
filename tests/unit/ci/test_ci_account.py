"""What the account at Vultr says of a refresh that misses something."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.ci.account import Account, account
from ops.vultr.client import NotThere, Troubled
from tests.unit.ops.ops_stack import Stack

OWNER = "codeb-prod-0a1b2c"
LISTS = {
    "/load-balancers": "load_balancers", "/reserved-ips": "reserved_ips", "/instances": "instances", "/blocks": "blocks",
    "/vfs": "vfs", "/firewalls": "firewall_groups", "/vpcs": "vpcs", "/ssh-keys": "ssh_keys",
}  # fmt: skip
VPC = {
    "id": "4f0f12e5-1f84-404f-aa84-85f431ea5ec2",
    "description": OWNER,
    "v4_subnet": "10.64.0.0",
    "v4_subnet_mask": 20,
}
URN = "urn:pulumi:prod::codeb::vultr:index/vpc:Vpc::network"
STATE = {
    "deployment": {
        "resources": [
            {"type": "pulumi:pulumi:Stack", "outputs": {"fleet": {"owner": OWNER}}},
            {
                "type": "vultr:index/vpc:Vpc",
                "urn": URN,
                "id": VPC["id"],
                "inputs": {"description": OWNER},
                "outputs": {},
            },
        ]
    }
}


class Api:
    """An account with one network; `one` is what is answered for it by itself, `broken` a list that isn't answered."""

    def __init__(self, one: object = None, broken: str = "", lists: bool = True) -> None:
        self.one, self.broken, self.lists = one, broken, lists

    def get(self, path: str) -> Mapping[str, Any]:
        if isinstance(self.one, Exception):
            raise self.one
        return {"vpc": VPC} if self.one is None else {}

    def pages(self, path: str, items: str) -> list[Mapping[str, Any]]:
        if path == self.broken:
            raise Troubled("500")
        return [VPC] if path == "/vpcs" and self.lists else []


def asked(folder: Path, api: Api, missed: set[str], provider: str = "vultr") -> Account:
    document = {"config": {"codeb:provider": provider, "codeb:domain": "lab.test"}}
    (folder / "Pulumi.prod.yaml").write_text(yaml.safe_dump(document))
    return account(Stack("prod", document=STATE), folder, missed, api)  # type: ignore[arg-type]


def test_a_stack_of_existing_servers_has_no_account(tmp_path: Path) -> None:
    assert asked(tmp_path, Api(Troubled("down")), {"network"}, "existing") == Account()


def test_what_is_as_it_should_be_is_no_finding(tmp_path: Path) -> None:
    assert asked(tmp_path, Api(), set()) == Account()


def test_what_the_account_has_is_not_gone(tmp_path: Path) -> None:
    found = asked(tmp_path, Api(), {"network"})
    assert found.trouble == (f"VPC {OWNER}: taken for gone, but the account has it",)


def test_what_can_t_be_asked_is_not_gone(tmp_path: Path) -> None:
    found = asked(tmp_path, Api(Troubled("500")), {"network"})
    assert found.trouble == (f"VPC {OWNER}: taken for gone, but 500",)


def test_what_the_account_does_not_have_is_gone(tmp_path: Path) -> None:
    found = asked(tmp_path, Api(NotThere("404"), lists=False), {"network"})
    assert found.trouble == ()
    assert any(OWNER in line for line in found.findings)


@pytest.mark.parametrize("path", LISTS)
def test_a_list_that_is_not_answered_is_trouble(tmp_path: Path, path: str) -> None:
    assert any("500" in line for line in asked(tmp_path, Api(broken=path), set()).trouble)
