"""Time and memory of a first preview on the lab engine: generated manifests, and a bare program of the same size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from lab import paths

PROJECTS_PER_POOL = 400
BARE = Path(__file__).parent / "bare_program.py"
LINKS = ("__main__.py", "codeb", "ops", "components", "agent")
SERVER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1yqM2dSsm5K5nH0fSg7w3kPBbO1l0Zf3f5YyTqNcVt"


@dataclass(frozen=True)
class Program:
    """A folder with a Pulumi program and what its environment needs."""

    folder: Path
    environment: dict[str, str]


@dataclass(frozen=True)
class Measurement:
    """Wall-clock seconds, peak resident memory and resources of one preview."""

    seconds: float
    peak_mb: float
    resources: int


def manifests_program(folder: Path, size: int) -> Program:
    """The platform's own program with `size` generated manifests."""
    (folder / "manifests").mkdir(parents=True)
    for name in LINKS:
        (folder / name).symlink_to(paths.REPO / name)
    pools = [f"pool{number}" for number in range(-(-size // PROJECTS_PER_POOL))]
    for number in range(size):
        manifest = {
            "project": {"id": f"app-{number:04}"},
            "environment": {"domain": f"app{number}.bench.test", "image": "registry.bench.test/app:1"},
            "servers": {"pool": pools[number // PROJECTS_PER_POOL]},
        }
        (folder / "manifests" / f"app-{number:04}.yaml").write_text(yaml.safe_dump(manifest))
    _project(folder, _config(pools))
    return Program(folder, {})


def bare_program(folder: Path, resources: int) -> Program:
    """A program that does nothing but register as many resources of the same types."""
    folder.mkdir(parents=True)
    (folder / "__main__.py").symlink_to(BARE)
    _project(folder, {})
    return Program(folder, {"BENCH_RESOURCES": str(resources)})


def measure_preview(program: Program) -> Measurement:
    """Preview a program on a new stack.

    Raises:
        SystemExit: the preview failed; its output has been shown.
    """
    argv = [sys.executable, "-m", "lab.engine", "preview", "--cwd", str(program.folder), "--stack", "bench"]
    argv += ["--backend", str(program.folder / "state"), "--json"]
    environment = {
        **os.environ,
        **program.environment,
        "PULUMI_CONFIG_PASSPHRASE": "bench",
        "PYTHONPATH": str(paths.REPO),
    }
    started = time.monotonic()
    child = subprocess.Popen(argv, cwd=paths.REPO, env=environment, stdout=subprocess.PIPE)
    assert child.stdout is not None  # noqa: S101 narrows the type
    answer = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - started
    if child.returncode != 0:
        raise SystemExit(f"the preview failed:\n{answer.decode(errors='replace')}")
    summary = json.loads(answer)["changeSummary"]
    return Measurement(seconds, usage.ru_maxrss / 1024, int(sum(summary.values())))


def _project(folder: Path, config: dict[str, object]) -> None:
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "codeb", "runtime": "python"}))
    (folder / "Pulumi.bench.yaml").write_text(yaml.safe_dump({"config": config}))


def _config(pools: list[str]) -> dict[str, object]:
    """One server a pool at addresses of this machine where nothing answers: a preview needs none."""
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
        "codeb:sshPrivateKey": "bench-only-not-a-key",
    }
