"""Package `vultr` 2.27 (`ediri_vultr`; terraform-provider-vultr 2.27 behind the bridge): it speaks to the API over HTTP.

Its calls, in their order and with their bodies, waits, retries and faults are those of the real plugin, what it
makes twice included: the lab shows what production does. Of databases PostgreSQL and Valkey have a stand-in.
"""

from __future__ import annotations

import os

from lab.providers.bridge.provider import BridgedProvider
from lab.providers.protocol import CheckResult, Properties
from lab.providers.vultr import (
    block_storage,
    database,
    database_user,
    dns_domain,
    dns_record,
    file_system,
    firewall_group,
    firewall_rule,
    instance,
    load_balancer,
    object_storage,
    reserved_ip,
    ssh_key,
    vpc,
)
from lab.providers.vultr.api import KEY, Api


class VultrProvider(BridgedProvider):
    """What one account has."""

    secret_config = ("apiKey",)

    def __init__(self, version: str | None) -> None:
        self._api = api = Api()
        resources = {
            ssh_key.TYPE: ssh_key.SSHKey(api),
            vpc.TYPE: vpc.Vpc(api),
            firewall_group.TYPE: firewall_group.FirewallGroup(api),
            firewall_rule.TYPE: firewall_rule.FirewallRule(api),
            instance.TYPE: instance.Instance(api),
            block_storage.TYPE: block_storage.BlockStorage(api),
            database.TYPE: database.Database(api),
            database_user.TYPE: database_user.DatabaseUser(api),
            object_storage.TYPE: object_storage.ObjectStorage(api),
            reserved_ip.TYPE: reserved_ip.ReservedIp(api),
            load_balancer.TYPE: load_balancer.LoadBalancer(api),
            dns_domain.TYPE: dns_domain.DnsDomain(api),
            dns_record.TYPE: dns_record.DnsRecord(api),
            file_system.TYPE: file_system.VirtualFileSystemStorage(api),
        }
        super().__init__("vultr", version, resources)

    def check_config(self, inputs: Properties) -> CheckResult:
        """A key that comes from the environment is not recorded."""
        result = super().check_config(inputs)
        if inputs.get("apiKey") or os.environ.get(KEY):
            return result
        reason = (
            "Provider is missing a required configuration key, try `pulumi config set vultr:apiKey`: "
            "The API Key that allows interaction with the API"
        )
        return CheckResult(result.inputs, (("", reason),))

    def configure(self, inputs: Properties) -> None:
        self._api.configure(inputs)

    def cancel(self) -> None:
        self._api.cancel()
