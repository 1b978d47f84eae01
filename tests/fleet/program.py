"""A small fleet of every kind that a stack has at Vultr: three servers, a data disk, a share, a balancer, records."""

import os

import ediri_vultr as vultr
import pulumi

OWNER, ZONE = "codeb-test-1a2b3c", "example.test"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T ann"
KEPT = ["userData", "sshKeyIds", "userScheme", "osId", "hostname", "region"]


def fleet(opts: pulumi.ResourceOptions) -> None:
    """Each named and marked as the platform's own components do it."""
    key = vultr.SSHKey("key", name=f"{OWNER}-0a0a0a0a", ssh_key=KEY, opts=opts)
    vpc = vultr.Vpc(
        "vpc", description=OWNER, region="icn", v4_subnet="10.64.0.0", v4_subnet_mask=20, opts=opts
    )
    group = vultr.FirewallGroup("group", description=OWNER, opts=opts)
    rules = [
        vultr.FirewallRule(
            f"rule-{port}",
            firewall_group_id=group.id,
            ip_type="v4",
            protocol="tcp",
            port=port,
            subnet="0.0.0.0",
            subnet_size=0,
            notes=OWNER,
            opts=opts,
        )
        for port in ("22", "443")
    ]
    ruled = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=rules))
    servers = {name: server(name, key, vpc, group, ruled) for name in ("app-1", "app-2", "data-1")}
    edges = [servers["app-1"].id, servers["app-2"].id]
    storage(servers, opts)
    target = balancer(edges, vpc, opts)
    for name in ("", "*"):
        vultr.DnsRecord(
            f"record-{name or 'apex'}", domain=ZONE, name=name, type="A", data=target.ipv4, ttl=300, opts=opts
        )
    tell(servers)


def storage(servers: dict[str, vultr.Instance], opts: pulumi.ResourceOptions) -> None:
    """What outlives a server."""
    vultr.BlockStorage(
        "data-1-disk",
        label=servers["data-1"].id.apply(lambda id_: f"{OWNER}-data-1.{id_[:8]}"),
        region="icn",
        size_gb=40,
        block_type="high_perf",
        attached_to_instance=servers["data-1"].id,
        live=True,
        opts=opts,
    )
    vultr.VirtualFileSystemStorage(
        "share",
        label=f"{OWNER}-certificates",
        region="icn",
        size_gb=10,
        attached_instances=[servers["app-1"].id, servers["app-2"].id],
        opts=opts,
    )
    vultr.ReservedIp("address", ip_type="v4", region="icn", label=f"{OWNER}-app-1", opts=opts)


def tell(servers: dict[str, vultr.Instance]) -> None:
    """The output `fleet`, as the platform has it."""
    facts = {
        name: {
            "id": each.id,
            "address": each.main_ip,
            "privateAddress": each.internal_ip,
            "hostKey": " ".join(KEY.split()[:2]),
            "pool": "default",
            "roles": ["data"] if name == "data-1" else ["app"],
        }
        for name, each in servers.items()
    }
    records = [{"name": name, "type": "A"} for name in ("", "*")]
    pulumi.export("fleet", {"owner": OWNER, "zone": ZONE, "records": records, "servers": facts})


def server(
    name: str, key: vultr.SSHKey, vpc: vultr.Vpc, group: vultr.FirewallGroup, opts: pulumi.ResourceOptions
) -> vultr.Instance:
    """Replaced by accident only never, on purpose where CODEB_RENEW names it."""
    renewed = name in os.environ.get("CODEB_RENEW", "").split(",")
    own = pulumi.ResourceOptions(
        ignore_changes=None if renewed else KEPT,
        delete_before_replace=True if name == "data-1" else None,
        additional_secret_outputs=["userData", "kvm"],
        protect=name == "app-2",
    )
    return vultr.Instance(
        f"{name}-instance",
        region="icn",
        plan="vc2-2c-4gb",
        os_id=2625,
        label=f"codeb-{name}",
        hostname=f"{name}.example.test",
        tags=["codeb", OWNER],
        ssh_key_ids=[key.id],
        user_data=pulumi.Output.secret("#cloud-config\n{}"),
        user_scheme="root",
        firewall_group_id=group.id,
        vpc_ids=[vpc.id],
        enable_ipv6=False,
        backups="disabled",
        ddos_protection=False,
        activation_email=False,
        opts=pulumi.ResourceOptions.merge(opts, own),
    )


def balancer(
    edges: list[pulumi.Output[str]], vpc: vultr.Vpc, opts: pulumi.ResourceOptions
) -> vultr.LoadBalancer:
    """TCP through to the edges."""
    return vultr.LoadBalancer(
        "balancer",
        region="icn",
        label=OWNER,
        attached_instances=edges,
        balancing_algorithm="roundrobin",
        forwarding_rules=[
            vultr.LoadBalancerForwardingRuleArgs(
                frontend_protocol="tcp", frontend_port=port, backend_protocol="tcp", backend_port=port
            )
            for port in (443, 80)
        ],
        health_check=vultr.LoadBalancerHealthCheckArgs(
            protocol="http", port=80, path="/api/health", check_interval=15, response_timeout=5,
            unhealthy_threshold=3, healthy_threshold=2,
        ),
        proxy_protocol=True,
        ssl_redirect=False,
        vpc=vpc.id,
        opts=opts,
    )  # fmt: skip


root = pulumi.ComponentResource("codeb:fleet:Fleet", "codeb")
provider = vultr.Provider("codeb-vultr", opts=pulumi.ResourceOptions(parent=root))
inner = pulumi.ComponentResource(
    "codeb:fleet:Machine", "machines", None, pulumi.ResourceOptions(parent=root, providers=[provider])
)
fleet(pulumi.ResourceOptions(parent=inner))
