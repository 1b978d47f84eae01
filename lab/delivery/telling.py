"""What the commands show: what waits for a person, what the stacks run and answer, what was said to whom."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from lab import paths, report
from lab.delivery import places, stacks
from lab.delivery.flow import Delivery, wait_for
from lab.delivery.github import issues
from lab.delivery.runner import Done
from lab.delivery.stacks import Kind
from lab.host import Lab
from lab.pulumi.errors import StackError

HOOKS: Final = ("/slack/pipeline", "/slack/hosts")
_TIMEOUT_S: Final = 20.0


@dataclass(frozen=True)
class Teller:
    """Prints lines as they are, however wide the terminal."""

    console: Console

    def say(self, text: str = "") -> None:
        self.console.print(text, soft_wrap=True, markup=False)

    def approval(self, delivery: Delivery, run: int) -> None:
        """What the reviewer sees, and what prod serves meanwhile."""
        self.say(f"\nRun {run} waits for a reviewer of production. Told on Slack:")
        self.say(_indented(messages(delivery, HOOKS[0])[-1:]))
        self.say(f"prod meanwhile: {version(delivery.lab, stacks.PROD, f'shop.{stacks.PROD.domain}')}")
        self.say("The reviewer says yes.\n")

    def stack(self, lab: Lab, kind: Kind, wanted: str) -> bool:
        """A stack's registry, and a line to try that was tried; whether it serves this version."""
        found = outputs(kind)
        self.say(f"\nStack {kind.name}:")
        report.print_registry(found["registry"], self.console)
        ca = str(stacks.ca_certificate(kind, found).relative_to(paths.REPO))
        url = f"https://shop.{kind.domain}/api/health"
        served = version(lab, kind, f"shop.{kind.domain}")
        self.say(f"{served}  {report.curl_line(url, lab.info(kind.host).address, ca)}")
        return served == wanted

    def environment(self, lab: Lab, delivery: Delivery, number: int) -> None:
        """What the pull request was told, and what is served there."""
        name = f"{places.PROJECT}-pr-{number}"
        self.say(f"\nPull request {number}:")
        self.say(
            _indented(comment["body"] for comment in issues.comments(delivery.hub, places.APP, str(number)))
        )
        domain = f"{name}.{stacks.DEV.domain}"
        self.say(f"https://{domain}: {version(lab, stacks.DEV, domain)}\n")

    def issues(self, delivery: Delivery, name: str) -> None:
        """All open issues that runs have made."""
        self.say(f"\nAfter {name}, twice:")
        for repository in (places.APP, places.PLATFORM):
            for issue in issues.listed(delivery.hub, repository, {"labels": "build-failure"}):
                self.say(f"{repository}#{issue['number']} {issue['title']}")
                self.say(_indented([issue["body"]]))

    def messages(self, delivery: Delivery) -> None:
        """What webhooks were told, hosts' own included: they tell a moment after their release."""
        wait_for(delivery.receiver, lambda _: len(messages(delivery, HOOKS[1])) >= len(stacks.KINDS) * 2)
        for hook in HOOKS:
            self.say(f"\nTold at {hook}:")
            self.say(_indented(messages(delivery, hook)))


def failed(done: Iterable[Done]) -> list[Done]:
    """Runs that failed."""
    return [one for one in done if one.conclusion == "failure"]


def messages(delivery: Delivery, hook: str) -> list[str]:
    """What a webhook was told."""
    return [str(document["text"]) for document in delivery.receiver.documents(hook)]


def outputs(kind: Kind) -> Mapping[str, Any]:
    """A stack's outputs; none where nothing was deployed yet."""
    return stacks.stack(kind).outputs()


def version(lab: Lab, kind: Kind, domain: str) -> str:
    """The version that answers at a stack's host, or why none does."""
    try:
        found = outputs(kind)
    except StackError as error:
        return f"nothing ({error})"
    if "caCertificate" not in found:
        return "nothing is deployed"
    try:
        status, body = get(domain, "/", lab.info(kind.host).address, stacks.ca_certificate(kind, found))
    except OSError as error:
        return f"no answer ({error})"
    return str(json.loads(body)["version"]) if status == 200 else f"status {status}"


def get(domain: str, path: str, address: str, ca: Path) -> tuple[int, bytes]:
    """Status and body of an answer, asked at an address by the name that visitors use. Raises OSError."""
    context = ssl.create_default_context(cafile=str(ca))
    with (
        socket.create_connection((address, 443), _TIMEOUT_S) as plain,
        context.wrap_socket(plain, server_hostname=domain) as secure,
    ):
        connection = http.client.HTTPConnection(domain, timeout=_TIMEOUT_S)
        connection.sock = secure
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()


def _indented(texts: Iterable[str] | Sequence[str]) -> str:
    return "\n".join(f"    {line}" for text in texts for line in text.splitlines())
