"""The load balancer in front of the edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ediri_vultr as vultr
import pulumi

from codeb import plan
from codeb.model import BalancerCertificate
from components.fleet.inside import inside
from components.ready import Ready


@dataclass(frozen=True)
class BalancerArgs:
    """`instances` are server → id of its instance; `certificate` is there when the balancer ends TLS.

    No server is attached before `after` is done; those that are stay so meanwhile.
    """

    balancer: plan.Balancer
    owner: str
    region: str
    network: pulumi.Input[str]
    instances: Mapping[str, pulumi.Input[str]]
    certificate: BalancerCertificate | None = None
    ready: Ready | None = None
    after: Sequence[pulumi.Resource] = ()


class Balancer(pulumi.ComponentResource):
    """One load balancer; `address` is where the stack's names point to."""

    id: pulumi.Output[str]
    address: pulumi.Output[str]

    def __init__(self, name: str, args: BalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("codeb:fleet:Balancer", name, None, opts)
        wanted = args.balancer
        balancer = vultr.LoadBalancer(
            f"{name}-balancer",
            region=args.region,
            label=args.owner,
            attached_instances=[args.instances[server] for server in wanted.servers],
            balancing_algorithm="roundrobin",
            forwarding_rules=[
                vultr.LoadBalancerForwardingRuleArgs(
                    frontend_protocol=rule.frontend_protocol,
                    frontend_port=rule.frontend_port,
                    backend_protocol=rule.backend_protocol,
                    backend_port=rule.backend_port,
                )
                for rule in wanted.rules
            ],
            health_check=vultr.LoadBalancerHealthCheckArgs(
                protocol=wanted.health.protocol,
                port=wanted.health.port,
                path=wanted.health.path,
                check_interval=wanted.health.interval_s,
                response_timeout=wanted.health.timeout_s,
                unhealthy_threshold=wanted.health.unhealthy,
                healthy_threshold=wanted.health.healthy,
            ),
            proxy_protocol=wanted.proxy_protocol,
            ssl_redirect=False,
            ssl=_ssl(args.certificate),
            vpc=args.network,
            opts=inside(self, opts, ignore_changes=["region"], depends_on=list(args.after)),
        )
        self.id, self.address = balancer.id, balancer.ipv4
        if args.ready is not None:
            facts = pulumi.Output.all(balancer.id, balancer.ipv4)
            ready = args.ready
            self.address = facts.apply(lambda known: ready.address(*known))
        self.register_outputs({"id": self.id, "address": self.address})


def _ssl(certificate: BalancerCertificate | None) -> vultr.LoadBalancerSslArgs | None:
    if certificate is None:
        return None
    return vultr.LoadBalancerSslArgs(
        certificate=certificate.certificate,
        private_key=pulumi.Output.secret(certificate.private_key),
        chain=certificate.chain or None,
    )
