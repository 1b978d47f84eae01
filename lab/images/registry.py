"""The app-image registry of the lab: Debian's docker-registry on the bridge, plain HTTP, its storage below .lab."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from string import Template

from lab.host import commands, nspawn, rootfs
from lab.host.cache import write_atomically
from lab.host.errors import LabError
from lab.host.machine import REGISTRY_HOST
from lab.host.network import Network
from lab.host.paths import Folders
from lab.host.processes import Supervised, wait_until
from lab.host.progress import Progress

PACKAGES = ("docker-registry",)
PORT = 5000
NAME = f"{REGISTRY_HOST}:{PORT}"
PATIENCE_S = 20.0
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json"
)
# Never through a proxy: the registry is on this machine.
_HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Registry:
    """One process that outlives the run. Hosts know it as :data:`NAME`."""

    folders: Folders
    network: Network
    progress: Progress

    @property
    def address(self) -> str:
        """Where this machine reaches it, ``host:port``."""
        return f"{self.network.gateway}:{PORT}"

    @property
    def _supervised(self) -> Supervised:
        return Supervised(self.folders.registry)

    def ensure(self) -> None:
        """Start it unless it runs. The bridge must be up. Raises LabError when it does not answer."""
        if self._supervised.running() and self._answers():
            return
        root = rootfs.service_root(self.folders, self.progress, "registry", PACKAGES)
        with self.progress.step("start the registry"):
            self._supervised.stop(PATIENCE_S)
            self._start(root)
            if not wait_until(self._answers, PATIENCE_S):
                log = self._supervised.log
                raise LabError(
                    f"the registry does not answer at {self.address}; end of {log}:\n{commands.tail(log)}",
                    f"see that nothing else on this machine listens on port {PORT}",
                )

    def _start(self, root: Path) -> None:
        data = self.folders.registry / "data"
        data.mkdir(parents=True, exist_ok=True)
        template = Template(Path(__file__).with_name("templates").joinpath("registry.yml").read_text())
        configuration = self.folders.registry / "registry.yml"
        write_atomically(configuration, template.substitute(address=self.address))
        argv = nspawn.command(
            root,
            ["docker-registry", "serve", "/etc/registry.yml"],
            machine=f"{self.network.bridge}-registry",
            binds={data: "/var/lib/registry"},
            read_only_binds={configuration: "/etc/registry.yml"},
        )
        self._supervised.start(argv, nspawn.environment())

    def stop(self) -> None:
        """Stop it; its images are kept."""
        self._supervised.stop(PATIENCE_S)

    def _answers(self) -> bool:
        try:
            with _HTTP.open(f"http://{self.address}/v2/", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def digest(self, name: str, tag: str) -> str | None:
        """Digest (``sha256:…``) of what a tag points at; None when the registry has no such tag.

        Raises LabError when the registry can't be asked.
        """
        url = f"http://{self.address}/v2/{name}/manifests/{tag}"
        request = urllib.request.Request(url, method="HEAD", headers={"Accept": _MANIFESTS})
        try:
            with _HTTP.open(request, timeout=10) as answer:
                found: str | None = answer.headers.get("Docker-Content-Digest")
                return found
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise LabError(f"{url} answers {error.code}", f"see {self._supervised.log}") from error
        except OSError as error:
            raise LabError(f"{url}: {error}", "start the registry with `make lab`") from error
