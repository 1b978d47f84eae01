"""What previews and updates of a stack at the simulated Vultr say and would do."""

from __future__ import annotations

import json
from typing import Any

from lab.bench.fleets import FleetStack


def steps(stack: FleetStack) -> list[tuple[str, str, str]]:
    """What an update would do: operation, type, name; what stays the same is left out."""
    done = stack.pulumi("preview", "--json", PULUMI_SKIP_CHECKPOINTS="true")
    assert done.returncode == 0, done.stdout + done.stderr
    found = []
    for step in json.loads(done.stdout)["steps"]:
        type_, name = step["urn"].split("::")[2:4]
        if step["op"] not in ("same", "read"):
            found.append((step["op"], type_.rpartition("$")[2], name))
    return found


def at_vultr(found: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    return [step for step in found if step[1].startswith("vultr:")]


def addresses(stack: FleetStack) -> list[str]:
    """The servers' public ones, as the state has them."""
    servers = [item for item in stack.resources() if item["type"] == "vultr:index/instance:Instance"]
    return [item["outputs"]["mainIp"] for item in servers]


def said(done: Any) -> str:
    return str(done.stdout) + str(done.stderr)
