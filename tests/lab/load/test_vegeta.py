"""vegeta as the load uses it, on a real Caddy: what each kind of traffic is, and that what is wrong is seen."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lab.host import Lab
from lab.host.processes import wait_until
from lab.load import Target, tools
from lab.load.samples import Sample, failures, judge
from lab.load.vegeta import KINDS, Attack, Kind, targets
from tests.ports import free_port

pytestmark = pytest.mark.lab

HOST = "app.lab.test"
CADDYFILE = """\
{
	admin off
	storage file_system %(folder)s/caddy
	skip_install_trust
	auto_https disable_redirects
	https_port %(port)d
	log default {
		output stderr
	}
	servers {
		strict_sni_host on
	}
}
https://%(host)s:%(port)d {
	tls internal
	log {
		output file %(folder)s/access.log
	}
	@version path /api/version
	respond @version `{"colour": "blue"}`
	@order {
		method POST
		path /api/orders
	}
	respond @order `{"reference": "{query.reference}"}` 201
}
"""


@dataclass(frozen=True)
class Caddy:
    """A Caddy that answers as the apps do; its access log says how it was asked."""

    folder: Path
    port: int

    @property
    def target(self) -> Target:
        ca = self.folder / "caddy/pki/authorities/local/root.crt"
        return Target(HOST, "127.0.0.1", ca, self.port)

    def asked(self) -> list[dict[str, str]]:
        lines = (self.folder / "access.log").read_text().splitlines()
        return [json.loads(line)["request"] for line in lines]


@pytest.fixture
def caddy(tmp_path: Path) -> Iterator[Caddy]:
    port = free_port()
    caddyfile = tmp_path / "Caddyfile"
    caddyfile.write_text(CADDYFILE % {"folder": tmp_path, "port": port, "host": HOST})
    program = str(Path(sys.executable).with_name("caddy"))
    with (tmp_path / "caddy.log").open("wb") as log:
        child = subprocess.Popen([program, "run", "--config", str(caddyfile)], stdout=log, stderr=log)
    try:
        found = Caddy(tmp_path, port)
        # Its first certificate is there once a handshake succeeds.
        line = ["curl", "--silent", "--fail", "--connect-to", found.target.detour]
        line += ["--cacert", str(found.target.ca), f"{found.target.url}/api/version"]
        ready = wait_until(lambda: subprocess.run(line, capture_output=True, check=False).returncode == 0, 20)
        assert ready, (tmp_path / "caddy.log").read_text()
        yield found
    finally:
        child.terminate()
        child.wait()


def attack(caddy: Caddy, kind: Kind, path: str = "", ca: Path | None = None) -> list[Sample]:
    """Two seconds of a kind of traffic, 50 requests a second."""
    to = replace(caddy.target, ca=ca or caddy.target.ca)
    lines = targets(f"{to.url}{path}", to.surface, kind)
    running = Attack.start(tools.build(Lab.here()), kind, 50, lines, to, caddy.folder)
    time.sleep(2)
    running.process.check()
    return running.stop(judge({f"{path}{own}": mark for own, mark in to.surface.marks.items()}))


@pytest.mark.parametrize(
    ("kind", "protocol", "kept"),
    list(zip(KINDS, ("HTTP/2.0", "HTTP/1.1", "HTTP/1.1"), (True, True, False), strict=True)),
    ids=[kind.name for kind in KINDS],
)
def test_a_kind_is_what_it_says(caddy: Caddy, kind: Kind, protocol: str, kept: bool) -> None:
    before = len(caddy.asked())
    found = attack(caddy, kind)
    assert failures(found) == {}
    assert {one.method for one in found} == {"GET", "POST"}
    asked = caddy.asked()[before:]
    assert len(asked) == len(found)
    assert {one["proto"] for one in asked} == {protocol}
    # One connection a request shows as nearly as many ports: the kernel gives the port of a closed connection out
    # again, and among 100 drawn from some 14,000 two are the same in every third run.
    ports = len({one["remote_port"] for one in asked})
    assert ports < 0.5 * len(found) if kept else ports > 0.9 * len(found)


def test_answers_other_than_those_asked_for_are_failures(caddy: Caddy) -> None:
    found = attack(caddy, KINDS[0], path="/elsewhere")
    assert set(failures(found)) == {"h2-kept GET: another answer", "h2-kept POST: status 200"}


def test_a_server_that_cannot_be_trusted_is_a_failure(caddy: Caddy, tmp_path: Path) -> None:
    other = tmp_path / "other.crt"
    line = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=other"]
    subprocess.run([*line, "-keyout", "/dev/null", "-out", str(other)], check=True, capture_output=True)
    found = attack(caddy, KINDS[2], ca=other)
    assert set(failures(found)) == {
        f"h1-fresh {method}: error: certificate signed by unknown authority" for method in ("GET", "POST")
    }
