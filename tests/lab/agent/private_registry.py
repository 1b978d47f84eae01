"""A registry on the lab's bridge that lets nobody in without a login."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template

from agent_lab import AgentHost, build_image

from lab.host import Lab, nspawn, rootfs
from lab.host.machine import REGISTRY_HOST
from lab.host.processes import Supervised, wait_until
from lab.images.registry import PACKAGES, PATIENCE_S

PORT = 5001
NAME = f"{REGISTRY_HOST}:{PORT}"
USER, PASSWORD = "codeb", "lab-registry-password"
_HTPASSWD = f"{USER}:$2b$10$cUSFwrwqMk1VDW8cGF8AreUsFkM6k/6Gq/9E8VlGOTtyBKFky5nGO\n"
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)
_HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))
AUTH_FILE = "/etc/codeb/secrets/registries.json"


@dataclass(frozen=True)
class PrivateRegistry:
    """One that runs; hosts know it as :data:`NAME`."""

    address: str

    def digest(self, name: str, tag: str) -> str:
        """Digest of what a tag points at, as the registry says it."""
        url = f"http://{self.address}/v2/{name}/manifests/{tag}"
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        headers = {"Accept": _MANIFESTS, "Authorization": f"Basic {login}"}
        with _HTTP.open(urllib.request.Request(url, method="HEAD", headers=headers), timeout=10) as answer:
            return str(answer.headers["Docker-Content-Digest"])

    def push(
        self, host: AgentHost, name: str, version: str, mode: str = "good", tag: str | None = None
    ) -> str:
        """Build the tiny app on the host, push it (as `tag`), leave nothing of it there; the reference to pull."""
        reference = f"{NAME}/{name}:{tag or version}"
        local = build_image(host, version, mode, "agent/pushed")
        login = ("--creds", f"{USER}:{PASSWORD}", "--tls-verify=false")
        host.sh("podman", "push", "--quiet", *login, local, f"docker://{reference}")
        host.sh("podman", "image", "rm", local)
        return reference


@contextmanager
def running(lab: Lab, folder: Path) -> Iterator[PrivateRegistry]:
    """Start it, with its storage in ``folder``, and end it."""
    address = f"{lab.network.gateway}:{PORT}"
    data, configuration, users = folder / "data", folder / "registry.yml", folder / "htpasswd"
    data.mkdir()
    template = Template(Path(__file__).with_name("private-registry.yml").read_text())
    configuration.write_text(template.substitute(address=address))
    users.write_text(_HTPASSWD)
    argv = nspawn.command(
        rootfs.service_root(lab.folders, lab.progress, "registry", PACKAGES),
        ["docker-registry", "serve", "/etc/registry.yml"],
        machine="codeb-registry-private",
        binds={data: "/var/lib/registry"},
        read_only_binds={configuration: "/etc/registry.yml", users: "/etc/registry.htpasswd"},
    )
    process = Supervised(folder)
    process.start(argv, nspawn.environment())
    try:
        assert wait_until(lambda: _asks(address), PATIENCE_S), process.log.read_text()
        yield PrivateRegistry(address)
    finally:
        process.stop(PATIENCE_S)


def _asks(address: str) -> bool:
    try:
        _HTTP.open(f"http://{address}/v2/", timeout=2).close()
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False
    return False


def credentials(user: str, password: str) -> str:
    """The host's file of credentials, as the bundle brings it."""
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    return json.dumps({"auths": {NAME: {"auth": auth}}})
