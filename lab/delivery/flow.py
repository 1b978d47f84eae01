"""The way from a push to a release: events start workflows, their ends and what they dispatch start others, a person
approves.

What GitHub does between runs is here; what runs do is in the workflows and in `codeb ci`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from lab.delivery import anthropic, packages, places, repositories, stacks, triggers
from lab.delivery.act import Act
from lab.delivery.github import Hub, issues, runs, serving
from lab.delivery.runner import Done, Event, Owned, Runner
from lab.host import Lab
from lab.images import toolchains
from lab.images.registry import NAME
from lab.paths import REPO
from lab.receiver import Receiver, receiving

REVIEWER: Final = "ann"
ENVIRONMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "development": (),
    "production-plan": (),
    "production": (REVIEWER,),
}
_KEY: Final = "key-of-the-lab"
_PAUSE_S: Final = 0.2

Decide = Callable[["Delivery", int], bool]
"""Whether a run that waits may go on; asked by a reviewer's thread."""


@dataclass
class Delivery:
    """The way, open: repositories, stand-ins, receiver. `owned` is what the owner of each repository has set."""

    lab: Lab
    hub: Hub
    runner: Runner
    receiver: Receiver
    owned: Mapping[str, Owned]

    def event(self, event: Event) -> list[Done]:
        """All runs that follow from an event, in the order in which they ended."""
        done: list[Done] = []
        for file, text in sorted(repositories.workflows(event.repository, event.sha).items()):
            workflow = triggers.read(file, text)
            if triggers.starts(workflow, event.name, event.document, event.branch):
                ran = self.runner.run(workflow, event, self.owned[event.repository])
                done += [ran, *self._after(ran, event), *self._dispatched()]
        return done

    def push(self, repository: str, before: str = "0" * 40) -> list[Done]:
        """Somebody has pushed to main."""
        sha = repositories.head(repository)
        document = {"ref": "refs/heads/main", "before": before, "after": sha, "forced": False}
        return self.event(Event(repository, "push", document, sha))

    def pull_request(self, repository: str, number: int, action: str) -> list[Done]:
        """A pull request was `opened`, pushed to (`synchronize`) or `closed`."""
        if action == "closed":
            issues.change(self.hub, repository, str(number), {"state": "closed"})
        found = issues.pull(self.hub, repository, str(number))
        head = found["head"]
        document = {"action": action, "number": number, "pull_request": found}
        return self.event(
            Event(repository, "pull_request", document, head["sha"], head["ref"], f"refs/pull/{number}/merge")
        )

    def scheduled(self, repository: str, file: str) -> Done:
        """The hour of a scheduled workflow has come."""
        sha = repositories.head(repository)
        workflow = triggers.read(file, repositories.workflows(repository, sha)[file])
        event = Event(repository, "schedule", {"schedule": "0 * * * *"}, sha)
        return self.runner.run(workflow, event, self.owned[repository])

    def _after(self, ran: Done, event: Event) -> list[Done]:
        """What runs because a run has ended: of the default branch, whatever it was of."""
        told = runs.shown(self.hub, ran.repository, str(ran.id))
        document = {"action": "completed", "workflow_run": told, "workflow": {"name": told["name"]}}
        sha = repositories.head(ran.repository)
        return self.event(Event(ran.repository, "workflow_run", document, sha, event.branch))

    def _dispatched(self) -> list[Done]:
        done: list[Done] = []
        for repository in self.owned:
            for one in self.hub.dispatches(repository):
                sha = repositories.head(repository)
                document = {
                    "action": one["event_type"],
                    "branch": "main",
                    "client_payload": one["client_payload"],
                }
                done += self.event(Event(repository, "repository_dispatch", document, sha))
        return done


