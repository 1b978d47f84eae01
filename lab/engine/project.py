"""`Pulumi.yaml`: the project's name, its program and its typed configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lab.engine.errors import EngineError


@dataclass(frozen=True)
class ConfigType:
    """What `Pulumi.yaml` says about one configuration key."""

    type: str | None = None
    items: dict[str, Any] | None = None
    default: Any = None
    value: Any = None
    secret: bool = False


@dataclass(frozen=True)
class Project:
    """A Pulumi project."""

    name: str
    root: Path
    main: str = ""
    config: dict[str, ConfigType] = field(default_factory=dict)

    @property
    def program(self) -> Path:
        """The folder or file of the program."""
        return (self.root / self.main).resolve()

    def key(self, key: str) -> str:
        """A configuration key with its namespace; the project's own is left out in the file."""
        return key if ":" in key else f"{self.name}:{key}"


def load_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping.

    Raises:
        EngineError: it can't be read.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise EngineError(f"{path}: {error}") from error
    if not isinstance(document, dict | None):
        raise EngineError(f"{path}: expected a mapping at the top")
    return document or {}


def load_project(root: Path) -> Project:
    """Read `Pulumi.yaml`.

    Raises:
        EngineError: there is none, or it is no Python project.
    """
    path = root / "Pulumi.yaml"
    if not path.exists():
        raise EngineError(f"no Pulumi.yaml in {root}: run in a project's folder, or name it with --cwd")
    document = load_yaml(path)
    runtime = document.get("runtime")
    name = runtime.get("name") if isinstance(runtime, dict) else runtime
    if name != "python":
        raise EngineError(f"{path}: runtime {name!r} is not supported (only python)")
    if not isinstance(document.get("name"), str):
        raise EngineError(f"{path}: name is missing")
    config = {key: _config_type(path, key, value) for key, value in (document.get("config") or {}).items()}
    return Project(document["name"], root.resolve(), str(document.get("main") or ""), config)


def _config_type(path: Path, key: str, document: Any) -> ConfigType:
    if not isinstance(document, dict):
        return ConfigType(value=document)
    unknown = document.keys() - {"type", "description", "items", "default", "value", "secret"}
    if unknown:
        raise EngineError(f"{path}: config {key}: unknown field {sorted(unknown)[0]!r}")
    return ConfigType(
        document.get("type"),
        document.get("items"),
        document.get("default"),
        document.get("value"),
        bool(document.get("secret")),
    )
