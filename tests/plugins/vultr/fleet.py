"""A program with each resource that the stand-in has; `FLEET` (JSON) says what differs from run to run."""

import json
import os

import ediri_vultr as vultr
import pulumi

changes = json.loads(os.environ.get("FLEET", "{}"))
OWNER = "codeb-test-0a1b2c"

key = vultr.SSHKey(
    "key", name=changes.get("key", f"{OWNER}-1"), ssh_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA ann"
)
network = vultr.Vpc("network", region="icn", description=OWNER, v4_subnet="10.64.0.0", v4_subnet_mask=20)
group = vultr.FirewallGroup("group", description=OWNER)
for port in changes.get("ports", ("22", "80", "443")):
    vultr.FirewallRule(
        f"rule-{port}",
        firewall_group_id=group.id,
        ip_type="v4",
        protocol="tcp",
        subnet="0.0.0.0",
        subnet_size=0,
        port=port,
        notes=OWNER,
    )
servers = [
    vultr.Instance(
        f"app-{number}",
        region="icn",
        plan=changes.get("plan", "vc2-1c-1gb"),
        os_id=2625,
        label=f"codeb-app-{number}",
        hostname=f"app{number}.example.test",
        tags=["codeb", OWNER],
        firewall_group_id=group.id,
        vpc_ids=[network.id],
        ssh_key_ids=[key.id],
        user_data=pulumi.Output.secret(changes.get("user_data", "#cloud-config\n")),
        user_scheme="root",
        backups="disabled",
        enable_ipv6=False,
    )
    for number in (1, 2)
]
disk = vultr.BlockStorage(
    "disk",
    region="icn",
    size_gb=changes.get("size", 40),
    block_type="high_perf",
    label=f"{OWNER}-app-1",
    attached_to_instance=servers[0].id,
    live=True,
)
address = vultr.ReservedIp(
    "address", region="icn", ip_type="v4", label=f"{OWNER}-app-1", instance_id=servers[0].id
)
balancer = vultr.LoadBalancer(
    "balancer",
    region="icn",
    label=changes.get("balancer", OWNER),
    vpc=network.id,
    attached_instances=[server.id for server in servers],
    proxy_protocol=True,
    balancing_algorithm="roundrobin",
    forwarding_rules=[
        {"frontend_protocol": "tcp", "frontend_port": port, "backend_protocol": "tcp", "backend_port": port}
        for port in (443, 80)
    ],
    health_check={
        "protocol": "http",
        "port": 80,
        "path": "/api/health",
        "check_interval": 15,
        "response_timeout": 5,
        "unhealthy_threshold": 3,
        "healthy_threshold": 2,
    },
    ssl={"private_key": "KEY", "certificate": "CERTIFICATE"},
)
zone = vultr.DnsDomain("zone", domain="example.test")
record = vultr.DnsRecord("record", domain=zone.domain, name="www", type="A", data=balancer.ipv4, ttl=300)
storage = vultr.VirtualFileSystemStorage(
    "storage",
    region="icn",
    label=f"{OWNER}-certificates",
    size_gb=10,
    attached_instances=[server.id for server in servers],
)
pulumi.export("mount", disk.mount_id)
pulumi.export("tags", storage.attachments.apply(lambda found: [each.mount for each in found]))
