"""A project folder, Pulumi, GitHub, a webhook and visitors in memory, and the world of `codeb ci` on them."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import yaml

from ops.audit import Act
from ops.ci.context import Workflow
from ops.ci.health import Target
from ops.ci.world import World
from ops.request import VARIABLE
from ops.runs import Ended, Event, Run, Said, Step, Verb, Watch

ROOT = Path(__file__).parents[3]
REPOSITORY = "ghcr.io/leo/shop"
IMAGE = f"{REPOSITORY}@sha256:{'a' * 64}"
OTHER_IMAGE = f"{REPOSITORY}@sha256:{'b' * 64}"
COMMIT = "0123456789" * 4
RUN_URL = "https://github.com/leo/shop/actions/runs/7"
HOOK = "https://hooks.slack.test/services/T0/B0/the-secret-of-the-hook"
NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
STEP = Step("shop-release-codeb1", "update", "command:remote:Command")
TOLD: tuple[Event, ...] = (
    STEP,
    Said("info", "shop: image 1 → 2, restarts; no request fails"),
    Said("info", "+$80.00 a month: app-3"),
)
HOSTILE = "</summary> <!-- --> ``` ```` @all [x](https://evil.test) | <img src=x onerror=alert(1)> ::error::x"


@dataclass
class Pulumi:
    """A CLI in memory: tells `events`, or those of a verb, and ends as it is told; `requests` is what each run got."""

    events: tuple[Event, ...] = TOLD
    by_verb: dict[str, tuple[Event, ...]] = field(default_factory=dict)
    ended: dict[str, Ended] = field(default_factory=dict)
    before: Callable[[Verb], None] = lambda _: None
    waits: bool = False
    runs: list[str] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)

    def __call__(self, folder: Path, stack: str, verb: Verb, watch: Watch, run: Run) -> Ended:
        self.runs.append(verb)
        self.requests.append(json.loads(os.environ.get(VARIABLE, "null")))
        self.before(verb)
        for event in self.by_verb.get(verb, self.events):
            watch(event)
        while self.waits and not run.ending:
            time.sleep(0.01)
        if run.ending:
            return Ended(False, "canceled", interrupted=True)
        return self.ended.get(verb, Ended(True))


@dataclass
class Hub:
    """GitHub's calls that are used, on lists that tests look at, and a webhook. `refuses` maps paths to a status."""

    comments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    issues: list[dict[str, Any]] = field(default_factory=list)
    approvals: list[dict[str, Any]] = field(default_factory=list)
    labels: list[str] = field(default_factory=lambda: ["bug"])
    pulls: dict[str, dict[str, Any]] = field(default_factory=dict)
    dispatched: list[tuple[str, Any]] = field(default_factory=list)
    slack: list[str] = field(default_factory=list)
    slack_status: int = 200
    tokens: set[str] = field(default_factory=set)
    user: str = ""
    refuses: dict[str, int] = field(default_factory=dict)
    bot: Mapping[str, str] = field(default_factory=lambda: {"login": "github-actions[bot]", "type": "Bot"})

    @property
    def transport(self) -> httpx2.MockTransport:
        return httpx2.MockTransport(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "hooks.slack.test":
            self.slack.append(json.loads(request.content)["text"])
            return httpx2.Response(self.slack_status)
        self.tokens.add(request.headers["authorization"].removeprefix("Bearer "))
        path = request.url.path
        for place, status in self.refuses.items():
            if path.startswith(place):
                return httpx2.Response(status, json={"message": "no"})
        if path == "/user":
            return (
                httpx2.Response(200, json={"login": self.user})
                if self.user
                else httpx2.Response(403, json={})
            )
        found = re.fullmatch(r"/repos/([^/]+/[^/]+)(/.*)", path)
        assert found, path
        body = json.loads(request.content) if request.content else {}
        return self._call(request, found[1], found[2], body)

    def _call(self, request: httpx2.Request, repository: str, path: str, body: Any) -> httpx2.Response:
        method = request.method
        if method == "GET" and path.endswith("/approvals"):
            return httpx2.Response(200, json=self.approvals)
        if method == "POST" and path == "/dispatches":
            self.dispatched.append((repository, body))
            return httpx2.Response(204)
        if method == "GET" and path.startswith("/pulls/"):
            return httpx2.Response(200, json=self.pulls.get(f"{repository}#{path[7:]}", {"state": "open"}))
        if path.startswith("/issues/comments/"):
            return self._edit_comment(int(path.rpartition("/")[2]), body)
        if match := re.fullmatch(r"/issues/(\d+)/comments", path):
            return self._comments(method, request, f"{repository}#{match[1]}", body)
        if path == "/labels":
            if method == "POST":
                self.labels.append(body["name"])
                return httpx2.Response(201, json=body)
            return httpx2.Response(200, json=[{"name": name} for name in self.labels])
        if path == "/issues":
            return self._issues(method, request, body)
        number = int(path.rpartition("/")[2])
        self.issues[number - 1] |= body
        return httpx2.Response(200, json=self.issues[number - 1])

    def _comments(self, method: str, request: httpx2.Request, place: str, body: Any) -> httpx2.Response:
        here = self.comments.setdefault(place, [])
        if method == "GET":
            return httpx2.Response(200, json=here if request.url.params["page"] == "1" else [])
        made = {"id": 100 + sum(map(len, self.comments.values())), "user": self.bot, **body}
        here.append(made)
        return httpx2.Response(201, json=made)

    def _edit_comment(self, number: int, body: Any) -> httpx2.Response:
        (found,) = (each for here in self.comments.values() for each in here if each["id"] == number)
        found |= body
        return httpx2.Response(200, json=found)

    def _issues(self, method: str, request: httpx2.Request, body: Any) -> httpx2.Response:
        if method == "GET":
            wanted = request.url.params
            found = [
                i for i in self.issues if i["state"] == wanted["state"] and wanted["labels"] in i["labels"]
            ]
            return httpx2.Response(200, json=found)
        made = {"number": len(self.issues) + 1, "state": "open", "user": self.bot, **body}
        self.issues.append(made)
        return httpx2.Response(201, json=made)


@dataclass(repr=False)
class Place:
    """Everything around one stack."""

    folder: Path
    event_name: str = "push"
    event: dict[str, Any] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=lambda: {"SLACK_WEBHOOK_URL": HOOK})
    pulumi: Pulumi = field(default_factory=Pulumi)
    hub: Hub = field(default_factory=Hub)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[tuple[str, Act]] = field(default_factory=list)
    visited: list[Target] = field(default_factory=list)
    answers: Callable[[Target], int | str] = lambda _: 200
    slept: list[float] = field(default_factory=list)
    run: Run = field(default_factory=Run)
    actor: str = "leo"
    now: datetime = NOW
    missed: set[str] = field(default_factory=set)

    @classmethod
    def make(cls, folder: Path) -> Place:
        project = folder / "project"
        (project / "manifests").mkdir(parents=True)
        shutil.copy(ROOT / "Pulumi.yaml", project)
        for stack in ("dev", "prod"):
            shutil.copy(ROOT / "Pulumi.dev.yaml", project / f"Pulumi.{stack}.yaml")
        place = cls(project)
        place.write("shop")
        place.outputs = {"dev": stack_outputs("shop"), "prod": stack_outputs("shop")}
        return place

    def write(self, name: str, **sections: Any) -> None:
        environment = {"domain": f"{name}.lab.test", "image": f"ghcr.io/leo/{name}:main"}
        project = {"id": name, "repository": f"https://github.com/leo/{name}"}
        document = {"project": project, "environment": environment, **sections}
        (self.folder / "manifests" / f"{name}.yaml").write_text(yaml.safe_dump(document))

    @property
    def world(self) -> World:
        workflow = Workflow(
            "leo/platform", 42, 1, COMMIT, self.event_name, self.event, "the-token", actor=self.actor,
            output_file=self.folder.parent / "output", summary_file=self.folder.parent / "summary",
        )  # fmt: skip
        return World(
            self.folder, workflow, self.environ,
            runner=lambda: self.pulumi,
            outputs=lambda stack: self.outputs[stack],
            note=self._note,
            visit=self._visit,
            transport=self.hub.transport,
            now=lambda: self.now,
            sleep=self.slept.append,
            run=self.run,
        )  # fmt: skip

    @property
    def summary(self) -> str:
        return (self.folder.parent / "summary").read_text()

    @property
    def step_outputs(self) -> dict[str, str]:
        text = (self.folder.parent / "output").read_text()
        return dict(re.findall(r"^(\w+)<<(?:\S+)\n(.*?)\ncodeb-\w+$", text, re.M | re.S))

    def pull_request(self, head: str = "leo/platform", number: Any = 12) -> None:
        repo = {"full_name": head} if head else None
        self.event_name = "pull_request"
        self.event = {
            "action": "opened",
            "pull_request": {"number": number, "head": {"repo": repo, "sha": COMMIT}},
        }

    def dispatched(self, event: str, /, **payload: Any) -> None:
        self.event_name = "repository_dispatch"
        self.event = {"action": event, "client_payload": told(**payload)}

    def approve(self, environment: str = "production", login: str = "ann", state: str = "approved") -> None:
        self.hub.approvals.append(
            {"state": state, "environments": [{"name": environment}], "user": {"login": login}, "comment": ""}
        )

    def _note(self, stack: str, act: Act) -> list[str]:
        self.notes.append((stack, act))
        return []

    def _visit(self, target: Target) -> int | str:
        self.visited.append(target)
        return self.answers(target)


def told(**changes: Any) -> dict[str, Any]:
    """What an app's repository says; None takes a key away."""
    found = {
        "project": "shop",
        "image": IMAGE,
        "repository": "leo/shop",
        "commit": COMMIT,
        "run_url": RUN_URL,
    }
    return {key: value for key, value in (found | changes).items() if value is not None}


def stack_outputs(*projects: str, **registry: Any) -> dict[str, Any]:
    """The outputs of a stack with one server that runs these projects."""
    return {
        "registry": {
            "projects": {
                name: {"id": name, "domain": f"{name}.lab.test", "maintenance": False} for name in projects
            },
            **registry,
        },
        "projects": {name: {"url": f"https://{name}.lab.test", "health": "healthy"} for name in projects},
        "servers": {"codeb1": {"address": "10.77.0.2", "roles": ["app", "data", "edge"]}},
    }
