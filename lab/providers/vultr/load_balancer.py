"""`vultr:index/loadBalancer:LoadBalancer`: whatever goes wrong when one is read, it counts as gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.protocol import Properties
from lab.providers.vultr import balancer_body
from lab.providers.vultr.answers import decoded, unwrapped
from lab.providers.vultr.api import ApiError
from lab.providers.vultr.resource import REGION, VultrResource, not_empty, saying
from lab.providers.vultr.waiting import again_while, until

TYPE: Final = "vultr:index/loadBalancer:LoadBalancer"
_STEP_S: Final = 5.0
_LAST_PORT: Final = 65535
_PROTOCOL: Final = Attribute(required=True, choices=("http", "https", "tcp"))
_PORT: Final = Attribute(Kind.INT, required=True, minimum=1, maximum=_LAST_PORT)


def _within_300(default: int) -> Attribute:
    return Attribute(Kind.INT, default=default, minimum=1, maximum=300)


class LoadBalancer(VultrResource):
    """A balancer; where none is left of its instances, the API is not told so."""

    path, wrapper = "/load-balancers", "load_balancer"
    gone, unread = "", ""
    fields: ClassVar = {}
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "region": REGION,
        "label": Attribute(default=""),
        "balancingAlgorithm": Attribute(computed=True, choices=("leastconn", "roundrobin")),
        "vpc": Attribute(),
        "sslRedirect": Attribute(Kind.BOOL, default=False),
        "proxyProtocol": Attribute(Kind.BOOL, default=False),
        "cookieName": Attribute(),
        "healthCheck": Attribute(
            Kind.LIST,
            computed=True,
            single=True,
            elements={
                "protocol": _PROTOCOL,
                "path": Attribute(default="/"),
                "port": _PORT,
                "checkInterval": _within_300(15),
                "responseTimeout": _within_300(5),
                "unhealthyThreshold": _within_300(5),
                "healthyThreshold": _within_300(5),
            },
        ),
        "forwardingRules": Attribute(
            Kind.SET,
            required=True,
            elements={
                "frontendProtocol": _PROTOCOL,
                "frontendPort": _PORT,
                "backendProtocol": _PROTOCOL,
                "backendPort": _PORT,
                "ruleId": Attribute(output_only=True, computed=True),
            },
        ),
        "ssl": Attribute(
            Kind.SET,
            single=True,
            elements={
                "privateKey": Attribute(required=True, secret=True, valid=not_empty("private_key")),
                "certificate": Attribute(required=True, valid=not_empty("certificate")),
                "chain": Attribute(),
            },
        ),
        "firewallRules": Attribute(
            Kind.SET,
            elements={
                "port": _PORT,
                "ipType": Attribute(required=True, choices=("v4", "v6")),
                "source": Attribute(required=True),
                "id": Attribute(output_only=True, computed=True),
            },
        ),
        "hasSsl": Attribute(Kind.BOOL, output_only=True),
        "attachedInstances": Attribute(Kind.LIST, computed=True),
        "status": Attribute(output_only=True),
        "ipv4": Attribute(output_only=True),
        "ipv6": Attribute(output_only=True),
    }

    def insert(self, wanted: dict[str, Any]) -> str:
        with saying("error creating load balancer: "):
            return str(self.make(balancer_body.creation(wanted))["id"])

    def complete(self, id_: str, wanted: Properties) -> None:
        with saying(f"error while waiting for load balancer {id_} to be completed: "):
            until(self._api, lambda: self._status(id_), "active", ("pending", "installing"), _STEP_S)

    def found(self, answer: Any) -> dict[str, Any]:
        return balancer_body.found(unwrapped(answer, self.wrapper))

    def alter(self, id_: str, old: Properties, wanted: dict[str, Any], changed: frozenset[str]) -> str:
        with saying(f"error updating load balancer generic info ({id_}): "):
            self._api.tell("PATCH", self.place(id_, old), balancer_body.update(wanted, changed))
        return id_

    def remove(self, id_: str, old: Properties) -> None:
        with saying(f"error detaching VPC from load balancer before deletion ({id_}): "):
            self._api.tell("PATCH", self.place(id_, old), {"vpc": ""} if old.get("vpc") else {})
        with saying(f"error deleting load balancer {id_} : "):
            again_while(
                self._api,
                lambda: self._api.tell("DELETE", self.place(id_, old)),
                "Load balancer is not ready.",
                "deleting load balancer failed with retryable error: ",
                "deleting load balancer failed with non-retryable error: ",
            )

    def _status(self, id_: str) -> str:
        """Why it can't be had is not said."""
        try:
            answer = self._api.get(self.place(id_, {}))
        except ApiError:
            raise ApiError(f"error retrieving lb {id_} ") from None
        return str(decoded(unwrapped(answer, self.wrapper), {"status": str}, self.wrapper)["status"])
