"""Vultr's firewall in front of the machines' public addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ediri_vultr as vultr
import pulumi

from codeb.plan import FirewallRule
from components.fleet.inside import inside


@dataclass(frozen=True)
class FirewallArgs:
    """Whatever no rule lets in is dropped."""

    owner: str
    rules: Sequence[FirewallRule]


class Firewall(pulumi.ComponentResource):
    """A group, and a resource a rule: every change of a rule makes a new one."""

    id: pulumi.Output[str]
    rules: list[pulumi.Resource]

    def __init__(self, name: str, args: FirewallArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("codeb:fleet:Firewall", name, None, opts)
        child = inside(self, opts)
        group = vultr.FirewallGroup(f"{name}-group", description=args.owner, opts=child)
        self.id = group.id
        self.rules = [
            vultr.FirewallRule(
                f"{name}-{rule.key}",
                firewall_group_id=group.id,
                ip_type=rule.ip_type,
                protocol=rule.protocol,
                port=rule.port,
                subnet=rule.subnet,
                subnet_size=rule.subnet_size,
                notes=args.owner,
                opts=child,
            )
            for rule in args.rules
        ]
        self.register_outputs({})
