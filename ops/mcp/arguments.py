"""The tools' arguments: what each may be, checked before a tool sees it."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from ops.mcp.untrusted import MOST_LINES

MANIFEST_BYTES: Final = 262_144

StackName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$|^$", description="the stack; needed when there are several")
]  # fmt: skip
ProjectId = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$", description="the project's id")
]
ManifestText = Annotated[str, Field(max_length=MANIFEST_BYTES, description="a manifest as YAML text")]
ManifestPath = Annotated[
    str, Field(max_length=300, description="a file in the stack's manifests folder, such as shop.yaml")
]
Kind = Literal["app", "worker", "job", "audit", "access"]
Kinds = Annotated[
    list[Kind],
    Field(
        max_length=5, description="app, worker, job, audit, access (requests); without any, all but requests"
    ),
]
Since = Annotated[
    str, Field(max_length=40, description="10m, 2h, 1d (so long ago), or a time such as 2026-11-27T12:00Z")
]
Grep = Annotated[str, Field(max_length=200, description="only lines with this text, as it is")]
Lines = Annotated[int, Field(ge=1, le=MOST_LINES, description="how many, the newest")]
PlanId = Annotated[str, Field(pattern=r"^[0-9a-f]{24}$", description="the plan_id of a preview")]
