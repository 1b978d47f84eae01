"""A client of the simulated Vultr that repeats nothing, and machines that only write down what they are told."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from typing import Any, NamedTuple

from lab.vultr.nowhere import Nowhere
from lab.vultr.simulator import Folder

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample ann"
INSTANCE = {"region": "icn", "plan": "vc2-1c-1gb", "os_id": 2625}
RULE = {"frontend_protocol": "tcp", "frontend_port": 443, "backend_protocol": "tcp", "backend_port": 443}


class Got(NamedTuple):
    """An answer: status, parsed body (None when it is empty), headers."""

    status: int
    body: Any
    headers: dict[str, str]


class Api:
    """Calls a simulator; a cut connection is a `http.client.HTTPException` or an OSError."""

    def __init__(self, vultr: Folder, account: str = "main", key: str | None = None) -> None:
        self.vultr = vultr
        self._key = vultr.key(account) if key is None else key

    def call(self, method: str, path: str, body: object = None, raw: bytes | None = None) -> Got:
        context = ssl.create_default_context(cafile=str(self.vultr.ca))
        connection = http.client.HTTPSConnection("127.0.0.1", self.vultr.port, context=context, timeout=90)
        sent = raw if raw is not None or body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        try:
            connection.request(method, f"/v2{path}", sent, headers)
            answer = connection.getresponse()
            content = answer.read()
            return Got(answer.status, json.loads(content) if content else None, dict(answer.getheaders()))
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """The body of what must be there."""
        got = self.call("GET", path)
        assert got.status == 200, got
        return got.body

    def does(self, method: str, path: str, body: object = None) -> Any:
        """The body of what must succeed."""
        got = self.call(method, path, body)
        assert 200 <= got.status <= 204, (method, path, got)
        return got.body

    def refuses(self, method: str, path: str, body: object = None, status: int = 400) -> str:
        """The text of what must be refused with this status, in the shape that all errors have."""
        got = self.call(method, path, body)
        assert got.status == status, (method, path, got)
        assert set(got.body) == {"error", "status"}
        assert got.body["status"] == status
        return str(got.body["error"])

    def instance(self, **values: object) -> dict[str, Any]:
        return self.does("POST", "/instances", INSTANCE | values)["instance"]

    def vpc(self, subnet: str = "10.64.0.0", **values: object) -> dict[str, Any]:
        body = {"region": "icn", "description": "d", "v4_subnet": subnet, "v4_subnet_mask": 20} | values
        return self.does("POST", "/vpcs", body)["vpc"]

    def block(self, **values: object) -> dict[str, Any]:
        return self.does("POST", "/blocks", {"region": "icn", "size_gb": 40} | values)["block"]

    def reserved(self, **values: object) -> dict[str, Any]:
        body = {"region": "icn", "ip_type": "v4"} | values
        return self.does("POST", "/reserved-ips", body)["reserved_ip"]

    def balancer(self, **values: object) -> dict[str, Any]:
        body = {"region": "icn", "forwarding_rules": [RULE]} | values
        return self.does("POST", "/load-balancers", body)["load_balancer"]

    def group(self, **values: object) -> dict[str, Any]:
        return self.does("POST", "/firewalls", {"description": "g"} | values)["firewall_group"]

    def ssh_key(self, **values: object) -> dict[str, Any]:
        return self.does("POST", "/ssh-keys", {"name": "k", "ssh_key": KEY} | values)["ssh_key"]

    def share(self, **values: object) -> dict[str, Any]:
        return self.does(
            "POST", "/vfs", {"region": "icn", "label": "fs", "storage_size": {"gb": 10}} | values
        )

    def domain(self, name: str = "example.test", **values: object) -> dict[str, Any]:
        return self.does("POST", "/domains", {"domain": name, "dns_sec": "disabled"} | values)["domain"]


class Notebook:
    """Machines that are nowhere and keep what they were told: `told` has the name and the arguments of each call."""

    def __init__(self) -> None:
        self.told: list[tuple[str, tuple[Any, ...]]] = []
        self._nowhere = Nowhere()
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        return [name for name, _ in self.told if name != "resume"]

    def of(self, name: str) -> list[tuple[Any, ...]]:
        return [arguments for told, arguments in self.told if told == name]

    def __getattr__(self, name: str) -> Any:
        does = getattr(self._nowhere, name)

        def note(*arguments: Any) -> Any:
            with self._lock:
                self.told.append((name, arguments))
            return does(*arguments)

        return note
