"""What is asked of a vault, the same of ours and of the real one, and where their answers differ."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from lab.vault.server import Vault

READS = {"secret/data/projects/*": ["read"], "secret/subkeys/projects/*": ["read"], "old/*": ["read"]}
WRITES = {"secret/data/projects/*": ["read", "create", "update", "patch", "delete"]}
NARROW = {"secret/data/projects/blog": ["read"]}
MERGE = "application/merge-patch+json"
VOLATILE = {
    "request_id", "created_time", "deletion_time", "ttl", "creation_ttl", "lease_duration", "client_token", "id", "num_uses",
}  # fmt: skip
_SECONDS = 30


class Admin(Protocol):
    """Who sets a vault up."""

    @property
    def url(self) -> str: ...
    def policy(self, name: str, rules: Mapping[str, Sequence[str]]) -> None: ...
    def role(self, name: str, policy: str, token_ttl_s: int = 3600, token_uses: int = 0) -> str: ...
    def secret_id(self, name: str, uses: int = 0) -> str: ...
    def login(self, policy: str, ttl_s: int = 0, period_s: int = 0, *, renewable: bool = False) -> str: ...
    def put(self, path: str, content: Mapping[str, object]) -> None: ...
    def delete(self, path: str) -> None: ...
    def old_mount(self, name: str) -> None: ...
    def seal(self) -> None: ...


@dataclass
class Ours:
    """Ours, set up by its own side door."""

    vault: Vault

    @property
    def url(self) -> str:
        return self.vault.url

    def policy(self, name: str, rules: Mapping[str, Sequence[str]]) -> None:
        self.vault.logins.policies[name] = {path: frozenset(given) for path, given in rules.items()}

    def role(self, name: str, policy: str, token_ttl_s: int = 3600, token_uses: int = 0) -> str:
        return self.vault.logins.role(name, policy, token_ttl_s=token_ttl_s, token_uses=token_uses).role_id

    def secret_id(self, name: str, uses: int = 0) -> str:
        return self.vault.logins.secret_id(name, uses)

    def login(self, policy: str, ttl_s: int = 0, period_s: int = 0, *, renewable: bool = False) -> str:
        return self.vault.logins.token(policy, ttl_s=ttl_s, renewable=renewable, period_s=period_s)

    def put(self, path: str, content: Mapping[str, object]) -> None:
        self.vault.kv.put(path, dict(content))

    def delete(self, path: str) -> None:
        self.vault.kv.delete(path)

    def old_mount(self, name: str) -> None:
        self.vault.old_mounts = (*self.vault.old_mounts, name)

    def seal(self) -> None:
        self.vault.sealed = True


@dataclass(frozen=True)
class Got:
    """A status and a document."""

    status: int
    document: Any = field(repr=False)


@dataclass
class Asking:
    """Calls of one vault by whoever has a token."""

    url: str
    answers: dict[str, Got] = field(default_factory=dict)

    def ask(
        self, name: str, method: str, path: str, token: str = "", body: object = None, kind: str = ""
    ) -> Got:
        """One call; its answer is kept under its name."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=_SECONDS)
        headers = {"X-Vault-Request": "true", "Content-Type": kind or "application/json"}
        headers |= {"X-Vault-Token": token} if token else {}
        try:
            content = None if body is None else json.dumps(body).encode()
            connection.request(method, f"/v1/{path}", content, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        self.answers[name] = Got(answer.status, json.loads(text) if text else None)
        return self.answers[name]


def play(admin: Admin) -> dict[str, Got]:
    """All calls, in order; the vault is sealed at the end."""
    asking = Asking(admin.url)
    for name, rules in {"reads": READS, "writes": WRITES, "narrow": NARROW}.items():
        admin.policy(name, rules)
    admin.old_mount("old")
    admin.put("projects/shop", {"TOKEN": "a\nb", "PEM": "ключ"})
    admin.put("projects/gone", {"TOKEN": "x"})
    admin.delete("projects/gone")
    _logins(admin, asking)
    _reading(admin, asking)
    _writing(admin, asking)
    _ending(admin, asking)
    admin.seal()
    ask = asking.ask
    ask("a sealed vault", "GET", "secret/data/projects/shop", "hvs.any")
    ask("a login at a sealed vault", "POST", "auth/approle/login", body={"role_id": "a", "secret_id": "b"})
    return asking.answers


def _logins(admin: Admin, asking: Asking) -> None:
    ask, path = asking.ask, "auth/approle/login"
    role = admin.role("codeb", "reads")
    right = {"role_id": role, "secret_id": admin.secret_id("codeb")}
    token = ask("a login", "POST", path, body=right).document["auth"]["client_token"]
    ask("what it may see of itself", "GET", "auth/token/lookup-self", token)
    ask("an unknown secret ID", "POST", path, body={**right, "secret_id": "0" * 32})
    ask("an unknown role ID", "POST", path, body={**right, "role_id": "0" * 32})
    once = {"role_id": role, "secret_id": admin.secret_id("codeb", uses=1)}
    ask("a secret ID of one use", "POST", path, body=once)
    ask("the same once more", "POST", path, body=once)
    ask("a login ends itself", "POST", "auth/token/revoke-self", token)
    ask("and is none any more", "GET", "auth/token/lookup-self", token)


def _reading(admin: Admin, asking: Asking) -> None:
    ask, token = asking.ask, admin.login("reads", ttl_s=3600)
    ask("the mount", "GET", "sys/internal/ui/mounts/secret", token)
    ask("a mount of version 1", "GET", "sys/internal/ui/mounts/old", token)
    ask("a mount that is not there", "GET", "sys/internal/ui/mounts/nothing", token)
    ask("the mount without a token", "GET", "sys/internal/ui/mounts/secret")
    ask("a path", "GET", "secret/data/projects/shop", token)
    ask("its names", "GET", "secret/subkeys/projects/shop?depth=1", token)
    ask("a path that is not there", "GET", "secret/data/projects/blog", token)
    ask("names that are not there", "GET", "secret/subkeys/projects/blog", token)
    ask("a deleted version", "GET", "secret/data/projects/gone", token)
    ask("names of a deleted version", "GET", "secret/subkeys/projects/gone", token)
    ask("a path of version 1", "GET", "old/data/projects/shop", token)
    ask("without a token", "GET", "secret/data/projects/shop")
    ask("with a token that is none", "GET", "secret/data/projects/shop", "hvs.nothing")
    narrow = admin.login("narrow", ttl_s=3600)
    ask("a path that is kept from it", "GET", "secret/data/projects/shop", narrow)
    ask("a mount of which it sees a part", "GET", "sys/internal/ui/mounts/secret", narrow)


def _writing(admin: Admin, asking: Asking) -> None:
    ask, path = asking.ask, "secret/data/projects/new"
    token, reader = admin.login("writes", ttl_s=3600), admin.login("reads", ttl_s=3600)
    change = {"data": {"A": "1"}}
    ask("a change of what is not there", "PATCH", path, token, change, MERGE)
    ask("a first version", "POST", path, token, {"data": {"A": "0"}, "options": {"cas": 0}})
    ask("a first version that is not the first", "POST", path, token, {"data": {}, "options": {"cas": 0}})
    ask("a change", "PATCH", path, token, {"data": {"A": None, "B": "2"}}, MERGE)
    ask("what came of it", "GET", path, token)
    ask("a change in another form", "PATCH", path, token, change, "application/json")
    ask("a change by who may read", "PATCH", path, reader, change, MERGE)
    ask("a new path by who may read", "POST", "secret/data/projects/own", reader, change)
    ask("a change of a deleted version", "PATCH", "secret/data/projects/gone", token, change, MERGE)


def _ending(admin: Admin, asking: Asking) -> None:
    ask, itself = asking.ask, "auth/token/lookup-self"
    periodic = admin.login("reads", period_s=3600, renewable=True)
    ask("a token with a period", "GET", itself, periodic)
    ask("its renewal", "POST", "auth/token/renew-self", periodic)
    fixed = admin.login("reads", ttl_s=3600)
    ask("a token that can't be renewed", "GET", itself, fixed)
    ask("its renewal, refused", "POST", "auth/token/renew-self", fixed)
    short, end = admin.login("reads", ttl_s=1), time.monotonic() + _SECONDS
    while ask("a token that has expired", "GET", itself, short).status == 200 and time.monotonic() < end:
        time.sleep(0.2)


def differences(ours: Mapping[str, Got], real: Mapping[str, Got]) -> list[str]:
    """Where ours says something that the real one does not: other statuses, errors, keys, or values that matter."""
    assert ours.keys() == real.keys()
    found = []
    for name, got in ours.items():
        if got.status != real[name].status:
            found.append(f"{name}: status {got.status}, and {real[name].status} of the real one")
        found += [f"{name}: {text}" for text in _beyond(got.document, real[name].document, "")]
    return found


def _beyond(ours: Any, real: Any, at: str) -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(real, dict):
        for key, value in ours.items():
            if key not in real:
                yield f"{at}.{key}: the real one has no such key"
            elif key not in VOLATILE:
                yield from _beyond(value, real[key], f"{at}.{key}")
            elif isinstance(value, type(real[key])) is False or bool(value) != bool(real[key]):
                yield f"{at}.{key}: {value!r}, and {real[key]!r} of the real one"
    elif ours != real:
        yield f"{at}: {ours!r}, and {real!r} of the real one"
