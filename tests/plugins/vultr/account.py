"""An account that remembers: answers of the recorded shapes, filled with what was asked, and faults on demand."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.plugins.vultr.recording import wire
from tests.plugins.vultr.server import Answer, Call

KINDS = {
    "ssh-keys": ("SSHKey", "ssh_key", "Invalid ssh key"),
    "vpcs": ("Vpc", "vpc", "Invalid VPC ID"),
    "firewalls": ("FirewallGroup", "firewall_group", "Firewall group not found"),
    "rules": ("FirewallRule", "firewall_rule", "Firewall rule ID not found"),
    "instances": ("Instance", "instance", "invalid instance ID"),
    "blocks": ("BlockStorage", "block", "Invalid block storage ID"),
    "reserved-ips": ("ReservedIp", "reserved_ip", "Invalid reserved-ip ID"),
    "load-balancers": ("LoadBalancer", "load_balancer", "Invalid load balancer ID"),
    "domains": ("DnsDomain", "domain", "Invalid domain"),
    "records": ("DnsRecord", "record", "Invalid record"),
    "databases": ("Database", "database", "invalid database ID"),
    "users": ("DatabaseUser", "user", "Invalid database user"),
    "object-storage": ("ObjectStorage", "object_storage", "Invalid object storage ID"),
    "vfs": ("VirtualFileSystemStorage", "", "Subscription ID Not Found."),
}
"""Collection: its resource in the recording, the wrapper of its answers, and the words for what is not there."""

_KEYS = {"domains": "domain", "users": "username"}
"""By what they are found that have no id."""
_GENERAL = ("balancing_algorithm", "ssl_redirect", "proxy_protocol", "vpc")


@dataclass
class Fault:
    """What goes wrong with calls that match: `after` the work was done or instead of it, so many times."""

    method: str
    path: str
    answer: Answer
    times: int = 1
    after: bool = False

    def meets(self, call: Call) -> bool:
        return self.times > 0 and self.method == call.method and bool(re.search(self.path, call.path))


class Account:
    """All that is there, by the path of each; `attached` are the instances of a file system."""

    def __init__(self) -> None:
        self.things: dict[str, dict[str, Any]] = {}
        self.attached: dict[str, list[str]] = {}
        self.faults: list[Fault] = []
        self._numbers = itertools.count(1)

    def answer(self, call: Call) -> Answer:
        fault = next((fault for fault in self.faults if fault.meets(call)), None)
        if fault is None:
            return self._answered(call)
        fault.times -= 1
        if fault.after:
            self._answered(call)
        return fault.answer

    def of(self, collection: str) -> list[dict[str, Any]]:
        """What there is of a kind."""
        return [thing for path, thing in self.things.items() if path.split("/")[-2] == collection]

    def _answered(self, call: Call) -> Answer:
        path = call.path.removeprefix("/v2/").partition("?")[0]
        parts = path.split("/")
        special: Callable[[str, Call], Answer] | None = {
            "attach": self._attach,
            "detach": self._detach,
            "attachments": self._attachments,
            "backup-schedule": self._schedule,
            "access-control": self._rules,
            "vpc2": lambda *_: _page([]),
        }.get(parts[-1])
        if special is not None:
            return special("/".join(parts[:-1]), call)
        if parts[-1] == "vpcs" and len(parts) > 1:
            return _page([{"id": id_} for id_ in self.things["/".join(parts[:-1])]["_vpcs"]])
        if "attachments" in parts:
            return self._attachment("/".join(parts[:2]), parts[-1], call)
        if call.method == "POST":
            return self._made(path, parts[-1], call.body)
        return self._one(path, parts[-2], call)

    def _made(self, path: str, kind: str, body: dict[str, Any]) -> Answer:
        resource, wrapper, _ = KINDS[kind]
        recorded = copy.deepcopy(wire()[resource]["create"][0]["answer"])
        thing = recorded[wrapper] if wrapper else recorded
        if kind in _KEYS and f"{path}/{body[_KEYS[kind]]}" in self.things:
            return Answer(400, {"error": f"{_KEYS[kind].title()} already exists", "status": 400})
        number = next(self._numbers)
        if kind not in _KEYS:
            thing["id"] = number if kind == "rules" else f"{kind}-{number}"
        if kind == "instances":
            thing |= {"tags": [], "label": "", "firewall_group_id": "", "_vpcs": []}
            thing["hostname"] = "vultr.guest"
        if kind == "load-balancers":
            thing |= {"instances": [], "label": "", "forwarding_rules": []}
            thing["generic_info"]["vpc"] = ""
        _merge(thing, body)
        if kind == "instances":
            thing["default_password"] = "p4ss-EXAMPLE"
        place = f"{path}/{thing[_KEYS.get(kind, 'id')]}"
        self.things[place] = thing
        return Answer(201, _shown(thing, wrapper))

    def _rules(self, path: str, call: Call) -> Answer:
        """Of a user: answered in an order of the account's own."""
        given = {name: sorted(rules) for name, rules in call.body.items() if rules is not None}
        user = self.things[path]
        user["access_control"] = user.get("access_control", {}) | given
        return Answer(202, _shown(user, "user"))

    def _one(self, path: str, kind: str, call: Call) -> Answer:
        _, wrapper, gone = KINDS[kind]
        if path not in self.things:
            return Answer(404, {"error": gone, "status": 404})
        if call.method == "DELETE":
            del self.things[path]
            return Answer(204)
        thing = self.things[path]
        thing.pop("default_password", None)
        if call.method in ("PATCH", "PUT"):
            _merge(thing, call.body)
        return Answer(200, _shown(thing, wrapper))

    def _attach(self, place: str, call: Call) -> Answer:
        key = "attached_to_instance" if place.startswith("blocks") else "instance_id"
        self.things[place][key] = call.body["instance_id"]
        return Answer(204)

    def _detach(self, place: str, call: Call) -> Answer:
        key = "attached_to_instance" if place.startswith("blocks") else "instance_id"
        self.things[place][key] = ""
        return Answer(204)

    def _schedule(self, place: str, call: Call) -> Answer:
        schedule = self.things[place].setdefault("_schedule", {"enabled": False})
        if call.method == "POST":
            schedule.update({"enabled": True}, **call.body)
        return Answer(200, {"backup_schedule": schedule})

    def _attachments(self, place: str, call: Call) -> Answer:
        if place not in self.things:
            return Answer(404, {"error": "Subscription ID Not Found.", "status": 404})
        found = [_attached(place, instance) for instance in self.attached.get(place, ())]
        return Answer(200, {"attachments": found})

    def _attachment(self, place: str, instance: str, call: Call) -> Answer:
        instances = self.attached.setdefault(place, [])
        if call.method == "DELETE":
            instances.remove(instance)
            return Answer(204)
        instances.append(instance)
        return Answer(201, _attached(place, instance))


