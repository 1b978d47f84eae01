"""Stacks at the simulated Vultr on the real CLI: the account and its faults are as real as the lab has them, hosts are not.

The plugin of vultr is the lab's own, which makes the recorded calls; those of hosts and data services reach nothing.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from lab.bench.programs import LINKS, Program
from lab.bench.stacks import Bench
from lab.paths import REPO
from lab.pulumi.cli import Cli
from lab.vultr.simulator import Folder

PACE: Final = "0.01"
"""Of the plugin's waits: its seconds become hundredths."""
CODEB: Final = Path(sys.executable).with_name("codeb")
ZONE: Final = "fleet.test"
APPS: Final = {"name": "default", "roles": ["app", "edge"], "count": 2, "plan": "vc2-2c-4gb"}
DATA: Final = {"name": "data", "roles": ["data"], "plan": "vc2-4c-8gb", "dataDisk": "100Gi"}
BALANCED: Final[Mapping[str, Any]] = {"pools": [APPS, DATA], "dnsZone": ZONE}
SINGLE: Final[Mapping[str, Any]] = {
    "pools": [
        {
            "name": "default",
            "roles": ["app", "data", "edge"],
            "plan": "vc2-6c-16gb",
            "dataDisk": "100Gi",
            "reservedIp": True,
        }
    ],
    "dnsZone": ZONE,
}


@dataclass(frozen=True)
class FleetStack:
    """A stack in an account of the simulator; `settings` are the keys below `codeb:` that tests and faults change."""

    bench: Bench
    vultr: Folder
    account: str
    settings: dict[str, Any] = field(repr=False)

    @classmethod
    def make(
        cls,
        cli: Cli,
        folder: Path,
        vultr: Folder,
        settings: Mapping[str, Any] = BALANCED,
        *,
        account: str = "main",
        projects: int = 1,
    ) -> FleetStack:
        """A program of its own with so many projects, its CLI and plugins; nothing is deployed."""
        program = folder / "program"
        (program / "manifests").mkdir(parents=True)
        for name in LINKS:
            (program / name).symlink_to(REPO / name)
        (program / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "codeb", "runtime": "python"}))
        for number in range(projects):
            (program / "manifests" / f"shop-{number}.yaml").write_text(yaml.safe_dump(_manifest(number)))
        whole = {**_base(folder.name), **settings}
        _write(program, whole)
        bench = Bench.make(cli, folder / "bench", Program(program, lambda count, version: None))
        bench.stack.home.put_plugins("lab.plugins.resource", ("vultr",))
        return cls(bench, vultr, account, whole)

    @property
    def folder(self) -> Path:
        """Of the program: where `codeb` and `pulumi` are called."""
        return self.bench.program.folder

    @property
    def environment(self) -> dict[str, str]:
        """What `pulumi` and `codeb` find."""
        stack = self.bench.environment()
        return {**os.environ, **stack, **self.vultr.environment(self.account), "CODEB_VULTR_PACE": PACE}

    def change(self, **settings: Any) -> None:
        """Other settings from now on."""
        self.settings.update(settings)
        _write(self.folder, self.settings)
        self.bench.stack.settings.unlink(
            missing_ok=True
        )  # nobody set anything in it that would have to be told

    def pulumi(self, verb: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a verb; its words are in the answer."""
        return self._run(self.start_line(verb, *arguments), environment)

    def up(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """An update as a pipeline runs it; what agents would answer afterwards is kept for the next."""
        done = self.pulumi("up", "--yes", "--skip-preview", *arguments, **environment)
        self.bench.remember()
        return done

    def codeb(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the operator's command."""
        return self._run([str(CODEB), *arguments, "--stack", self.bench.stack.name], {})

    def start_line(self, verb: str, *arguments: str) -> list[str]:
        """The line that runs a verb, after the copy of the settings is brought up to date."""
        with contextlib.redirect_stderr(io.StringIO()):  # that settings have changed is no news here
            self.bench.stack.open()
        return self.bench.stack.command(verb, ["--non-interactive", *arguments])

    def resources(self) -> list[dict[str, Any]]:
        """The state's resources."""
        found = json.loads(self.bench.stack.state.read_text())["checkpoint"]["latest"]
        return list(found.get("resources") or ())

    def content(self) -> dict[str, Any]:
        """What the account has."""
        return self.vultr.content(self.account)

    def _run(self, line: Sequence[str], more: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            line,
            cwd=self.folder,
            env={**self.environment, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def _manifest(number: int) -> dict[str, Any]:
    return {
        "project": {"id": f"shop-{number}"},
        "environment": {"domain": f"shop-{number}.{ZONE}", "image": "registry.bench.test/app:1"},
    }


def _base(name: str) -> dict[str, Any]:
    key = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    return {
        "domain": ZONE,
        "provider": "vultr",
        "tlsIssuer": "internal",
        "rootSecret": f"bench-only-root-secret-0123456789-abcdefghijkl-{name}",
        "sshPrivateKey": key.decode(),
    }


def _write(program: Path, settings: Mapping[str, Any]) -> None:
    config = {f"codeb:{key}": value for key, value in settings.items()}
    (program / "Pulumi.bench.yaml").write_text(yaml.safe_dump({"config": config}))
