"""Caddy with the platform's rendered files and the sites of so many projects, below a folder of this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agent.edge import sites
from agent.host import paths
from codeb.model import ManifestSource, load_manifests, parse_settings
from codeb.plan import Plan, make_plan
from codeb.render import host_files
from codeb.render.project import site
from codeb.secrets import PlatformSecrets, RootSecret, resolve
from lab.bench.programs import SERVER_KEY, manifest, pools_of

DOMAIN: Final = "app0.bench.test"
UPSTREAM: Final = "127.0.0.1:3999"
CADDY: Final = str(Path(sys.executable).parent / "caddy")
_READY_S: Final = 120


def plan_of(count: int) -> Plan:
    """So many projects, all of which the first server is the only edge of."""
    servers = [
        {
            "name": f"a{number}",
            "address": f"127.0.0.{number + 1}",
            "privateAddress": f"127.0.0.{number + 1}",
            "hostKey": SERVER_KEY,
            "pool": pool,
            "roles": ["app"] if number else ["app", "data", "edge"],
        }
        for number, pool in enumerate(pools_of(count))
    ]
    settings = parse_settings({"domain": "bench.test", "tlsIssuer": "internal", "servers": servers})
    sources = [ManifestSource(f"{number}.yaml", json.dumps(manifest(number))) for number in range(count)]
    return make_plan(settings, load_manifests(sources, settings), None)


def lay_out(plan: Plan, root: Path) -> Path:
    """Caddy's files below `root`, which takes the place of the host's paths in them; the Caddyfile's place."""
    secrets = PlatformSecrets(RootSecret("bench-only-root-secret-0123456789-abcdefghijkl"), ["127.0.0.1"])
    texts = {
        file.path: resolve(file.content, secrets.lookup) for file in host_files(plan, plan.servers[0]).files
    }
    key = texts[f"{paths.CONFIG}/secrets/ca.key"]
    files = {
        paths.CADDYFILE: texts[paths.CADDYFILE].replace("/run/secrets/ca.key", f"{root}/ca.key"),
        paths.CA_FILE: texts[paths.CA_FILE],
        paths.HOLD: texts[paths.HOLD],
        **{paths.site(project.id): site(plan, project, plan.servers[0]) for project in plan.projects},
    }
    files[paths.SITES_LIST] = sites.imports(f"sites/{project.id}.caddy" for project in plan.projects).decode()
    files = {path: text.replace("/etc/", f"{root}/etc/") for path, text in files.items()}
    files |= {paths.upstream(project.id): UPSTREAM for project in plan.projects}
    for path, text in {**files, "/ca.key": key}.items():
        Path(f"{root}{path}").parent.mkdir(parents=True, exist_ok=True)
        Path(f"{root}{path}").write_text(text.replace("/run/caddy/", f"{root}/"))
    os.environ |= {"HOME": str(root), "XDG_DATA_HOME": f"{root}/data"}
    return Path(f"{root}{paths.CADDYFILE}")


@contextmanager
def running(*argv: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program that ends with the block."""
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield child
    finally:
        child.terminate()
        child.wait(30)


def await_caddy() -> None:
    """Until the first project's name is answered. Raises SystemExit."""
    probe = ["curl", "-sfk", "--resolve", f"{DOMAIN}:443:127.0.0.1", f"https://{DOMAIN}/"]
    start = time.monotonic()
    while time.monotonic() - start < _READY_S:
        if subprocess.run(probe, stdout=subprocess.DEVNULL, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise SystemExit(f"Caddy doesn't answer within {_READY_S} s")
