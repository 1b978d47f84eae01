"""The two programs that are measured: the platform's own with generated manifests, and a bare one of the same size."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import yaml

from lab import paths

PROJECTS_PER_POOL: Final = 400
BARE: Final = Path(__file__).parent / "bare_program.py"
LINKS: Final = ("__main__.py", "codeb", "ops", "components", "agent")
SERVER_KEY: Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1yqM2dSsm5K5nH0fSg7w3kPBbO1l0Zf3f5YyTqNcVt"
NO_KEY: Final = "bench-only-not-a-key\n" * 19
"""As long as an Ed25519 key in OpenSSH's format."""


@dataclass(frozen=True)
class Program:
    """A folder with a Pulumi program; `release(count, version)` gives the first `count` projects another version."""

    folder: Path
    release: Callable[[int, int], None]


def manifests_program(folder: Path, size: int) -> Program:
    """The platform's own program with `size` generated manifests."""
    (folder / "manifests").mkdir(parents=True)
    for name in LINKS:
        (folder / name).symlink_to(paths.REPO / name)
    _project(folder, _config([_pool(number) for number in range(0, size, PROJECTS_PER_POOL)]))
    write = partial(_write_manifests, folder / "manifests")
    write(size, 1)
    return Program(folder, write)


def bare_program(folder: Path, resources: int) -> Program:
    """A program that does nothing but register as many resources of the same types."""
    folder.mkdir(parents=True)
    (folder / "__main__.py").symlink_to(BARE)
    _project(folder, {})
    write = partial(_write_wishes, folder / "bench.json", resources)
    write(0, 1)
    return Program(folder, write)


def _write_manifests(folder: Path, count: int, version: int) -> None:
    for number in range(count):
        manifest = {
            "project": {"id": f"app-{number:04}"},
            "environment": {
                "domain": f"app{number}.bench.test",
                "image": f"registry.bench.test/app:{version}",
            },
            "servers": {"pool": _pool(number)},
        }
        (folder / f"app-{number:04}.yaml").write_text(yaml.safe_dump(manifest))


def _write_wishes(path: Path, resources: int, count: int, version: int) -> None:
    path.write_text(json.dumps({"resources": resources, "count": count, "version": version}))


def _pool(project: int) -> str:
    return f"pool{project // PROJECTS_PER_POOL}"


def _project(folder: Path, config: dict[str, object]) -> None:
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "codeb", "runtime": "python"}))
    (folder / "Pulumi.bench.yaml").write_text(yaml.safe_dump({"config": config}))


def _config(pools: list[str]) -> dict[str, object]:
    """One server a pool at addresses of this machine where nothing answers."""
    servers = [
        {
            "name": f"server{number}",
            "address": f"127.66.0.{number + 1}",
            "privateAddress": f"10.66.0.{number + 1}",
            "sshPort": 9,
            "roles": ["app", "data", "edge"] if number == 0 else ["app", "edge"],
            "pool": pool,
            "hostKey": SERVER_KEY,
        }
        for number, pool in enumerate(pools)
    ]
    return {
        "codeb:domain": "bench.test",
        "codeb:servers": servers,
        "codeb:tlsIssuer": "internal",
        "codeb:rootSecret": "bench-only-root-secret-0123456789-abcdefghijkl",
        "codeb:sshPrivateKey": NO_KEY,
    }
