"""Plays what the real plugin sent (`tests/data/vultr-wire.json`) and compares each answer with the one it was content with.

Ids are placeholders in the recording: one that a path or a body names before any answer has is something that was there
before, and made first. Values are compared too, except those that a server makes up.
"""

from __future__ import annotations

import http.client
import itertools
import json
import re
from pathlib import Path
from typing import Any

from lab.vultr.faults import Rule
from lab.vultr.simulator import Simulator
from tests.vultr_api import Api

_UNUSED = ("DatabaseDb",)
_NOT_OURS = re.compile("/v2/databases/[^/]+/dbs")
"""Recorded too, but the simulator has none of them."""


def _recording() -> dict[str, Any]:
    """The calls of each resource and operation, in their order; a second preview or update makes none."""
    found = json.loads((Path(__file__).parents[2] / "data" / "vultr-wire.json").read_text())
    return {
        name: {
            operation: ours
            for operation, calls in operations.items()
            if (ours := [call for call in calls if not _NOT_OURS.match(call["path"])])
        }
        for name, operations in found.items()
        if name not in _UNUSED
    }


WIRE: dict[str, Any] = _recording()
PLACEHOLDER = re.compile(r"\{[A-Z0-9_]+\}")
MADE_UP = {
    "date_created", "date_modified", "main_ip", "internal_ip", "ip_address", "mac_address", "gateway_v4", "netmask_v4",
    "ipv4", "ipv6", "subnet", "v4_subnet", "os", "allowed_bandwidth", "default_password", "kvm", "mount_id", "mount_tag",
    "attached_to_instance_ip", "attached_to_instance_label", "plan_disk", "plan_ram", "host", "port", "password",
    "latest_backup", "s3_access_key", "s3_secret_key",
}  # fmt: skip
# The recording's server attached an address only at the POST /attach that follows; the documented field does it at once.
OURS = {("POST /v2/reserved-ips", "instance_id")}
MONEY = {"cost", "monthly", "charges", "pending_charges"}
BY_PATH = {
    "ssh-keys": "ssh_key",
    "vpcs": "vpc",
    "firewalls": "group",
    "instances": "instance",
    "blocks": "block",
    "reserved-ips": "reserved",
    "load-balancers": "balancer",
    "vfs": "share",
    "attachments": "instance",
}
BY_FIELD = {
    "attach_vpc": "vpc",
    "detach_vpc": "vpc",
    "vpc": "vpc",
    "sshkey_id": "ssh_key",
    "firewall_group_id": "group",
    "instance_id": "instance",
    "instances": "instance",
}


class Player:
    """Plays calls against a simulator; `ids` says what stands for which placeholder."""

    def __init__(self, vultr: Simulator, clock: Any) -> None:
        self.vultr = vultr
        self.api = Api(vultr)
        self.ids: dict[str, str] = {}
        self._clock = clock
        self._began = clock.now

    def play(self, calls: list[dict[str, Any]], retry_after: int = 0) -> None:
        """Every call in its order and at its time, with the faults that the recording had."""
        for call in calls:
            self._clock.now = self._began + call.get("at_s", 0)
            self.prepare(call)
            self._fault(call["status"], retry_after)
            self._one(call)

    def prepare(self, call: dict[str, Any]) -> None:
        """Make what the call takes for granted."""
        parts = call["path"].split("/")[2:]
        for before, part in itertools.pairwise(parts):
            self._ensure(part, BY_PATH.get(before, ""))
        for name, value in (call.get("body") or {}).items():
            for one in value if isinstance(value, list) else [value]:
                self._ensure(one, BY_FIELD.get(name, ""))
        if parts[0] == "domains" and len(parts) > 1:
            self._domain(parts)

    def filled(self, value: Any) -> Any:
        """A recorded value with ids in the place of placeholders."""
        text = json.dumps(value)
        for placeholder, real in self.ids.items():
            text = text.replace(placeholder, real)
        return json.loads(text)

    def _ensure(self, placeholder: object, kind: str) -> None:
        named = kind and isinstance(placeholder, str) and PLACEHOLDER.fullmatch(placeholder)
        if named and placeholder not in self.ids:
            subnet = {"subnet": f"10.{len(self.ids)}.0.0"} if kind == "vpc" else {}
            self.ids[placeholder] = getattr(self.api, kind)(**subnet)["id"]

    def _domain(self, parts: list[str]) -> None:
        if self.api.call("GET", f"/domains/{parts[1]}").status == 404:
            self.api.domain(parts[1])
        if len(parts) == 4 and PLACEHOLDER.fullmatch(parts[3]) and parts[3] not in self.ids:
            record = {"name": "www", "type": "A", "data": "203.0.113.9"}
            made = self.api.does("POST", f"/domains/{parts[1]}/records", record)
            self.ids[parts[3]] = made["record"]["id"]

    def _fault(self, status: object, retry_after: int) -> None:
        if status == "cut":
            self.vultr.faults.add(Rule("cut-after", count=1))
        elif status == 429:
            self.vultr.faults.add(Rule("429", count=1, seconds=retry_after))
        elif status == 500:
            self.vultr.faults.add(Rule("500", count=1))

    def _one(self, call: dict[str, Any]) -> None:
        body = self.filled(call["body"]) if call.get("body") is not None else None
        path = self.filled(call["path"].removeprefix("/v2"))
        where = f"{call['method']} {call['path']} {json.dumps(call.get('body'))}"
        try:
            got = self.api.call(call["method"], path, body)
        except (http.client.HTTPException, OSError):
            assert call["status"] == "cut", where
            return
        assert got.status == call["status"], (where, got)
        if "answer" in call:
            self._compare(call["answer"], got.body, where)
        elif got.status == 204:
            assert got.body is None, where

    def _compare(self, recorded: Any, got: Any, where: str) -> None:
        if set(recorded) <= {"status", "power_status"}:  # the recording has no more of a poll
            inner = next(iter(got.values())) if len(got) == 1 else got
            got = {name: inner[name] for name in recorded}
        self._same(recorded, got, where, "")

    def _same(self, recorded: Any, got: Any, where: str, name: str) -> None:
        if isinstance(recorded, dict):
            assert isinstance(got, dict), (where, name)
            assert set(recorded) == set(got), (where, name, set(recorded) ^ set(got))
            for key in recorded:
                self._same(recorded[key], got[key], where, key)
        elif isinstance(recorded, list):
            assert isinstance(got, list), (where, name)
            assert len(recorded) == len(got), (where, name, got)
            for one, other in zip(recorded, got, strict=True):
                self._same(one, other, where, name)
        elif isinstance(recorded, str) and PLACEHOLDER.fullmatch(recorded) and name not in MADE_UP:
            if recorded == "{RULE_ID}":
                assert isinstance(got, str), (where, name)
            else:
                assert self.ids.setdefault(recorded, got) == got, (where, name)
        elif name in MONEY:
            assert isinstance(got, int | float), (where, name)
        elif (where.partition(" {")[0], name) in OURS or name in MADE_UP:
            assert type(got) is type(recorded), (where, name, got)
        else:
            assert (type(got), got) == (type(recorded), recorded), (where, name)
