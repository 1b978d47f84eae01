"""What the tools answer: fields that hold checked words only, and others' text in a field of its own."""

from __future__ import annotations

from pydantic import BaseModel, Field

from ops.mcp.untrusted import Untrusted


class Place(BaseModel):
    """Where in a manifest something is wrong; lines and columns count from 1, 0 for the file as a whole."""

    file: str
    line: int
    column: int


class Validated(BaseModel):
    """Whether the manifests are right. `said` has each problem's path, cause and remedy, in the order of `problems`."""

    ok: bool
    projects: list[str] = Field(description="ids of the manifests that are right")
    problems: list[Place]
    said: Untrusted


class Planned(BaseModel):
    """What a manifest would be given. Nothing is written; the numbers are handed out by the next deployment."""

    ok: bool
    project: str = ""
    domain: str = ""
    port: int = Field(
        default=0, description="of the app's container on its server; the other colour's is port_internal"
    )
    port_internal: int = 0
    redis: str = Field(default="", description="instance and index, empty without a cache")
    database: str = ""
    buckets: list[str] = []
    servers: list[str] = []
    cost: str = Field(default="", description="change a month, empty for none or where no price is known")
    compared_with_registry: bool = Field(
        default=True, description="false: the stack's state could not be asked"
    )
    said: Untrusted = Field(description="conflicts and notes")


class Running(BaseModel):
    """A project on a server."""

    project: str
    server: str
    status: str
    release: str = ""
    image: str = ""
    digest: str = ""
    since: str = ""
    by: str = ""
    previous: str = Field(default="", description="the release that a rollback would go to")
    standby_until: str = ""
    under_way: bool = Field(default=False, description="a release is running now")


class Projects(BaseModel):
    """What runs. `silent` are servers that did not answer, why is in `said`."""

    ok: bool
    stack: str
    running: list[Running]
    left_out: int = 0
    silent: list[str]
    said: Untrusted


class Past(BaseModel):
    """A release of before."""

    release: str
    server: str
    at: str
    outcome: str
    image: str = ""
    by: str = ""
    seconds: float = 0


class OneProject(BaseModel):
    """A project: where it runs, what it was given, its last releases."""

    ok: bool
    stack: str
    project: str
    domain: str = ""
    port: int = 0
    port_internal: int = 0
    redis: str = ""
    database: str = ""
    buckets: list[str] = []
    running: list[Running]
    history: list[Past]
    silent: list[str]
    said: Untrusted


class OneRelease(BaseModel):
    """A release or rollback on all servers that had it; `half`: not all of them fared alike."""

    at: str
    outcome: str
    half: bool
    image: str = ""
    by: str = ""
    serves: list[str] = Field(default=[], description="servers on which it serves now")


class Releases(BaseModel):
    """A project's releases on all its servers, newest first; causes are in `said`."""

    ok: bool = Field(description="true: every server answered and the newest is the same everywhere")
    stack: str
    project: str
    releases: list[OneRelease]
    silent: list[str]
    said: Untrusted


class Logs(BaseModel):
    """A project's newest lines of all its servers, oldest first, secrets masked. The lines are in `said`."""

    ok: bool
    stack: str
    project: str
    lines: int
    silent: list[str]
    said: Untrusted


class ChangedResource(BaseModel):
    """What happens to one resource."""

    resource: str
    op: str


class Previewed(BaseModel):
    """What a deployment would do: `said` has the lines for users (restart, reload, data) and warnings, in words."""

    ok: bool
    stack: str
    plan_id: str = Field(default="", description="what deploy takes; empty when the preview failed")
    cost: str = Field(default="", description="change a month, empty for none")
    steps: list[ChangedResource]
    steps_left_out: int = 0
    needs_approval: str = Field(default="", description="what a person has to do before deploy, in words")
    said: Untrusted


class Deployed(BaseModel):
    """How a deployment ended. When not ok, explain_failure tells more; what did not come about serves as before."""

    ok: bool
    stack: str
    refused: str = Field(default="", description="why nothing was done at all, empty when something was")
    failed: list[str] = Field(default=[], description="resources that did not come about")
    steps: int = 0
    said: Untrusted


class RolledBack(BaseModel):
    """How a rollback ended, server by server."""

    ok: bool
    stack: str
    refused: str = ""
    moved: list[str] = Field(
        default=[], description="servers on which the project goes by another release now"
    )
    stayed: list[str] = Field(default=[], description="servers that served it already")
    not_done: list[str] = []
    said: Untrusted


class Explained(BaseModel):
    """Why a project is not well, or its last release did not come about."""

    ok: bool = Field(description="true: it is healthy and its last release came about")
    stack: str
    project: str
    status: str = ""
    phase: str = Field(default="", description="in which phase the last failed release stopped")
    at: str = ""
    what_to_try: list[str]
    said: Untrusted = Field(description="causes, log lines")


class Diagnosed(BaseModel):
    """What is wrong with a stack's servers."""

    ok: bool
    stack: str
    problems: dict[str, int] = Field(description="problems by server")
    silent: list[str]
    said: Untrusted
