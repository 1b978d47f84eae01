"""`ssh` of the benchmark: `lab.bench.nowhere FOLDER ssh's arguments`. It connects to nothing.

A forward is open at once (the plugins never use it); an agent that is asked for its status answers what lies in
FOLDER for its address, and is out of reach where nothing does.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from lab.bench.null import AT
from lab.host.cache import write_atomically

UNREACHABLE: Final = 255


def main(argv: Sequence[str]) -> None:
    """Answer as `ssh` would; ends the process with its exit status."""
    folder, *arguments = argv
    address, command = arguments[-2:]
    if not command.startswith("codeb-agent "):
        sys.exit(0)
    answer = answer_file(Path(folder), address)
    if not answer.exists():
        sys.stderr.write(f"ssh: connect to host {address}: Connection refused\n")
        sys.exit(UNREACHABLE)
    sys.stdout.write(answer.read_text())
    sys.exit(0)


def answer_file(folder: Path, address: str) -> Path:
    """Where the answer of the agent at `address` is kept."""
    return folder / f"{address}.json"


def write_answers(folder: Path, outputs: Mapping[str, Any]) -> None:
    """Let the agents say from now on what the stack's outputs say of them."""
    for name, server in outputs.get("servers", {}).items():
        document = status(name, outputs["registry"])
        write_atomically(answer_file(folder, server["address"]), json.dumps(document))


def status(server: str, registry: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of a server's agent to `status`: each project runs there as the registry says."""
    entries = [entry for entry in registry["projects"].values() if server in entry["servers"]]
    return {
        "ok": True,
        "host": {"name": server, "time": AT},
        "projects": [
            {
                **{key: entry[key] for key in _SAME},
                "project": entry["id"],
                "status": entry["health"]["status"],
                "previous": None,
                "withdrawn": None,
                "standby": None,
                "standby_until": None,
                "maintenance": False,
                "history": [entry["release"]],
            }
            for entry in entries
        ],
    }


_SAME: Final = ("active", "image", "digest", "release", "container_id", "created_at")
