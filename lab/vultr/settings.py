"""How long things take and what there is room for: `settings.json` of the folder, changeable while it runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from lab.vultr import files


@dataclass(frozen=True)
class Settings:
    """Durations in seconds. With 0 an answer waits for the machines, so that what it names is there."""

    instance_s: float = 0
    """At least so long is an instance `pending`; above 0 it boots behind the answer's back, as at Vultr."""
    install_s: float = 0
    """So long after it became active is it `installingbooting`."""
    locked_s: float = 0
    """So long after it became active is it `locked`: no disk goes in or out, and it can't be deleted (#482, #113)."""
    resize_s: float = 0
    block_s: float = 0
    balancer_s: float = 0
    balancer_address_s: float = 0
    """So long after it became active has a balancer no address yet, as users of Vultr report (#635)."""
    share_s: float = 0
    database_s: float = 0
    objects_s: float = 0
    full: tuple[str, ...] = ()
    """Regions ("icn") and plans in a region ("icn/vc2-1c-1gb") without capacity for another instance."""
    refuse_empty_block_patch: bool = True
    """Answer "Nothing to change" to a PATCH of a block that changes nothing, as users of Vultr report (#660)."""


def load(folder: Path) -> files.Watched[Settings]:
    """The settings of a folder, as they are at each look."""
    return files.Watched(folder / "settings.json", _parse)


def change(folder: Path, **values: Any) -> Settings:
    """Change some of the settings, of a running simulator too."""
    path = folder / "settings.json"
    with files.locked(path):
        settings = replace(load(folder).value(), **values)
        files.write(path, asdict(settings))
    return settings


def parse_change(text: str) -> tuple[str, Any]:
    """`name=value` of a command line as a setting; a ValueError says what is wrong."""
    name, sign, value = text.partition("=")
    kinds = {field.name: field.default for field in fields(Settings)}
    if not sign or name not in kinds:
        raise ValueError(f"{text!r}: write name=value, a name of {', '.join(kinds)}")
    default = kinds[name]
    if isinstance(default, bool):
        return name, value.lower() in ("1", "true", "yes")
    if isinstance(default, tuple):
        return name, tuple(part for part in value.split(",") if part)
    return name, float(value)


def _parse(content: Any) -> Settings:
    values = dict(content or {})
    return Settings(**{**values, "full": tuple(values.get("full", ()))})
