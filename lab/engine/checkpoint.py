"""The state file: Pulumi's checkpoint version 3 of the DIY backend (`file://…`).

Facts: `pkg/backend/diy`, `pkg/resource/stack/deployment.go` and `sdk/go/common/apitype` of pulumi/pulumi.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from lab.engine.crypto import Crypter
from lab.engine.encoding import Codec
from lab.engine.errors import EngineError
from lab.engine.resource import Resource

ORGANIZATION: Final = "organization"
"""The one organization of a DIY backend."""

ENGINE_VERSION: Final = "v3.259.0"
"""The engine whose behaviour and state this one follows."""


def now() -> str:
    """The time as Pulumi writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True)
class StackFiles:
    """Where a DIY backend keeps one stack."""

    backend: Path
    project: str
    stack: str

    @property
    def root(self) -> Path:
        """Pulumi's folder in the backend."""
        return self.backend / ".pulumi"

    @property
    def checkpoint(self) -> Path:
        """The state file."""
        return self.root / "stacks" / self.project / f"{self.stack}.json"

    @property
    def journal(self) -> Path:
        """Changes of a running operation, of this engine alone."""
        return self.root / "lab-engine" / self.project / f"{self.stack}.journal"

    @property
    def locks(self) -> Path:
        """The folder of the stack's lock files."""
        return self.root / "locks" / ORGANIZATION / self.project / self.stack

    def prepare(self) -> None:
        """Make the backend if it isn't there."""
        for folder in (self.checkpoint.parent, self.journal.parent, self.locks):
            folder.mkdir(parents=True, exist_ok=True)
        meta = self.root / "meta.yaml"
        if not meta.exists():
            write_durably(meta, "version: 1\n")


@dataclass
class Operation:
    """Something that was under way: `creating`, `updating`, `deleting`, `reading`."""

    resource: Resource
    type: str


@dataclass
class Checkpoint:
    """What a state file holds."""

    resources: list[Resource] = field(default_factory=list)
    pending: list[Operation] = field(default_factory=list)


def write_durably(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file in one step: after a crash it is the old one or the new one, whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_text(path: Path) -> str | None:
    """The text of the state file, None when the stack has none yet.

    Raises:
        EngineError: the state is compressed, which this engine does not read.
    """
    for compressed in (".gz", ".zst"):
        if path.with_name(path.name + compressed).exists():
            raise EngineError(f"{path}{compressed}: compressed state is not supported; unpack it first")
    return path.read_text(encoding="utf-8") if path.exists() else None


def parse(text: str, path: Path) -> dict[str, Any]:
    """The deployment in a state file, empty for a stack that has none.

    Raises:
        EngineError: the file is not a checkpoint of a version that this engine reads.
    """
    try:
        document = json.loads(text)
        version, latest = document["version"], document["checkpoint"].get("latest")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineError(
            f"{path}: not a Pulumi checkpoint ({error}); its last version is beside it, with suffix .bak"
        ) from error
    if version != 3:
        raise EngineError(f"{path}: checkpoint version {version} is not supported (only 3)")
    return latest or {}


def salt_of(deployment: dict[str, Any], path: Path) -> str | None:
    """The encryption salt that a deployment carries.

    Raises:
        EngineError: the stack's secrets are not kept with a passphrase.
    """
    provider = deployment.get("secrets_providers")
    if not provider:
        return None
    if provider.get("type") != "passphrase":
        raise EngineError(
            f"{path}: secrets provider {provider.get('type')!r} is not supported (only passphrase)"
        )
    salt = provider["state"]["salt"]
    return str(salt)


def decode(deployment: dict[str, Any], codec: Codec) -> Checkpoint:
    """The resources and pending operations of a deployment."""
    return Checkpoint(
        [codec.resource_from_json(item) for item in deployment.get("resources") or []],
        [
            Operation(codec.resource_from_json(item["resource"]), item["type"])
            for item in deployment.get("pending_operations") or []
        ],
    )


def encode(
    stack: str, resources: list[dict[str, Any]], pending: list[dict[str, Any]], crypter: Crypter
) -> str:
    """The text of a state file, one resource a line."""
    head = {
        "manifest": {
            "time": now(),
            "magic": hashlib.sha256(ENGINE_VERSION.encode()).hexdigest(),
            "version": ENGINE_VERSION,
        },
        "secrets_providers": {"type": "passphrase", "state": {"salt": crypter.state}},
    }
    parts = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    parts += [
        f"{json.dumps(name)}: [\n{_lines(items)}\n]"
        for name, items in (("resources", resources), ("pending_operations", pending))
        if items
    ]
    parts.append('"metadata": {}')
    latest = ",\n".join(parts)
    return f'{{"version": 3, "checkpoint": {{"stack": {json.dumps(stack)}, "latest": {{\n{latest}\n}}}}}}\n'


def _lines(items: list[dict[str, Any]]) -> str:
    return ",\n".join(json.dumps(item, ensure_ascii=False) for item in items)


def save(path: Path, text: str) -> None:
    """Replace the state file; the one before is kept with the suffix `.bak`."""
    if path.exists():
        link = path.with_name(f".{path.name}.{os.getpid()}.bak")
        link.unlink(missing_ok=True)
        os.link(path, link)
        link.replace(path.with_name(path.name + ".bak"))
    write_durably(path, text)
