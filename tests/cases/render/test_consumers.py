"""The programs that read the rendered files accept them: Caddy here, the rest in the hosts' own Debian."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.edge import sites
from agent.host.paths import mount_unit
from agent.images.in_units import filled_in
from agent.project.record import Image
from agent.project.spec import UnitText
from codeb.model import MonitoringCredentials
from codeb.render import export_texts
from codeb.secrets import PlatformSecrets, RootSecret, resolve

from .case import FOLDER, Case, cases, from_the_cloud

DIGEST = "sha256:" + "a" * 64
IMAGE = f"registry.lab.test:5000/demo@{DIGEST}"
ROOT_TEXT = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0"
GOOD_CASES = [case for case in cases() if not (case.expected / "error.txt").exists()]
HOSTS = [(case, host.name) for case in GOOD_CASES for host in sorted((case.expected / "hosts").iterdir())]
_UNITS = (".service", ".timer", ".path", ".mount")
CADDIES = [(case, host) for case, host in HOSTS if (case.expected / "hosts" / host / "etc/caddy").exists()]


def for_each(hosts: list[tuple[Case, str]]) -> pytest.MarkDecorator:
    """Run a test for each host of each case."""
    parameters = [pytest.param(case, host, id=f"{case.folder.name}-{host}") for case, host in hosts]
    return pytest.mark.parametrize(("case", "server"), parameters)


def lay_out(case: Case, server: str, root: Path) -> None:
    """The host's files below `root` as the agent leaves them: markers filled in, image and sites in place."""
    told = export_texts(MonitoringCredentials("Bearer token"))
    secrets = PlatformSecrets(RootSecret(ROOT_TEXT), ["10.77.0.2", "127.0.0.1"], told)
    host = case.expected / "hosts" / server
    for path in host.rglob("*"):
        if path.is_file() and path.name != "bundle.json":
            text = from_the_cloud(path.read_text())
            write(root / path.relative_to(host), resolve(text, secrets.lookup))
    bundle = json.loads(from_the_cloud((host / "bundle.json").read_text()))
    for each in (*bundle.get("disks", ()), *bundle.get("shares", ())):
        text = each["unit"].replace("@UUID@", "24547efb-7bdd-4a46-93ea-50d6651044ce")
        write(root / "etc/systemd/system" / mount_unit(each["path"]), text)
    for path in (case.expected / "projects").rglob("*"):
        folder = {
            ".container": "containers/systemd",
            ".network": "containers/systemd",
            ".timer": "systemd/system",
        }
        if path.suffix in folder:
            text = filled_in(UnitText(path.name, path.read_text()), Image(IMAGE, DIGEST, "")).decode()
            write(root / "etc" / folder[path.suffix] / path.name, text)
        elif path.suffix == ".caddy":
            write(root / f"etc/caddy/sites/{path.parent.name}.caddy", path.read_text())
    list_sites(root / "etc/caddy")
    agent = root / "usr/local/bin/codeb-agent"
    write(agent, "#!/bin/sh\n")
    agent.chmod(0o755)


def list_sites(folder: Path) -> None:
    """The list that the agent keeps beside the sites, which the Caddyfile imports."""
    names = [file.name for file in folder.glob("sites/*.caddy")]
    write(folder / "sites.list", sites.imports(f"sites/{name}" for name in names).decode())


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)


