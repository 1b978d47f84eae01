"""The peers' scripts: what is run in which order on the host, and that nothing is left there."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from lab.bench.releases.peers import peer as peers
from lab.bench.releases.peers.host import Host, handles
from lab.bench.releases.peers.peer import App, Peer
from lab.bench.releases.peers.proxies import CaddyReload, KamalProxy, Proxy
from lab.bench.releases.ways import BenchError
from lab.certificates import Certificate
from lab.load import Target

RULES = {
    "nftables": [
        {"metainfo": {"version": "1.1.3"}},
        {"chain": {"family": "inet", "table": "codeb", "name": "input"}},
        {"rule": {"handle": 7, "comment": "codeb-peer"}},
        {"rule": {"handle": 8}},
        {"rule": {"handle": 9, "comment": "codeb-peer"}},
    ]
}


@dataclass
class Recorder:
    """A host on which everything succeeds but what `fails` names; it has what a killed run left."""

    fails: str = ""
    ran: list[tuple[list[str], bytes | None]] = field(default_factory=list)

    def execute(self, argv: Sequence[str], stdin: bytes | None) -> CompletedProcess[bytes]:
        self.ran.append((list(argv), stdin))
        if self.fails and self.fails in argv:
            return CompletedProcess(argv, 3, b"", b"the cause of it")
        said = {"nft": json.dumps(RULES), "ps": "abc def", "inspect": "10.89.5.7", "ls": "codeb-peer"}
        found = next((text for word, text in said.items() if word in argv[:3]), "")
        return CompletedProcess(argv, 0, found.encode(), b"")

    @property
    def lines(self) -> list[str]:
        return [" ".join(argv) for argv, _ in self.ran]


Make = Callable[..., tuple[Peer, Recorder]]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A peer on a host that records, whose app answers at once."""
    monkeypatch.setattr(peers, "wait_until_serving", lambda target: {"version": "1"})
    monkeypatch.setattr(peers, "PROXY_SECONDS", 0)
    shown = Certificate(tmp_path / "ca", tmp_path / "certificate", tmp_path / "key")
    for path in (shown.certificate, shown.key, tmp_path / "program"):
        path.write_text(path.name)

    def of(proxy: Proxy, fails: str = "") -> tuple[Peer, Recorder]:
        recorder = Recorder(fails)
        app = App(lambda number: f"registry/app:{number}", str, "/etc/codeb/projects/bench/blue.env")
        visitors = Target("bench.lab.test", "10.77.0.2", tmp_path / "ours")
        return Peer(proxy, Host(recorder.execute, tmp_path / "log"), app, visitors, shown), recorder

    return of


def released(make: Make, proxy: Proxy) -> tuple[Peer, list[str]]:
    """A peer that released once, and what that ran."""
    way, recorder = make(proxy)
    with way.up(0):
        before = len(recorder.ran)
        way.release(1)
        return way, recorder.lines[before:]


def test_kamal_proxy_is_told_of_the_new_container_before_the_old_one_is_stopped(
    make: Make, tmp_path: Path
) -> None:
    way, lines = released(make, KamalProxy(tmp_path / "program"))
    run, inspect, deploy, stop = lines
    assert run.startswith(
        "podman run --detach --pull=missing --restart=unless-stopped --name=codeb-peer-app-1-"
    )
    assert "--env-file=/etc/codeb/projects/bench/blue.env --env=CODEB_COLOUR=1-" in run
    assert run.endswith(" registry/app:1")
    assert inspect.endswith(run.partition("--name=")[2].split()[0])
    assert "kamal-proxy deploy bench --target=10.89.5.7:3000 --host=bench.lab.test" in deploy
    assert "timeout" not in deploy, "its own"
    assert stop.startswith("podman stop codeb-peer-app-0-")
    assert [moment.colour for moment in way.stops(0)] == [stop.removeprefix("podman stop codeb-peer-app-")]


def test_caddy_is_reloaded_once_the_new_container_is_healthy(make: Make) -> None:
    way, recorder = make(CaddyReload())
    with way.up(0):
        before = len(recorder.ran)
        certain = way.release(1)
        ran = recorder.ran[before:]
    programs = [argv[:2] for argv, _ in ran]
    assert [words[0] for words in programs] == ["podman", "podman", "curl", "install", "podman", "podman"]
    assert ran[2][0][-1] == "http://10.89.5.7:3000/api/health"
    assert "reverse_proxy 10.89.5.7:3000" in (ran[3][1] or b"").decode()
    assert ran[4][0][3:5] == ["caddy", "reload"]
    assert ran[5][0][:3] == ["podman", "stop", "--time=30"]
    assert way.stops(0)[0].at == certain, "by then the new one serves for certain"


def test_visitors_are_let_to_the_port_only_while_the_peer_is_up(make: Make, tmp_path: Path) -> None:
    way, recorder = make(KamalProxy(tmp_path / "program"))
    with way.up(0):
        [rule] = [line for line in recorder.lines if line.startswith("nft add")]
        assert rule == 'nft add rule inet codeb input tcp dport 8443 accept comment "codeb-peer"'
        before = len(recorder.ran)
    after = recorder.lines[before:]
    assert [line for line in after if line.startswith("nft delete")] == [
        f"nft delete rule inet codeb input handle {handle}" for handle in (7, 9)
    ]
    assert "podman rm --force --time=10 abc def" in after
    assert after[-2:] == ["podman network rm codeb-peer", "rm -rf /var/lib/codeb-peer"]


@pytest.mark.parametrize("fails", ["create", "run", "/srv/peer/kamal-proxy", "curl", "inspect"])
def test_whatever_fails_is_told_with_its_words_and_nothing_is_left(
    make: Make, tmp_path: Path, fails: str
) -> None:
    proxy = CaddyReload() if fails == "curl" else KamalProxy(tmp_path / "program")
    way, recorder = make(proxy, fails)
    with pytest.raises(BenchError, match="the cause of it"), way.up(0):
        pass
    assert recorder.lines[-1] == "rm -rf /var/lib/codeb-peer"
    assert "the cause of it" in (tmp_path / "log").read_text()


def test_an_interrupt_leaves_nothing_either(make: Make) -> None:
    way, recorder = make(CaddyReload())
    with pytest.raises(KeyboardInterrupt), way.up(0):
        raise KeyboardInterrupt
    assert recorder.lines[-1] == "rm -rf /var/lib/codeb-peer"


def test_rules_are_found_by_their_comment() -> None:
    assert handles(RULES, "codeb-peer") == [7, 9]
    assert handles(RULES, "another") == []


def test_the_key_is_nobody_else_s_to_read(make: Make) -> None:
    way, recorder = make(CaddyReload())
    with way.up(0):
        pass
    [line] = [argv for argv, stdin in recorder.ran if stdin == b"key"]
    assert "--mode=600" in line


def test_peers_are_asked_as_ours_is_but_at_a_port_and_with_a_ca_of_their_own(
    make: Make, tmp_path: Path
) -> None:
    way, _ = make(KamalProxy(tmp_path / "program"))
    assert way.target == Target("bench.lab.test", "10.77.0.2", tmp_path / "ca", 8443)
    assert way.target.url == "https://bench.lab.test"
