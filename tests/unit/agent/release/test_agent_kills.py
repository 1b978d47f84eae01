"""Random kills, failures, reboots and bad releases: users are always served, and a clean run converges."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.documents.errors import Failed
from agent.documents.reader import Reader
from agent.edge import traffic
from agent.release.drive import release, rollback
from tests.unit.agent.fakes.documents import release_document
from tests.unit.agent.fakes.host import FakeHost, Killed
from tests.unit.agent.fakes.podman import App
from tests.unit.agent.verbs import JOB

UPSTREAM = "/etc/caddy/upstreams/shop-app"
ACTIVE = "[Service]\nEnvironmentFile=/etc/codeb/projects/shop-app/active.image\n"
BOOT = "/etc/systemd/system/multi-user.target.wants/codeb-shop-app-{}.service"
STEM = "codeb-shop-app-cron-nightly"
CANARY = {"steps": [5, 25], "wait_ms": 6000, "max_error_percent": 5.0}
GOOD, BETTER, BAD, LAST, UNMIGRATED = (
    f"reg.lab:5000/shop:{tag}" for tag in ("good", "better", "bad", "last", "unmigrated")
)


@dataclass
class World:
    """A host with one project, and the rules that must hold after every single effect."""

    host: FakeHost = field(default_factory=FakeHost)
    served: bool = False
    rebooting: bool = False

    def __post_init__(self) -> None:
        self.host.podman.registry = {
            **{GOOD: App(), BETTER: App(), BAD: App(status=500), LAST: App()},
            UNMIGRATED: App(job_status=1),
        }
        self.host.put("/etc/caddy/Caddyfile", "import /etc/caddy/sites/*.caddy\n")
        self.host.after = self.check

    def check(self) -> None:
        """Once something serves, users are always answered, healthily, and a reboot would bring it back."""
        address = self.host.tell(UPSTREAM)
        if not self.served or self.rebooting:
            return
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

    def release(self, image: str, *, cron: bool = False, site: str = "", gates: bool = False) -> bool:
        document = release_document(image)
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

    def _run(self, verb: object) -> bool:
        assert callable(verb)
        try:
            verb()
        except (Killed, Failed):
            return False
        self.served = True
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
    what=st.sampled_from(["release", "release", "release", "rollback", "forward"]),
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
    else:
        world.rollback(forward=act.what == "forward")
    world.disturb(0, 0)
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
    assert [path for path in host.links if path.startswith(BOOT[:40])] == [BOOT.format(colour)]
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
    assert release(host.ports(), Reader(last_document(), ""), "t")["changed"] is False


def last_document() -> dict[str, object]:
    return {**release_document(LAST), "site": "shop-app.lab.test {\n\n}\n"}


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "canary_counts", lambda *_: (0, 0))


CASES = int(os.environ.get("CODEB_KILL_CASES", "200"))  # thousands before a change of the table lands


@settings(max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(acts, min_size=1, max_size=6))
def test_whatever_happens_the_serving_colour_serves_and_a_clean_run_converges(story: list[Act]) -> None:
    world = World()
    for act in story:
        play(world, act)
    converged(world)


@pytest.mark.parametrize("then", ["", "reboot"])
@pytest.mark.parametrize("first", [True, False])
def test_a_kill_at_each_single_effect_of_a_release(first: bool, then: str) -> None:
    def world() -> World:
        made = World()
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


def test_a_kill_at_each_single_effect_of_putting_back() -> None:
    probe = World()
    probe.release(GOOD)
    probe.disturb(0, 0)
    probe.release(BAD, site="# other")
    for kill in range(1, probe.host.operations + 1):
        world = World()
        world.release(GOOD)
        play(world, Act("release", BAD, False, False, "# other", kill, 0, "reboot"))
        converged(world)


@pytest.mark.parametrize("standing", [True, False])
def test_a_kill_at_each_single_effect_of_a_rollback(standing: bool) -> None:
    for kill in range(1, 45):
        world = World()
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


def test_a_failure_at_each_single_effect_of_a_release_keeps_the_old_one() -> None:
    for fail in range(1, 110):
        world = World()
        world.release(GOOD)
        play(world, Act("release", BETTER, True, True, "# other", 0, fail, ""))
        converged(world)
