"""A stack of an earlier version goes on: a preview of the program as it is now, on the state as it was then.

`own-engine.json` was written before the lab ran the Pulumi CLI, by an engine of its own, `storage-users.json` by that CLI
before projects could hand over names and shared less of Redis; their secrets were replaced by the word `recorded`. Nobody
answers where the preview looks: it shows what would change, and asks no host.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import asyncssh
import pytest
import yaml

from lab import paths
from lab.host import Lab
from lab.pulumi import dev
from lab.pulumi.home import Home
from lab.pulumi.stack import Stack

pytestmark = pytest.mark.cli

HERE = Path(__file__).parent
UNHARMED = {"same", "update", "read"}
PROJECTS = ("blog", "food-delivery-app", "real-estate-app")
CHANGES = {
    "own-engine": {
        *(("create", f"{project}-{part}") for project in PROJECTS for part in ("user", "policy", "access")),
        *(("delete", f"{project}-keys") for project in PROJECTS),
    },
    "storage-users": set[tuple[str, str]](),
}
"""All that an upgrade from a state makes and deletes, which is to be nothing that holds data.

`own-engine`: projects had a service account of MinIO's administrator, which could make itself more than it was given
(CVE-2025-62506); they get a user of their own, and that key goes.
"""


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in paths.PROGRAM:
        if not name.startswith(("Pulumi.dev", ".lab")):
            (folder / name).symlink_to(paths.REPO / name)
    (folder / "manifests").symlink_to(paths.REPO / "manifests")
    key = asyncssh.generate_private_key("ssh-ed25519")
    (folder / "key").write_bytes(key.export_private_key())
    (folder / "key").chmod(0o600)
    settings = yaml.safe_load((paths.REPO / "Pulumi.dev.yaml").read_text())
    server = settings["config"]["codeb:servers"][0]
    server |= {"address": "127.0.0.1", "sshPort": 9, "hostKey": key.export_public_key().decode().strip()}
    del server["knownHostsFile"], settings["config"]["codeb:rootSecretFile"]
    settings["config"] |= {
        "codeb:sshPrivateKeyFile": "key",
        "codeb:rootSecret": "a root secret of this test only, long enough",
    }
    (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump(settings))
    (folder / "passphrase").write_text("recorded\n")
    stack = Stack(
        folder,
        "dev",
        Home(tmp_path / "home"),
        tmp_path / "settings.yaml",
        tmp_path / "state",
        folder / "passphrase",
    )
    dev.prepare(Lab.here(), stack)
    return stack


@pytest.mark.parametrize("recorded", sorted(HERE.glob("*.json")), ids=lambda path: path.stem)
def test_a_stack_of_an_earlier_version_loses_nothing(stack: Stack, recorded: Path) -> None:
    stack.state.parent.mkdir(parents=True)
    shutil.copy(recorded, stack.state)
    stack.open()
    done = subprocess.run(
        stack.command("preview", ["--json"]),
        cwd=stack.project,
        env={**os.environ, **stack.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    digest = json.loads(done.stdout)
    steps = [(step["op"], step["urn"].split("::")[-1]) for step in digest["steps"]]
    assert {step for step in steps if step[0] not in UNHARMED} == CHANGES[recorded.stem]
    first_deletion = next((number for number, (op, _) in enumerate(steps) if op == "delete"), len(steps))
    assert all(op == "delete" for op, _ in steps[first_deletion:]), (
        "what serves uses the old until the new is there"
    )
    summary = digest["changeSummary"]
    assert summary["same"] + summary.get("update", 0) + summary.get("delete", 0) >= 35, (
        "all that was is known"
    )
