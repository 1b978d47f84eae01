"""Answers without a field: what ends the real plugin, what drifts, what does no harm."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from lab.providers.protocol import ProviderError
from tests.plugins.vultr.account import Account
from tests.plugins.vultr.conftest import Lives
from tests.plugins.vultr.lives import Life
from tests.plugins.vultr.server import Answer, Call


def without(account: Account, path: str, field: str) -> Any:
    """The account's answers, where the path matches without this field: `load_balancer.generic_info`."""
    *parents, key = field.split(".")

    def answer(call: Call) -> Answer:
        found = account.answer(call)
        if call.method != "GET" or not call.path.endswith(path):
            return found
        body = copy.deepcopy(found.body)
        inner = body
        for name in parents:
            inner = inner[name]
        del inner[key]
        return Answer(found.status, body)

    return answer


def forgetting(one: Life, account: Account, field: str, path: str = "") -> None:
    """Made, then refreshed from answers without a field."""
    one.create()
    one.server.behaviour = without(account, path or one.state.id, field)
    one.refresh()
    one.server.behaviour = account.answer


@pytest.mark.parametrize(
    ("resource", "field", "path"),
    [
        ("Instance", "backup_schedule.enabled", "/backup-schedule"),
        ("Instance", "meta", "/vpcs"),
        ("Instance", "meta.links", "/vpcs"),
        ("LoadBalancer", "load_balancer.health_check", ""),
        ("LoadBalancer", "load_balancer.generic_info", ""),
        ("LoadBalancer", "load_balancer.generic_info.sticky_sessions", ""),
        ("SSHKey", "ssh_key", ""),
    ],
)
def test_answers_that_end_the_real_plugin(
    life: Lives, account: Account, resource: str, field: str, path: str
) -> None:
    one = life(resource)
    with pytest.raises(ProviderError, match="nil pointer dereference"):
        forgetting(one, account, field, path)


REPLACED = [
    *(("Instance", f"instance.{field}") for field in ("user_scheme", "hostname", "os_id", "region")),
    ("LoadBalancer", "load_balancer.region"),
    *(("BlockStorage", f"block.{field}") for field in ("block_type", "region")),
    *(("FirewallRule", f"firewall_rule.{field}") for field in ("ip_type", "subnet", "protocol", "port")),
    *(("Vpc", f"vpc.{field}") for field in ("v4_subnet", "v4_subnet_mask", "region")),
]
UPDATED = [
    *(("Instance", f"instance.{field}") for field in ("tags", "firewall_group_id", "plan")),
    *(
        ("LoadBalancer", f"load_balancer.{field}")
        for field in ("label", "forwarding_rules", "instances", "generic_info.balancing_algorithm",
                      "generic_info.vpc", "generic_info.proxy_protocol")
    ),
    ("BlockStorage", "block.attached_to_instance"),
    ("DnsRecord", "record.ttl"),
    ("DnsDomain", "domain.dns_sec"),
    *(("ReservedIp", f"reserved_ip.{field}") for field in ("instance_id", "label")),
    ("SSHKey", "ssh_key.ssh_key"),
    ("VirtualFileSystemStorage", "disk_type"),
]  # fmt: skip
HARMLESS = [
    *(
        ("Instance", f"instance.{field}")
        for field in ("ram", "disk", "kvm", "features", "main_ip", "internal_ip", "status", "power_status",
                      "server_status", "image_id", "app_id")
    ),
    *(("LoadBalancer", f"load_balancer.{field}") for field in ("has_ssl", "generic_info.ssl_redirect")),
    *(("FirewallRule", f"firewall_rule.{field}") for field in ("source", "notes")),
    *(("FirewallGroup", f"firewall_group.{field}_count") for field in ("instance", "rule", "max_rule")),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "field"), REPLACED)
def test_what_is_absent_in_an_answer_and_replaces(
    life: Lives, account: Account, resource: str, field: str
) -> None:
    one = life(resource)
    forgetting(one, account, field)
    assert one.diff().replaces != ()


@pytest.mark.parametrize(("resource", "field"), UPDATED)
def test_what_is_absent_and_is_mended_by_an_update(
    life: Lives, account: Account, resource: str, field: str
) -> None:
    one = life(resource)
    forgetting(one, account, field)
    diff = one.diff()
    assert (diff.changes, diff.replaces) == (True, ())


def test_a_list_of_vpcs_that_is_absent_is_mended_by_an_update(life: Lives, account: Account) -> None:
    one = life("Instance")
    forgetting(one, account, "vpcs", "/vpcs")
    assert one.diff().diffs == ("vpcIds",)


@pytest.mark.parametrize(("resource", "field"), HARMLESS)
def test_what_may_be_absent(life: Lives, account: Account, resource: str, field: str) -> None:
    one = life(resource)
    forgetting(one, account, field)
    assert not one.diff().changes
