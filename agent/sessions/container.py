"""A colour's unit as options of `podman run`: a one-off container is what the app's is, but for its name and port."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Final

from agent.documents.errors import Failed

_Options = Callable[[str], list[str]]


def _option(name: str) -> _Options:
    return lambda value: [f"--{name}={value}"]


_TAKEN: Final[Mapping[str, _Options]] = {
    "Network": lambda value: [f"--network={value.removesuffix('.network')}"],
    "Volume": _option("volume"),
    "NoNewPrivileges": lambda value: ["--security-opt=no-new-privileges"] if value == "true" else [],
    "DropCapability": _option("cap-drop"),
    "ReadOnly": _option("read-only"),
    "ReadOnlyTmpfs": _option("read-only-tmpfs"),
    "Tmpfs": _option("tmpfs"),
    "PidsLimit": _option("pids-limit"),
    "EnvironmentFile": _option("env-file"),
    "Environment": _option("env"),
    "PodmanArgs": lambda value: [word for word in shlex.split(value) if not word.startswith("--log-opt")],
}
_LEFT: Final = frozenset(
    {
        *("ContainerName", "Image", "Pull", "Exec", "PublishPort", "StopTimeout"),
        *("LogDriver", "HealthCmd", "HealthInterval", "Label"),
    }
)
_MODULE: Final = "ContainersConfModule"


def options(unit: str) -> tuple[list[str], list[str]]:
    """Options of `podman` itself and of its `run`, from a Quadlet file's text.

    Raises Failed for a key that nobody has decided about: a one-off container must not have less around it than the app's.
    """
    modules: list[str] = []
    found: list[str] = []
    for key, value in _container_section(unit):
        if key == _MODULE:
            modules.append(f"--module={value}")
        elif key in _TAKEN:
            found += _TAKEN[key](value)
        elif key not in _LEFT:
            raise Failed(
                "run", f"the app's unit has {key}=, which one-off containers can't have yet", _REMEDY
            )
    return modules, found


_REMEDY: Final = "this is a defect of the agent; `codeb exec` works meanwhile"


def _container_section(unit: str) -> list[tuple[str, str]]:
    section, pairs = "", []
    for line in unit.splitlines():
        if line.startswith("["):
            section = line.strip()
        elif section == "[Container]" and "=" in line and not line.startswith(("#", ";")):
            key, _, value = line.partition("=")
            pairs.append((key.strip(), value.strip()))
    return pairs
