"""The README's commands, as written: production on an empty state, and plain `pulumi` in a shell of the lab."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from stack import Stack, new_project

from lab import paths
from lab.apps import PROBE
from lab.host import Lab
from lab.pulumi import dev

pytestmark = pytest.mark.lab

HOST, ADDRESS = "codeb2", "10.77.0.3"
README = (paths.REPO / "README.md").read_text()


def commands(section: str) -> list[str]:
    """The blocks of commands in a section of the README."""
    text = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", README, re.DOTALL | re.MULTILINE)
    found = re.findall(r"^```\n(.*?)^```$", text[1], re.DOTALL | re.MULTILINE) if text else []
    assert found, f"the README has no commands under {section}"
    return found


def own_server() -> str:
    """A stack on a server of one's own, as the README says it: its lines take the place of Vultr's key."""
    vultr, servers, *_ = commands("Production")
    lines = vultr.splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if "codeb:vultrApiKey" in line)
    return "".join([*lines[:at], servers, *lines[at + 1 :]]).replace("stack init prod", "stack init live")


@dataclass(frozen=True)
class Live:
    """A clone's folder with one manifest and the lab's images, and an operator who has nothing yet but a key."""

    folder: Path
    environment: dict[str, str]

    def shell(self, script: str) -> str:
        """Run lines of a shell, which ends at the first that fails; what it said."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def live(first_up: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    lab, home = Lab.here(), tmp_path_factory.mktemp("operator")
    lab.ensure((HOST,))
    PROBE.push(lab)
    folder = home / "codeb"
    folder.mkdir()
    for name in paths.PROGRAM:
        if not name.startswith(("Pulumi.dev", ".lab")):
            (folder / name).symlink_to(paths.REPO / name)
    (folder / "manifests").mkdir()
    (folder / "manifests" / "shop.yaml").write_text(yaml.safe_dump(new_project("shop")))
    (folder / "Pulumi.live.yaml").write_text(yaml.safe_dump({"config": lab_images()}))
    (home / ".ssh").mkdir()
    shutil.copy(lab.ssh_key_path(), home / ".ssh" / "codeb_ed25519")
    (home / "state").mkdir()
    pulumi = dev.stack().home
    environment = {
        **os.environ,
        "HOME": str(home),
        "PATH": f"{pulumi.bin}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_HOME": str(pulumi.folder),
        "PULUMI_BACKEND_URL": f"file://{home}/state",
        "PULUMI_CONFIG_PASSPHRASE": "production",
        "PULUMI_SKIP_CONFIRMATIONS": "true",
    }
    yield Live(folder, environment)
    lab.down((HOST,))


def lab_images() -> dict[str, object]:
    """What production takes from the internet comes from the lab."""
    settings = yaml.safe_load((paths.REPO / "Pulumi.dev.yaml").read_text())["config"]
    names = ("images", "imagePull", "tlsIssuer", "insecureRegistries")
    return {f"codeb:{name}": settings[f"codeb:{name}"] for name in names}


def test_production_from_an_empty_state_by_the_commands_of_the_readme(live: Live) -> None:
    said = live.shell(own_server().replace("203.0.113.10", ADDRESS))
    assert '"shop"' in said
    assert '"status":"running"' in said
    assert "unchanged" in live.shell("pulumi preview --expect-no-changes")
    for path in (live.folder / "Pulumi.live.yaml", *(live.folder.parent / "state").rglob("*.json")):
        assert "PRIVATE KEY" not in path.read_text()
    live.shell("pulumi destroy --run-program")
    assert live.shell("pulumi stack --show-urns | grep -c urn: || true").strip() in ("0", "1")


@pytest.mark.slow
def test_each_pulumi_line_of_the_readme_works_in_a_shell_of_the_lab(stack: Stack) -> None:
    lines = [line for line in commands("Plain Pulumi")[0].splitlines() if line.startswith("pulumi")]
    assert len(lines) >= 6
    environment = {**os.environ, **dev.stack().environment(), "PULUMI_SKIP_CONFIRMATIONS": "true"}
    dev.stack().select()
    for line in lines:
        if "destroy" in line:
            continue  # of the stack that the other tests share; production's is destroyed above
        done = subprocess.run(
            ["bash", "-c", line], cwd=paths.REPO, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    git = ["git", "status", "--porcelain", "Pulumi.dev.yaml"]
    assert not subprocess.run(git, cwd=paths.REPO, capture_output=True, check=True).stdout, (
        "a run changed a file"
    )
