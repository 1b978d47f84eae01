"""What balancers have to be told when something else changes."""

from __future__ import annotations

from lab.vultr.api.call import Call
from lab.vultr.files import Json


def balance(call: Call, balancer: Json, also: tuple[str, ...] = (), wait: bool = True) -> None:
    """Have the balancer be as the account says, after what is noted for its servers (and `also`) already."""
    call.effect("balance", balancer["id"], touches=[balancer["id"], *balancer["instances"], *also], wait=wait)


def changed(call: Call, instance_id: str) -> None:
    """A server's addresses change."""
    for balancer in call.account["load_balancers"].values():
        if instance_id in balancer["instances"]:
            balance(call, balancer)


def leave(call: Call, instance_id: str) -> None:
    """A server goes."""
    for balancer in call.account["load_balancers"].values():
        if instance_id in balancer["instances"]:
            balancer["instances"].remove(instance_id)
            balance(call, balancer, also=(instance_id,))