def caddy(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "caddy"
    return subprocess.run(
        [str(program), *arguments],
        env={"HOME": str(home), "XDG_DATA_HOME": str(home / "data")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def caddyfile(case: Case, server: str, root: Path) -> Path:
    """The host's Caddyfile with its sites, its key and certificate found below `root`."""
    lay_out(case, server, root)
    path = root / "etc/caddy/Caddyfile"
    text = path.read_text()
    for file in ("/etc/codeb/ca.crt", "/etc/caddy/acme-ca.crt"):
        text = text.replace(file, f"{root}{file}")
    path.write_text(text.replace("/run/secrets/ca.key", str(root / "etc/codeb/secrets/ca.key")))
    return path


@for_each(CADDIES)
def test_caddy_accepts_the_configuration(case: Case, server: str, tmp_path: Path) -> None:
    path = caddyfile(case, server, tmp_path)
    result = caddy("validate", "--adapter", "caddyfile", "--config", str(path), home=tmp_path)
    assert result.returncode == 0, result.stderr


@for_each(CADDIES)
def test_caddy_makes_of_the_list_of_sites_what_it_made_of_a_pattern(
    case: Case, server: str, tmp_path: Path
) -> None:
    path = caddyfile(case, server, tmp_path)
    command = ("adapt", "--adapter", "caddyfile", "--config", str(path))
    listed = caddy(*command, home=tmp_path)
    text = path.read_text()
    assert "\nimport sites.list\n" in text
    path.write_text(text.replace("\nimport sites.list\n", "\nimport sites/*.caddy\n"))
    globbed = caddy(*command, home=tmp_path)
    assert listed.stdout == globbed.stdout, listed.stderr


@for_each(CADDIES)
def test_caddy_formats_the_files_no_further(case: Case, server: str, tmp_path: Path) -> None:
    path = caddyfile(case, server, tmp_path)
    for file in (path, *sorted(path.parent.glob("sites/*.caddy"))):
        assert caddy("fmt", str(file), home=tmp_path).stdout == file.read_text(), file.name


@for_each(CADDIES)
def test_every_https_site_speaks_tls_1_3_only(case: Case, server: str, tmp_path: Path) -> None:
    path = caddyfile(case, server, tmp_path)
    result = caddy("adapt", "--adapter", "caddyfile", "--config", str(path), home=tmp_path)
    servers = json.loads(result.stdout)["apps"]["http"]["servers"].values()
    policies = [policy for each in servers for policy in each.get("tls_connection_policies", [])]
    edge = case.plan().server(server).has("edge")
    assert bool(policies) == edge, "a server that is no edge has no certificate"
    assert all(policy.get("protocol_min") == "tls1.3" for policy in policies)


@pytest.fixture(scope="module")
def debian_root() -> Path:
    lab = pytest.importorskip("lab.host").Lab.here()
    return Path(lab.rootfs())


class Debian:
    """The hosts' own Debian with one host's files laid over it."""

    def __init__(self, root: Path, overlay: Path) -> None:
        self._command = [str(FOLDER / "in-debian.sh"), str(root), str(overlay)]

    def run(self, *command: str) -> str:
        result = subprocess.run(
            [*self._command, *command], capture_output=True, text=True, check=False, timeout=120
        )
        assert result.returncode == 0, (
            f"{' '.join(command)}\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
        )
        return result.stdout + result.stderr


@pytest.fixture
def debian(case: Case, server: str, debian_root: Path, tmp_path: Path) -> Iterator[Debian]:
    lay_out(case, server, tmp_path / "upper")
    yield Debian(debian_root, tmp_path)
    shutil.rmtree(tmp_path)


def generate(debian: Debian) -> None:
    """Make services of the Quadlet units, in a folder that systemd reads."""
    debian.run("/usr/libexec/podman/quadlet", "-no-kmsg-log", "/etc/systemd/system")


@pytest.mark.lab
@for_each(HOSTS)
def test_quadlet_and_systemd_accept_the_units(debian: Debian, case: Case, tmp_path: Path) -> None:
    said = debian.run("/usr/libexec/podman/quadlet", "-dryrun", "-no-kmsg-log")
    remarks = [line for line in said.splitlines() if line.startswith("quadlet-generator")]
    assert [line for line in remarks if "Loading source unit file" not in line] == []
    generate(debian)
    units = tmp_path / "upper/etc/systemd/system"
    names = sorted(path.name for path in units.iterdir() if path.suffix in _UNITS)
    assert len(names) >= len(list((case.expected / "projects").rglob("*.container")))
    if names:
        assert (
            debian.run("systemd-analyze", "verify", *(f"/etc/systemd/system/{name}" for name in names)) == ""
        )


@pytest.mark.lab
@for_each(HOSTS)
def test_the_host_s_own_services_accept_their_files(debian: Debian) -> None:
    debian.run("nft", "--check", "--file", "/etc/nftables.conf")
    debian.run("ssh-keygen", "-A")
    debian.run("sh", "-c", "mkdir -p /run/sshd && sshd -t")
    assert "successful" in debian.run("fail2ban-client", "-t")


@pytest.mark.lab
@for_each(HOSTS[:1])
def test_fail2ban_counts_refused_logins_and_no_other_connection(debian: Debian, tmp_path: Path) -> None:
    """A pinned host key that is another one, and a probe of the port, shut nobody out."""
    lines = (FOLDER / "sshd.log").read_text().splitlines()
    rows = [line for line in lines if not line.startswith("#")]
    stamped = [f"Nov 27 06:00:{number:02} host {row[2:]}" for number, row in enumerate(rows)]
    write(tmp_path / "upper/srv/sshd.log", "\n".join(stamped) + "\n")
    said = debian.run("fail2ban-regex", "--print-all-matched", "/srv/sshd.log", "codeb-sshd")
    matched = re.findall(r"^\|  (Nov 27 .+)$", said, re.MULTILINE)
    wanted = [text for row, text in zip(rows, stamped, strict=True) if row.startswith("+")]
    ignored = said[said.index("Lines:") :]
    assert f"{len(wanted)} matched" in ignored
    assert [line for line in matched if line in wanted] == wanted


@pytest.mark.lab
@for_each(HOSTS[:1])
def test_loading_the_firewall_leaves_other_tables_alone(debian: Debian) -> None:
    other = "nft add table inet netavark && nft -f /etc/nftables.conf && nft -f /etc/nftables.conf && nft list tables"
    assert debian.run("sh", "-c", other).split("\n")[:2] == ["table inet netavark", "table inet codeb"]


@pytest.mark.lab
@for_each([(case, host) for case, host in HOSTS if case.folder.name == "hostile"])
def test_a_hostile_command_arrives_as_it_was_written(debian: Debian, case: Case, tmp_path: Path) -> None:
    generate(debian)
    service = tmp_path / "upper/etc/systemd/system/codeb-hostile-cron-hostile.service"
    arguments = re.search(r"registry\.lab\.test:5000/demo@\$\{CODEB_IMAGE_DIGEST\} (.*)", service.read_text())
    assert arguments is not None
    job = case.plan().project("hostile").manifest.features.cron[0]
    assert unquoted(arguments[1]) == list(job.command)


def unquoted(text: str) -> list[str]:
    """Words of an ExecStart= line as systemd passes them on: quotes, C escapes, then `%%` and `$$`."""
    words = []
    for quoted, bare in re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', text):
        word = quoted or bare
        word = re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), word)
        word = re.sub(r"\\(.)", lambda m: {"t": "\t", "n": "\n", "s": " "}.get(m[1], m[1]), word)
        words.append(word.replace("%%", "%").replace("$$", "$"))
    return words
