"""What a run of the CLI tells in events, one JSON document a line (`--json`), and how the tests ask for it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

EVENTS_OF_PREVIEWS = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
"""Without it a preview tells a digest instead, an update events all the same."""


@dataclass(frozen=True)
class Run:
    """How a run ended: exit status, its events, and everything it said."""

    status: int
    events: tuple[dict[str, Any], ...]
    text: str

    @classmethod
    def of(cls, done: subprocess.CompletedProcess[str]) -> Run:
        events = tuple(json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
        said = (event["diagnosticEvent"] for event in events if "diagnosticEvent" in event)
        messages = "".join(f"{one.get('urn', '').split('::')[-1]}: {one['message']}" for one in said)
        return cls(done.returncode, events, messages + done.stderr)

    @property
    def changes(self) -> dict[str, int]:
        """Operations by kind, without what stays the same."""
        (summary,) = (
            event["summaryEvent"]["resourceChanges"] for event in self.events if "summaryEvent" in event
        )
        return {op: count for op, count in summary.items() if op not in ("same", "read")}

    def steps(self, *ops: str) -> set[str]:
        """Names of the resources with these operations."""
        return {step["urn"].split("::")[-1] for step in self._steps() if step["op"] in ops}

    def inputs(self, ending: str) -> dict[str, Any]:
        """The new inputs of the resource whose URN ends so."""
        found: dict[str, Any] = next(
            step["new"]["inputs"] for step in self._steps() if step["urn"].endswith(ending)
        )
        return found

    def _steps(self) -> Iterator[dict[str, Any]]:
        for event in self.events:
            if "resourcePreEvent" in event:
                yield event["resourcePreEvent"]["metadata"]