def _attached(place: str, instance: str) -> dict[str, Any]:
    return {"vfs_id": place, "state": "ATTACHED", "target_id": instance, "mount_tag": 12345}


def _shown(thing: dict[str, Any], wrapper: str) -> dict[str, Any]:
    public = {key: value for key, value in thing.items() if not key.startswith("_")}
    return {wrapper: public} if wrapper else public


def _page(items: list[Any]) -> Answer:
    return Answer(200, {"vpcs": items, "meta": {"total": len(items), "links": {"next": "", "prev": ""}}})


def _merge(thing: dict[str, Any], body: dict[str, Any]) -> None:
    """What a body changes: null leaves as it is, and so does a size of zero."""
    for key, value in body.items():
        if key == "attach_vpc":
            thing["_vpcs"] += value
        elif key == "detach_vpc":
            thing["_vpcs"] = [id_ for id_ in thing["_vpcs"] if id_ not in value]
        elif key in _GENERAL and "generic_info" in thing:
            thing["generic_info"][key] = value
        elif key == "sticky_session":
            thing["generic_info"]["sticky_sessions"] = value
        elif key in ("forwarding_rules", "firewall_rules"):
            thing[key] = [{"id": f"{key}-{n}", **rule} for n, rule in enumerate(value)]
        elif value is not None and value != {"gb": 0}:
            thing[key] = value
