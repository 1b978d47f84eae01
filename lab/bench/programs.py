"""The two programs that are measured: the platform's own with generated manifests, and a bare one of the same size."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import yaml

from lab import paths

PROJECTS_PER_POOL: Final = 400
BARE: Final = Path(__file__).parent / "bare_program.py"
LINKS: Final = ("__main__.py", "codeb", "ops", "components", "agent")
SERVER_KEY: Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1yqM2dSsm5K5nH0fSg7w3kPBbO1l0Zf3f5YyTqNcVt"
NO_KEY: Final = "bench-only-not-a-key\n" * 19
"""As long as an Ed25519 key in OpenSSH's format."""


STACK: Final = "bench"


@dataclass(frozen=True)
class Program:
    """A folder with a Pulumi program, and its stack; `release(count, version)` gives the first `count` projects another
    version."""

    folder: Path
    release: Callable[[int, int], None]
    stack: str = STACK


def manifests_program(folder: Path, size: int, per_pool: int = PROJECTS_PER_POOL) -> Program:
    """The platform's own program with `size` generated manifests."""
    (folder / "manifests").mkdir(parents=True)
    _link(folder)
    _project(folder, STACK, config(pools_of(size, per_pool)))
    write = partial(_write_manifests, folder / "manifests", per_pool, range(size))
    write(size, 1)
    return Program(folder, write)


def split_programs(folder: Path, size: int, per_pool: int = PROJECTS_PER_POOL) -> list[Program]:
    """The same projects in a stack for each pool, all in one folder; each stack has the name of its pool."""
    folder.mkdir(parents=True)
    _link(folder)
    found = []
    for place, pool in enumerate(pools_of(size, per_pool)):
        manifests = folder / "manifests" / pool
        manifests.mkdir(parents=True)
        settings = {"codeb:domain": f"{pool}.bench.test", "codeb:manifests": f"manifests/{pool}"}
        _project(folder, pool, config([pool], place) | settings)
        numbers = range(place * per_pool, min(size, (place + 1) * per_pool))
        write = partial(_write_manifests, manifests, per_pool, numbers)
        write(len(numbers), 1)
        found.append(Program(folder, write, pool))
    return found


def _link(folder: Path) -> None:
    for name in LINKS:
        (folder / name).symlink_to(paths.REPO / name)


def bare_program(folder: Path, resources: int) -> Program:
    """A program that does nothing but register as many resources of the same types."""
    folder.mkdir(parents=True)
    (folder / "__main__.py").symlink_to(BARE)
    _project(folder, STACK, {})
    write = partial(_write_wishes, folder / "bench.json", resources)
    write(0, 1)
    return Program(folder, write)


def manifest(number: int, version: int = 1, per_pool: int = PROJECTS_PER_POOL) -> dict[str, Any]:
    """The manifest of the project of this number."""
    return {
        "project": {"id": f"app-{number:04}"},
        "environment": {
            "domain": f"app{number}.bench.test",
            "image": f"registry.bench.test/app:{version}",
        },
        "servers": {"pool": _pool(number, per_pool)},
    }


def _write_manifests(folder: Path, per_pool: int, numbers: Sequence[int], count: int, version: int) -> None:
    for number in numbers[:count]:
        text = yaml.safe_dump(manifest(number, version, per_pool))
        (folder / f"app-{number:04}.yaml").write_text(text)


def _write_wishes(path: Path, resources: int, count: int, version: int) -> None:
    path.write_text(json.dumps({"resources": resources, "count": count, "version": version}))


def pools_of(size: int, per_pool: int = PROJECTS_PER_POOL) -> list[str]:
    """The pools that so many projects are in."""
    return [_pool(number, per_pool) for number in range(0, size, per_pool)]


def _pool(project: int, per_pool: int) -> str:
    return f"pool{project // per_pool}"


def _project(folder: Path, stack: str, config: dict[str, object]) -> None:
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "codeb", "runtime": "python"}))
    (folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": config}))


def config(pools: Sequence[str], first: int = 0) -> dict[str, object]:
    """One server a pool at addresses of this machine where nothing answers; they are numbered from `first`."""
    servers = [
        {
            "name": f"server{number}",
            "address": f"127.66.0.{number + 1}",
            "privateAddress": f"10.66.0.{number + 1}",
            "sshPort": 9,
            "roles": ["app", "data", "edge"] if number == first else ["app", "edge"],
            "pool": pool,
            "hostKey": SERVER_KEY,
        }
        for number, pool in enumerate(pools, first)
    ]
    return {
        "codeb:domain": "bench.test",
        "codeb:servers": servers,
        "codeb:tlsIssuer": "internal",
        "codeb:rootSecret": "bench-only-root-secret-0123456789-abcdefghijkl",
        "codeb:sshPrivateKey": NO_KEY,
    }
