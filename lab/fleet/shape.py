"""Shapes of the stack `fleet`: production's is the repository's `Pulumi.fleet.yaml`, `shapes/` has the others.

Each of these is a project folder of its own, like the repository's but with other settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from lab import certificates, paths
from lab.host.cache import write_atomically
from lab.pulumi.stack import Stack

NAME: Final = "fleet"
"""Of the stack, in every shape."""
BALANCED: Final = "balanced"
SETTINGS: Final = paths.REPO / f"Pulumi.{NAME}.yaml"
_SHAPES: Final = Path(__file__).with_name("shapes")
_PROGRAM: Final = ("__main__.py", "Pulumi.yaml", "codeb", "ops", "components", "agent", "manifests")
_DOMAINS: Final = ("*.lab.test", "*.fleet.test")


def names() -> list[str]:
    """Every shape's."""
    return [BALANCED, *sorted(path.stem for path in _SHAPES.glob("*.yaml"))]


def settings(shape: str) -> dict[str, Any]:
    """The stack's settings in this shape."""
    found: dict[str, Any] = yaml.safe_load(SETTINGS.read_text())["config"]
    if shape == BALANCED:
        return found
    other: dict[str, Any] = yaml.safe_load((_SHAPES / f"{shape}.yaml").read_text())
    return found | other


def place(shape: str) -> Path:
    """The project folder of this clone's stack in a shape, brought up to date."""
    return paths.REPO if shape == BALANCED else project(paths.FLEET / "shapes" / shape, settings(shape))


def project(folder: Path, values: Mapping[str, Any], lab: Path = paths.LAB) -> Path:
    """Make `folder` a project with the repository's program and manifests and these settings; `lab` is its `.lab`."""
    folder.mkdir(parents=True, exist_ok=True)
    links = {name: paths.REPO / name for name in _PROGRAM} | {".lab": lab}
    for name, target in links.items():
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(target)
    text = yaml.safe_dump({"config": dict(values)}, allow_unicode=True)
    write_atomically(folder / SETTINGS.name, text)
    return folder


def ends_tls(values: Mapping[str, Any]) -> bool:
    """Whether the balancer needs a certificate."""
    return bool((values.get("codeb:balancer") or {}).get("tls") == "terminate")


def certify(stack: Stack, folder: Path) -> Path:
    """Give the balancer a throw-away authority's certificate for all of the lab's names, as an operator does.

    Its files are in `folder`; returns the authority's certificate. One that is good for a week yet stays.
    """
    had = certificates.Certificate(folder / "ca.crt", folder / "server.crt", folder / "server.key")
    stack.open()
    if certificates.lasts(had) and "codeb:balancerCertificate" in stack.settings.read_text():
        return had.ca
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = certificates.issue(folder, *_DOMAINS, days=365)
    for part, path in (("certificate", made.certificate), ("privateKey", made.key), ("chain", made.ca)):
        key = f"codeb:balancerCertificate.{part}"
        stack.ask("config", "set", "--secret", "--path", key, stdin=path.read_text())
    return made.ca
