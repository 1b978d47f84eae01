"""Random kills, failures, reboots and bad releases: users are always served, and a clean run converges."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.edge import traffic
from agent.release.drive import release, restart, rollback
from tests.unit.agent.fakes.documents import release_document, worker
from tests.unit.agent.fakes.host import FakeHost, Killed
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.verbs import JOB, with_caddyfile

UPSTREAM = "/etc/caddy/upstreams/shop-app"
ACTIVE = "[Service]\nEnvironmentFile=/etc/codeb/projects/shop-app/active.image\n"
UNDO = "/var/lib/codeb/projects/shop-app.undo"
BOOT = "/etc/systemd/system/multi-user.target.wants/codeb-shop-app-{}.service"
STEM = "codeb-shop-app-cron-nightly"
CANARY = {"steps": [5, 25], "wait_ms": 6000, "max_error_percent": 5.0}
GOOD, BETTER, BAD, LAST, UNMIGRATED = (
    f"reg.lab:5000/shop:{tag}" for tag in ("good", "better", "bad", "last", "unmigrated")
)


WORKERS = (worker("mail", 2), worker("lone", exclusive=True))
"""What every release of some worlds has beside the app."""


@dataclass
class World:
    """A host with one project, and the rules that must hold after every single effect."""

    workers: tuple[dict[str, Any], ...] = ()
    host: FakeHost = field(default_factory=FakeHost)
    served: bool = False
    rebooting: bool = False
    killed: bool = False

    def __post_init__(self) -> None:
        self.host.podman.registry = {
            **{GOOD: App(), BETTER: App(), BAD: App(status=500), LAST: App()},
            UNMIGRATED: App(job_status=1),
        }
        with_caddyfile(self.host)
        self.host.after = self.check

    def check(self) -> None:
        """Once something serves, users are always answered, healthily, and a reboot would bring it back."""
        assert self.host.caddy.could_start(), "Caddy's files name one that isn't there"
        lone = [name for name in self.host.systemd.running if "-w-lone@" in name]
        assert len(lone) < 2, f"an exclusive worker runs twice: {lone}"
        links = [path for path in self.host.links if path.startswith(BOOT[:40]) and "-w-lone@" in path]
        assert len(links) < 2, f"an exclusive worker would run twice after a reboot: {links}"
        address = self.host.tell(UPSTREAM)
        if not self.served or self.rebooting:
            return
        assert not self.workers or any("-w-mail@" in name for name in self.host.systemd.running), (
            "nobody does the work"
        )
        assert address, "the upstream file is lost"
        serving = [name for name, c in self.host.systemd.running.items() if c.address == address]
        assert serving, f"nothing runs at {address}, where users are sent"
        app = self.host.podman.app(self.host.systemd.running[serving[0]].image)
        assert app, "the serving image is gone"
        assert app.status == 200, "users are sent to an unhealthy release"
        colour = "blue" if address.endswith("3001") else "green"
        assert BOOT.format(colour) in self.host.links, f"{colour} serves but wouldn't start at boot"
        weight = self.host.tell("/etc/caddy/canaries/shop-app.weight") or "0"
        candidate = self.host.tell("/etc/caddy/canaries/shop-app.address")
        runs = [name for name, c in self.host.systemd.running.items() if c.address == candidate]
        assert weight == "0" or runs, f"{weight} % are sent to {candidate}, where nothing runs"

    def check_rest(self) -> None:
        """What was not killed has left one exclusive worker, of the release that serves, however it went."""
        if self.workers and self.served and not self.killed and not self.host.tell(UNDO):
            lone = [name for name in self.host.systemd.running if "-w-lone@" in name]
            colour = "blue" if str(self.host.tell(UPSTREAM)).endswith("3001") else "green"
            assert lone == [f"codeb-shop-app-{colour}-w-lone@1.service"]

    def release(self, image: str, *, cron: bool = False, site: str = "", gates: bool = False) -> bool:
        document = release_document(image, workers=[*self.workers])
        if gates:
            document |= {"job": JOB, "canary": CANARY}
        if cron:
            texts = {kind: f"[{kind}]\nImage=@IMAGE@\n{ACTIVE}" for kind in ("container", "timer")}
            document["units"]["cron"] = [
                {kind: {"name": f"{STEM}.{kind}", "content": text} for kind, text in texts.items()}
            ]
        document["site"] = f"shop-app.lab.test {{\n{site}\n}}\n"
        return self._run(lambda: release(self.host.ports(), Reader(document, ""), "t"))

    def rollback(self, *, forward: bool = False) -> bool:
        document = {"project": "shop-app", "forward": forward}
        return self._run(lambda: rollback(self.host.ports(), Reader(document, ""), "t"))

    def restart(self) -> bool:
        return self._run(lambda: restart(self.host.ports(), Reader({"project": "shop-app"}, ""), "t"))

    def _run(self, verb: object) -> bool:
        assert callable(verb)
        try:
            verb()
        except Killed:
            self.killed = True
            return False
        except Failed:
            return False
        self.served, self.killed = True, False
        return True

    def reboot(self) -> None:
        self.rebooting = True
        self.host.reboot()
        self.rebooting = False
        self.check()

    def disturb(self, kill: int, fail: int) -> None:
        self.host.operations = 0
        self.host.kill_at, self.host.fail_at = kill, fail


@dataclass(frozen=True)
class Act:
    """One thing that happens: a verb, disturbed at some effect (0: not), then a reboot or some time."""

    what: str
    image: str
    cron: bool
    gates: bool
    site: str
    kill: int
    fail: int
    then: str


acts = st.builds(
    Act,
    what=st.sampled_from(["release", "release", "release", "rollback", "forward", "restart"]),
    image=st.sampled_from([GOOD, BETTER, BAD, UNMIGRATED]),
    cron=st.booleans(),
    gates=st.booleans(),
    site=st.sampled_from(["", "# other"]),
    kill=st.integers(0, 90),
    fail=st.integers(0, 120),
    then=st.sampled_from(["", "", "reboot", "minutes", "hours"]),
)


def play(world: World, act: Act) -> None:
    world.disturb(act.kill, act.fail)
    if act.what == "release":
        world.release(act.image, cron=act.cron, site=act.site, gates=act.gates)
    elif act.what == "restart":
        world.restart()
    else:
        world.rollback(forward=act.what == "forward")
    world.disturb(0, 0)
    world.check_rest()
    if act.then == "reboot":
        world.reboot()
    elif act.then:
        world.host.advance(600 if act.then == "minutes" else 7200)
        world.check()


def converged(world: World) -> None:
    """A clean release ends in exactly one state, whatever happened before."""
    host = world.host
    assert world.release(LAST), host.journal
    address = host.tell(UPSTREAM)
    colour, idle = ("blue", "green") if address == "127.0.0.1:3001" else ("green", "blue")
    assert (
        host.podman.app(host.systemd.running[f"codeb-shop-app-{colour}.service"].image)
        is host.podman.images[LAST]
    )
    numbers = [(one["name"], number + 1) for one in world.workers for number in range(one["replicas"])]
    services = [f"codeb-shop-app-{colour}-w-{name}@{number}.service" for name, number in numbers]
    assert sorted(name for name in host.systemd.running if "@" in name) == sorted(services)
    assert sorted(path for path in host.links if path.startswith(BOOT[:40])) == sorted(
        [BOOT.format(colour), *(f"{BOOT.rpartition('/')[0]}/{service}" for service in services)]
    )
    assert host.links["/etc/codeb/projects/shop-app/active.env"].endswith(f"{colour}.env")
    assert not [
        path for path in host.files if path.endswith(".undo") or "/.check-" in path or "-cron-" in path
    ]
    assert host.caddy.sites == {
        p: e.content for p, e in host.files.items() if p.startswith("/etc/caddy/sites/")
    }
    assert set(host.systemd.timers) <= {"codeb-shop-app-standby.timer"}
    record = json.loads(str(host.tell("/var/lib/codeb/projects/shop-app.json")))
    assert record["colours"][colour]["spec"]["image"] == LAST
    assert len(record["history"]) <= 10
    host.advance(7200)
    assert f"codeb-shop-app-{idle}.service" not in host.systemd.running
    document = {**release_document(LAST, workers=[*world.workers]), "site": "shop-app.lab.test {\n\n}\n"}
    assert release(host.ports(), Reader(document, ""), "t")["changed"] is False


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "canary_counts", lambda *_: (0, 0))


CASES = int(os.environ.get("CODEB_KILL_CASES", "200"))  # thousands before a change of the table lands


both = pytest.mark.parametrize(
    "workers", [(), pytest.param(WORKERS, marks=pytest.mark.slow)], ids=["no-workers", "workers"]
)


@both
@settings(max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(story=st.lists(acts, min_size=1, max_size=6))
def test_whatever_happens_the_serving_colour_serves_and_a_clean_run_converges(
    workers: tuple[dict[str, Any], ...], story: list[Act]
) -> None:
    world = World(workers)
    for act in story:
        play(world, act)
    converged(world)


def test_a_cron_job_that_is_dropped_is_gone_whatever_failed_as_it_went() -> None:
    """A timer that could not be stopped stayed, without its file and unknown to the record."""
    for fail in range(1, 61):
        world = World()
        assert world.release(BETTER, cron=True)
        world.disturb(0, fail)
        world.release(BETTER)
        world.disturb(0, 0)
        converged(world)


@both
@pytest.mark.parametrize("then", ["", "reboot"])
@pytest.mark.parametrize("first", [True, False])
def test_a_kill_at_each_single_effect_of_a_release(
    first: bool, then: str, workers: tuple[dict[str, Any], ...]
) -> None:
    def world() -> World:
        made = World(workers)
        if not first:
            made.release(GOOD)
        return made

    act = Act("release", BETTER, True, True, "# other", 0, 0, then)
    probe = world()
    probe.disturb(0, 0)
    probe.release(act.image, cron=act.cron, site=act.site, gates=act.gates)
    count = probe.host.operations
    assert count > 20
    for kill in range(1, count + 1):
        killed = world()
        play(killed, Act("release", BETTER, True, True, "# other", kill, 0, then))
        converged(killed)


@both
def test_a_kill_at_each_single_effect_of_putting_back(workers: tuple[dict[str, Any], ...]) -> None:
    probe = World(workers)
    probe.release(GOOD)
    probe.disturb(0, 0)
    probe.release(BAD, site="# other")
    for kill in range(1, probe.host.operations + 1):
        world = World(workers)
        world.release(GOOD)
        play(world, Act("release", BAD, False, False, "# other", kill, 0, "reboot"))
        converged(world)


@both
@pytest.mark.parametrize("standing", [True, False])
def test_a_kill_at_each_single_effect_of_a_rollback(
    standing: bool, workers: tuple[dict[str, Any], ...]
) -> None:
    for kill in range(1, 90):
        world = World(workers)
        world.release(GOOD)
        world.release(BETTER)
        if not standing:
            world.host.advance(7200)
        play(world, Act("rollback", GOOD, False, False, "", kill, 0, ""))
        assert world.rollback()
        address = world.host.tell(UPSTREAM)
        assert address == "127.0.0.1:3001", (
            "a rollback that is run again goes to the previous release, not past it"
        )
        converged(world)


@both
def test_a_failure_at_each_single_effect_of_a_release_keeps_the_old_one(
    workers: tuple[dict[str, Any], ...],
) -> None:
    for fail in range(1, 180):
        world = World(workers)
        world.release(GOOD)
        play(world, Act("release", BETTER, True, True, "# other", 0, fail, ""))
        converged(world)


@both
@pytest.mark.parametrize("then", ["", "reboot"])
def test_a_kill_at_each_single_effect_of_a_restart(then: str, workers: tuple[dict[str, Any], ...]) -> None:
    probe = World(workers)
    probe.release(GOOD)
    probe.disturb(0, 0)
    assert probe.restart()
    for kill in range(1, probe.host.operations + 1):
        world = World(workers)
        world.release(GOOD)
        play(world, Act("restart", "", False, False, "", kill, 0, then))
        assert world.restart()
        converged(world)