@contextmanager
def opened(lab: Lab, decide: Decide) -> Iterator[Delivery]:
    """Everything up: hosts, stand-ins, receiver, repositories with what they are to hold. Raises LabError."""
    stacks.prepare(lab)
    node = toolchains.node(lab.folders, lab.progress)
    npm = packages.cache(lab)
    set_up(lab)
    hub = Hub(places.HUB)
    runs.cancel_left(hub)
    for repository in (places.PLATFORM, places.APP):
        hub.add_repository(repository, ENVIRONMENTS if repository == places.PLATFORM else {})
    with ExitStack() as stack:
        url = stack.enter_context(serving(hub))
        claude = stack.enter_context(anthropic.serving(anthropic.Service(_KEY)))
        receiver = stack.enter_context(receiving(lab.network.gateway, stacks.RECEIVER_PORT))
        both = {
            **stacks.runner_environment(lab),
            **node,
            "GITHUB_API_URL": url,
            "CODEB_LAB_HOLD_URL": f"{url}/_lab/hold",
            "ANTHROPIC_BASE_URL": claude,
            "CODEB_VENV": str(REPO / ".lab" / "venv"),
            "npm_config_cache": str(npm),
            "npm_config_offline": "true",
            "CODEB_LAB_NPM_CACHE": str(npm),
            "CODEB_LAB_BUILD_ARGS": "BASE=localhost/lab/node:22",
        }
        owned = {
            places.PLATFORM: Owned(_platform_secrets(hub, receiver), _platform_variables(), both),
            places.APP: Owned(_app_secrets(hub), {"REGISTRY": NAME}, both),
        }
        runner = Runner(Act.of(lab, places.REPOSITORIES), hub, lab.progress)
        delivery = Delivery(lab, hub, runner, receiver, owned)
        stack.enter_context(_reviewing(delivery, decide))
        yield delivery


def set_up(lab: Lab) -> None:
    """Platform and app as they are in this project now, committed and pushed; the stacks' settings stay those of the first
    time. Raises LabError."""
    repositories.copy_program()
    for kind in stacks.KINDS:
        stacks.write(kind, lab)
    repositories.commit(places.PLATFORM, "The platform")


def _platform_secrets(hub: Hub, receiver: Receiver) -> Mapping[str, str]:
    apps = hub.add_token(places.APP, "issues:write", "pull-requests:write", login="codeb-platform")
    return {
        "PULUMI_CONFIG_PASSPHRASE": stacks.passphrase(),
        "SLACK_WEBHOOK_URL": f"{receiver.url}/slack/pipeline",
        "APPS_TOKEN": apps,
        "ANTHROPIC_API_KEY": _KEY,
    }


def _platform_variables() -> Mapping[str, str]:
    return {"PULUMI_BACKEND_URL": f"file://{places.FOLDER / 'state'}"}


def _app_secrets(hub: Hub) -> Mapping[str, str]:
    platform = hub.add_token(places.PLATFORM, "contents:write", login="codeb-app")
    return {"PLATFORM_TOKEN": platform, "ANTHROPIC_API_KEY": _KEY}


@contextmanager
def _reviewing(delivery: Delivery, decide: Decide) -> Iterator[None]:
    """A person who is asked of each run that waits, in a thread. An error there rejects the run, and is raised later."""
    over, errors = threading.Event(), []

    def work() -> None:
        while not over.wait(_PAUSE_S):
            for number, environment in _waiting(delivery.hub):
                try:
                    yes = decide(delivery, number)
                except BaseException as error:  # noqa: BLE001 raised where it is waited for
                    errors.append(error)
                    yes = False
                runs.review(delivery.hub, places.PLATFORM, str(number), environment, REVIEWER, approved=yes)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if errors:
        raise errors[0]


def _waiting(hub: Hub) -> list[tuple[int, str]]:
    """Runs with the environment that they wait for."""
    with hub.lock:
        found: list[dict[str, Any]] = [run for run in hub.state["runs"].values() if run["waiting"]]
        return [(run["id"], run["environments"][run["waiting"][0]]) for run in found]


def wait_for(receiver: Receiver, told: Callable[[Receiver], bool], seconds: float = 90) -> bool:
    """Whether something has been told: hosts tell after their release has ended."""
    until = time.monotonic() + seconds
    while not (done := told(receiver)) and time.monotonic() < until:
        time.sleep(_PAUSE_S)
    return done
