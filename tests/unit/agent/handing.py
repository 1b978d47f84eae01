"""A host and a registry whose projects hand names and ports to one another, run by run.

A run is what Pulumi makes of the plan: releases in any order that the plan's dependencies allow, deletions last and only
if nothing failed.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.edge import site
from agent.host.paths import UPSTREAMS
from agent.host.ports import NoReply
from agent.release.drive import release
from agent.removal.remove import remove
from codeb.plan import Holding, Ports
from codeb.plan.handover import HandOvers, Wish, hand_overs
from codeb.plan.held import Serving
from tests.unit.agent.fakes.caddy import addresses
from tests.unit.agent.fakes.documents import release_document
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.verbs import new_host

SICK = "reg.lab:5000/shop:sick"
IDS = [f"app-{key}" for key in "abcde"]
PAIRS = [(3001, 3002), (3003, 3004), (3005, 3006), (3007, 3008)]


@dataclass(frozen=True)
class Wanted:
    """What a manifest asks for."""

    names: tuple[str, ...]
    pair: tuple[int, int]
    version: int = 1


Manifests = Mapping[str, Wanted]


@dataclass
class Stack:
    """A host, and what the registry knows of it."""

    host: FakeHost = field(default_factory=new_host)
    held: dict[str, Holding] = field(default_factory=dict)
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Documents that were carried out: Pulumi sends none of them again."""

    def ask(self) -> None:
        """The registry hears from the host what is served, as it does before each plan."""
        for key, held in self.held.items():
            names = frozenset(site.answered(self.host.ports(), key))
            self.held[key] = replace(held, serves=replace(held.serves, names=names))

    def plan(self, manifests: Manifests) -> HandOvers:
        wishes = [
            Wish(key, frozenset(one.names), "default", Ports(*one.pair)) for key, one in manifests.items()
        ]
        return hand_overs(wishes, self.held)

    def run(self, manifests: Manifests, order: random.Random, sick: frozenset[str] = frozenset()) -> bool:
        """One run; whether it went well. Those that are `sick` fail their health check."""
        self.ask()
        plan = self.plan(manifests)
        assert not plan.problems
        for key, one in manifests.items():  # as `remember` does, before anything happens
            held = self.held.get(key, Holding(key))
            ceded = frozenset(plan.ceded.get(key, ()))
            self.held[key] = replace(held, ports=Ports(*one.pair), ceded=ceded)
        left, done = sorted(manifests), set[str]()
        well = True
        while left:
            ready = [key for key in left if plan.before.get(key) not in left]
            key = order.choice(ready)
            left.remove(key)
            blocked = key in plan.before and plan.before[key] not in done
            if not blocked and self._release(key, manifests[key], plan.ceded.get(key, ()), sick=key in sick):
                done.add(key)
                continue
            well = False
        for key in sorted(self.held) if well else ():
            if key not in manifests:
                remove(self.host.ports(), Reader({"version": 1, "project": key}, ""), "tester")
                del self.held[key]
                self.sent.pop(key, None)
        return well

    def _release(self, key: str, one: Wanted, ceded: tuple[str, ...], *, sick: bool) -> bool:
        image = SICK if sick else f"reg.lab:5000/{key}:{one.version}"
        self.host.podman.registry[image] = App(status=500 if sick else 200)
        domain, *aliases = one.names
        site = f"{domain} {{\n\timport site\n}}\n" + (f"\n{', '.join(aliases)} {{\n}}\n" if aliases else "")
        health = {**release_document(image)["health"], "start_timeout_ms": 3000}
        environment = {"NEXTAUTH_URL": f"https://{domain}"}
        document = release_document(
            image, key, one.pair, cache=None, site=site, domain=domain, ceded=list(ceded),
            health=health, environment=environment,
        )  # fmt: skip
        if self.sent.get(key) == document:
            return True
        try:
            release(self.host.ports(), Reader(document, ""), "tester")
        except Failed:
            if not sick and not self.host.kill_at:
                raise
            return False
        self.sent[key] = document
        serves = Serving(frozenset(one.names), "default", Ports(*one.pair))
        self.held[key] = replace(self.held[key], serves=serves)
        return True

    def answers(self, name: str) -> bool:
        try:
            return self.host.http.get("127.0.0.1:443", "/", host=name, timeout_ms=1000).status == 200
        except NoReply:
            return False

    def who(self, name: str) -> str:
        """The project whose site answers to a name."""
        (found,) = [path for path, text in self.host.caddy.sites.items() if name in addresses(text)]
        return found.rpartition("/")[2].removesuffix(".caddy")

    def watch(self, names: frozenset[str]) -> None:
        """From now on each of these names is answered at each moment, and no two containers share a port."""

        seen: list[object] = []

        def look() -> None:
            host = self.host
            upstreams = [text.content for path, text in host.files.items() if path.startswith(UPSTREAMS)]
            if seen == (now := [dict(host.caddy.sites), upstreams, sorted(host.systemd.running)]):
                return
            seen[:] = now
            self.host.after = lambda: None
            silent = sorted(name for name in names if not self.answers(name))
            assert not silent, f"nobody answers to {silent}"
            found = [one.address for one in self.host.systemd.running.values()]
            assert len(set(found)) == len(found)
            self.host.after = look

        self.host.after = look


def names_of(manifests: Manifests) -> frozenset[str]:
    return frozenset(name for one in manifests.values() for name in one.names)


def assert_as_wanted(stack: Stack, manifests: Manifests) -> None:
    """Each name is answered by its project on a port of its pair, and by no other name."""
    for key, one in manifests.items():
        for name in one.names:
            assert stack.who(name) == key
            assert stack.answers(name)
        address = stack.host.tell(f"/etc/caddy/upstreams/{key}") or ""
        assert int(address.rpartition(":")[2]) in one.pair
    sites = stack.host.caddy.sites
    assert {name for text in sites.values() for name in addresses(text)} == names_of(manifests)
    assert set(stack.held) == set(manifests)


def rng(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - an order, not a secret


def chain(order: random.Random, *steps: Manifests) -> Stack:
    stack = Stack()
    for step in steps:
        assert stack.run(step, order)
    return stack
