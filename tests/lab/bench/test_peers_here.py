"""Releases through the real kamal-proxy and the real Caddy under the real load, on loopback instead of a lab host."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback import Loopback, loopback

from lab.bench.releases import phases
from lab.bench.releases.peers.host import Host
from lab.bench.releases.peers.peer import App, Peer
from lab.bench.releases.peers.proxies import CaddyReload, KamalProxy, Proxy, build
from lab.bench.releases.ways import serving
from lab.certificates import issue
from lab.host import Lab
from lab.load import CORE_CMS, PROBE, Shape, Surface, Target
from lab.load.streams import CLEAN, UNKNOWN
from tests.ports import free_port

pytestmark = [pytest.mark.lab, pytest.mark.slow]

NAME = "bench.lab.test"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Loopback]:
    with loopback(tmp_path, free_port()) as found:
        yield found


def peer(here: Loopback, proxy: Proxy, tmp_path: Path, surface: Surface = PROBE) -> Peer:
    app = App(
        image=lambda number: f"registry/app:v{number}",
        tag=lambda number: f"v{number}",
        environment="/blue.env",
        port=here.port,
    )
    certificate = issue(tmp_path, NAME)
    visitors = Target(NAME, "127.0.0.1", tmp_path / "ours.crt", surface=surface)
    return Peer(proxy, Host(here.execute, tmp_path / "peers.log"), app, visitors, certificate)


def proxy_of(name: str) -> Proxy:
    return (
        KamalProxy(build(Lab.here()), port=free_port())
        if name == "kamal-proxy"
        else CaddyReload(port=free_port())
    )


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Phases that are long enough to see whether it works, not how fast."""
    for name in ("WARM_UP_SECONDS", "SETTLE_SECONDS", "STEADY_BETWEEN_SECONDS"):
        monkeypatch.setattr(phases, name, 1)


def http_version(to: Target) -> str:
    line = ["curl", "--silent", "--show-error", "--cacert", str(to.ca), "--connect-to", to.detour]
    line += ["--output", "/dev/null", "--write-out", "%{http_version}", f"{to.url}/api/version"]
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("name", ["kamal-proxy", "caddy reload"])
def test_a_release_under_load_serves_the_new_version_and_leaves_nothing(
    here: Loopback, tmp_path: Path, name: str
) -> None:
    way = peer(here, proxy_of(name), tmp_path)
    # kamal-proxy waits 30 s for event streams before it cuts them; WebSockets it cuts at once.
    shape = Shape(rate=40, sockets=4, events=0 if name == "kamal-proxy" else 2, upload_seconds=3)
    with way.up(0):
        assert list(here.rules.values()) == ["codeb-peer"]
        assert http_version(way.target) == "2"
        seen = phases.measure(way, Lab.here(), phases.Plan(1, shape, 2), range(1, 2), print)
        assert serving(way.target)["version"] == "v1"
    # What a reload drops (docs/edge.md) is the peer's; here a few at most.
    assert seen.result.failed <= (0 if name == "kamal-proxy" else 5), seen.result.failures
    assert {one.kind for one in seen.result.requests} == {"h2-kept", "h1-kept", "h1-fresh"}
    sockets = [life for life in seen.result.lives if life.kind == "websocket"]
    assert {life.version for life in sockets} == {"v0", "v1"}
    assert [stop.colour for stop in seen.stops] == [seen.serving[0].colour]
    dropped = seen.result.drops(seen.stops, seen.serving)
    # Both cut sockets before the app is stopped, unless they have just closed by themselves; nothing else is dropped.
    assert {life.kind for life in dropped} <= {"websocket"}
    assert (here.rules, here.networks, here.containers) == ({}, set(), {})
    assert not here.folder.exists()


@pytest.mark.usefixtures("hurried")
def test_an_app_without_orders_sockets_and_uploads_is_released_under_what_it_has(
    here: Loopback, tmp_path: Path
) -> None:
    way = peer(here, proxy_of("caddy reload"), tmp_path, CORE_CMS)
    with way.up(0):
        plan = phases.Plan(1, Shape(rate=20, sockets=4, events=2, upload_seconds=3), 2)
        seen = phases.measure(way, Lab.here(), plan, range(1, 2), print)
        assert serving(way.target)["version"] == "v1"
    assert seen.result.failed <= 5, seen.result.failures
    assert {one.method for one in seen.result.requests} == {"GET"}
    assert seen.result.uploads == ()
    assert {(life.kind, life.colour) for life in seen.result.lives} == {("events", UNKNOWN)}
    ended = [life for life in seen.result.lives if life.ended is not None]
    assert {life.how for life in ended} == {CLEAN}, "the old container's streams end with it"
    assert seen.result.drops(seen.stops, seen.serving) == []
