"""The real Vault, built from its Go module and run in its development mode: in memory, unsealed, KV version 2 at `secret`.

The build takes ten minutes on two cores, once.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lab.host import Lab
from lab.images import toolchains

GO_MODULE: Final = Path(__file__).with_name("go")
_PACKAGE: Final = "github.com/hashicorp/vault"
_SECONDS: Final = 60


def build(lab: Lab) -> Path:
    """The program, as pinned by the Go module beside this."""
    return toolchains.go_program(lab.folders, lab.progress, GO_MODULE, _PACKAGE, "vault")


@dataclass(frozen=True)
class Real:
    """A server that runs, and its root token, by which it is set up as `lab.vault.server.Vault` is from the side."""

    port: int
    token: str = field(repr=False)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def call(self, method: str, path: str, body: object = None) -> Any:
        """What an administrator asks for, which must succeed; the answer's document."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_SECONDS)
        try:
            content = None if body is None else json.dumps(body).encode()
            connection.request(method, f"/v1/{path}", content, {"X-Vault-Token": self.token})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status not in (200, 204):
                raise RuntimeError(f"{method} {path}: {answer.status} {text.decode()}")
            return json.loads(text) if text else {}
        finally:
            connection.close()

    def policy(self, name: str, rules: Mapping[str, Sequence[str]]) -> None:
        """A policy: capabilities by path."""
        paths = {path: {"capabilities": sorted(given)} for path, given in rules.items()}
        self.call("PUT", f"sys/policies/acl/{name}", {"policy": json.dumps({"path": paths})})

    def role(self, name: str, policy: str, token_ttl_s: int = 3600, token_uses: int = 0) -> str:
        """A role of AppRole, which is enabled where it is not; its ID."""
        if "approle/" not in self.call("GET", "sys/auth")["data"]:
            self.call("POST", "sys/auth/approle", {"type": "approle"})
        settings = {"token_policies": policy, "token_ttl": token_ttl_s, "token_num_uses": token_uses}
        self.call("POST", f"auth/approle/role/{name}", settings)
        return str(self.call("GET", f"auth/approle/role/{name}/role-id")["data"]["role_id"])

    def secret_id(self, name: str, uses: int = 0) -> str:
        """A secret ID of a role."""
        found = self.call("POST", f"auth/approle/role/{name}/secret-id", {"num_uses": uses})
        return str(found["data"]["secret_id"])

    def login(self, policy: str, ttl_s: int = 0, period_s: int = 0, *, renewable: bool = False) -> str:
        """A token."""
        body: dict[str, object] = {"policies": [policy], "renewable": renewable, "no_parent": True}
        body |= {"ttl": f"{ttl_s}s"} if ttl_s else {}
        body |= {"period": f"{period_s}s"} if period_s else {}
        return str(self.call("POST", "auth/token/create", body)["auth"]["client_token"])

    def put(self, path: str, content: Mapping[str, object]) -> None:
        """A new version of a path."""
        self.call("POST", f"secret/data/{path}", {"data": content})

    def delete(self, path: str) -> None:
        """Its newest version."""
        self.call("DELETE", f"secret/data/{path}")

    def old_mount(self, name: str) -> None:
        """A KV engine of version 1."""
        self.call("POST", f"sys/mounts/{name}", {"type": "kv", "options": {"version": "1"}})

    def seal(self) -> None:
        """Seal it; it stays so."""
        self.call("PUT", "sys/seal")


@contextmanager
def running(program: Path, folder: Path, port: int) -> Iterator[Real]:
    """A server of its own, which is gone with all it has afterwards."""
    token = f"hvs.{secrets.token_hex(16)}"
    environment = {**os.environ, "HOME": str(folder), "VAULT_DEV_ROOT_TOKEN_ID": token}
    line = [str(program), "server", "-dev", "-dev-no-store-token", f"-dev-listen-address=127.0.0.1:{port}"]
    with (folder / "vault.log").open("wb") as log:
        process = subprocess.Popen(line, env=environment, cwd=folder, stdout=log, stderr=log)
        try:
            found = Real(port, token)
            _wait(found, process, folder / "vault.log")
            yield found
        finally:
            process.terminate()
            process.wait(_SECONDS)


def _wait(found: Real, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if "secret/" in found.call("GET", "sys/mounts")["data"]:
                return
        except (OSError, RuntimeError, http.client.HTTPException):
            time.sleep(0.1)
    raise RuntimeError(f"the vault did not come up: {log.read_text(errors='replace')[-2000:]}")
