"""DNS records in a zone that Vultr hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import ediri_vultr as vultr
import pulumi

from codeb import plan
from components.fleet.inside import inside


@dataclass(frozen=True)
class RecordsArgs:
    """`addresses` are the records' targets: server or `plan.BALANCER` → address.

    `after` is what has to be done on a server before a name points to it.
    """

    zone: str
    records: Sequence[plan.Record]
    addresses: Mapping[str, pulumi.Input[str]]
    after: Mapping[str, pulumi.Resource] = field(default_factory=dict)


class Records(pulumi.ComponentResource):
    """A resource a record. The zone itself is the account's: it is neither made nor deleted here."""

    def __init__(self, name: str, args: RecordsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("codeb:fleet:Records", name, None, opts)
        for record in args.records:
            vultr.DnsRecord(
                f"{name}-{record.key}",
                domain=args.zone,
                name=record.name,
                type=record.type,
                data=args.addresses[record.target],
                ttl=record.ttl,
                opts=inside(
                    self,
                    opts,
                    depends_on=[args.after[record.target]] if record.target in args.after else None,
                ),
            )
        self.register_outputs({})
