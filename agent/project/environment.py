"""A colour's environment as files: `<colour>.env` for `podman run --env-file`, `<colour>.conf` for what that can't say.

An environment file has one variable a line and knows no quotes, so a value with line breaks has no form in it. Podman
takes such values, byte for byte, from a `containers.conf(5)` of the container's own (`ContainersConfModule=` in its
unit), whose strings are TOML's. There, a variable that the image sets itself would win: that is refused.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Final

from agent.documents.errors import Failed
from agent.host import commands, paths
from agent.host.paths import Colour
from agent.host.ports import Files, Ports
from agent.project.record import Image

_BREAKS: Final = ("\n", "\r")


def several_lines(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that no line of an environment file can hold."""
    return {name: value for name, value in environment.items() if any(end in value for end in _BREAKS)}


def write(files: Files, project: str, colour: Colour, environment: Mapping[str, str]) -> None:
    """Both files of a colour, readable by root alone; the second only when something needs it."""
    several = several_lines(environment)
    lines = (f"{name}={value}\n" for name, value in sorted(environment.items()) if name not in several)
    files.write(paths.environment(project, colour), "".join(lines).encode(), 0o600)
    if several:
        files.write(paths.module(project, colour), _module(several).encode(), 0o600)
    else:
        files.remove(paths.module(project, colour))


def read(files: Files, project: str, colour: Colour) -> dict[str, str]:
    """What both files hold; nothing of a colour that has none."""
    lines = (files.read(paths.environment(project, colour)) or b"").decode().split("\n")
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    module = tomllib.loads((files.read(paths.module(project, colour)) or b"").decode())
    texts = (text for text in module.get("containers", {}).get("env", ()) if isinstance(text, str))
    return found | dict(text.split("=", 1) for text in texts)


def check(ports: Ports, environment: Mapping[str, str], image: Image) -> None:
    """Raises Failed when the image sets a variable itself whose value has line breaks."""
    several = several_lines(environment)
    if not several:
        return
    clashes = sorted(several.keys() & _own(ports, image))
    if clashes:
        raise Failed(
            "check",
            f"the image sets {', '.join(clashes)} itself (ENV), which would win over a value with line breaks",
            "take that ENV out of the image, or give the variable a value of one line",
        )


def _own(ports: Ports, image: Image) -> set[str]:
    """Names of the variables that an image sets."""
    result = ports.runner.run(commands.inspect_image(image.reference))
    try:
        variables = json.loads(result.out)["Config"].get("Env") or []
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        remedy = f"see `podman image inspect {image.reference}` on the host, then run again"
        raise Failed("check", f"podman shows no configuration of {image.reference}", remedy) from error
    return {str(text).partition("=")[0] for text in variables}


def _module(environment: Mapping[str, str]) -> str:
    """The file's text. `append` keeps what containers have by default: a PATH."""
    texts = [_toml(f"{name}={value}") for name, value in sorted(environment.items())]
    return "[containers]\nenv = [\n" + "".join(f"  {text},\n" for text in texts) + "  {append=true}\n]\n"


def _toml(text: str) -> str:
    """A basic string of TOML: ASCII, everything else escaped."""
    return '"' + "".join(map(_character, text)) + '"'


def _character(character: str) -> str:
    code = ord(character)
    if character in '"\\' or not 0x20 <= code < 0x7F:
        return f"\\U{code:08X}"
    return character
