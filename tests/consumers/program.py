"""Exports what `outputs.json` beside it says; `{"secret": value}` is one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi


def exported(value: Any) -> Any:
    if isinstance(value, dict):
        return (
            pulumi.Output.secret(value["secret"])
            if value.keys() == {"secret"}
            else {key: exported(item) for key, item in value.items()}
        )
    return value


for name, value in json.loads(Path("outputs.json").read_text()).items():
    pulumi.export(name, exported(value))
