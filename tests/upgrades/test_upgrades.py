"""A stack of an earlier version goes on: a preview of the program as it is now, on the state as it was then.

`own-engine.json` was written before the lab ran the Pulumi CLI, by an engine of its own, `storage-users.json` by that
CLI before projects could hand over names and shared less of Redis; their secrets were replaced by the word `recorded`.
`several-servers.json` is of the last version before fleets (edge with apps, apps, data), by that CLI with plugins that
reach nothing; of their inputs, the agent is left out. `before-backups.json` is of the last version that backed nothing
up, `before-watching.json` of the last that nothing watched: the stack's server has the role monitoring now. Nobody answers
where the preview looks: it shows what would change, and asks no host.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import yaml

from lab import paths
from lab.host import Lab
from lab.pulumi import dev
from lab.pulumi.home import Home
from lab.pulumi.stack import Stack
from ops.request import VARIABLE, request_text

pytestmark = pytest.mark.cli

HERE = Path(__file__).parent
UNHARMED = {"same", "update", "read"}
PROJECTS = ("blog", "food-delivery-app", "real-estate-app")
BACKUPS = {
    *(("create", f"backup{part}") for part in ("", "-bucket", "-user", "-policy", "-access")),
    *(("create", f"blog-{part}-uploads") for part in ("versions", "expiry")),
    *(
        ("create", f"food-delivery-app-{part}")
        for part in ("versions-menus", "versions-exports", "versions-uploads")
    ),
    *(("create", f"food-delivery-app-{part}") for part in ("expiry-menus", "expiry-uploads")),
    *(("create", f"real-estate-app-{part}-files") for part in ("versions", "expiry")),
}
"""Where backups are kept, and versions in buckets: all that a stack gets that backed nothing up."""
WATCHING = {("create", f"watching{part}") for part in ("", "-user", "-policy", "-access")}
"""The account that asks MinIO for its figures: all that a stack gets which nothing watched."""
CHANGES = {
    "before-backups": set[tuple[str, str]](),
    "before-watching": set[tuple[str, str]](),
    "own-engine": {
        *(("create", f"{project}-{part}") for project in PROJECTS for part in ("user", "policy", "access")),
        *(("delete", f"{project}-keys") for project in PROJECTS),
    },
    "storage-users": set[tuple[str, str]](),
    "several-servers": {("create", f"{project}-route-edge1") for project in ("blog", "real-estate-app")},
}
"""All that an upgrade from a state makes and deletes, which is to be nothing that holds data.

`own-engine`: projects had a service account of MinIO's administrator, which could make itself more than it was given
(CVE-2025-62506); they get a user of their own, and that key goes. `several-servers`: an edge reaches projects that run on
other servers by a site of its own.
"""


SEVERAL = {"edge1": ["edge", "app"], "app1": ["app"], "data1": ["data"]}


def servers(recorded: Path, one: dict[str, Any]) -> list[dict[str, Any]]:
    """The servers of the recorded stack, of which `one` has all but name, addresses and roles."""
    if recorded.stem != "several-servers":
        return [one]
    return [
        one
        | {
            "name": name,
            "address": f"127.66.0.{number}",
            "privateAddress": f"10.66.0.{number}",
            "roles": roles,
        }
        for number, (name, roles) in enumerate(SEVERAL.items(), 1)
    ]


@pytest.fixture(params=sorted(HERE.glob("*.json")), ids=lambda path: path.stem)
def recorded(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.fixture
def stack(tmp_path: Path, recorded: Path) -> Stack:
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
    (server,) = settings["config"]["codeb:servers"]
    server |= {"address": "127.0.0.1", "sshPort": 9, "hostKey": key.export_public_key().decode().strip()}
    del server["knownHostsFile"], settings["config"]["codeb:rootSecretFile"]
    settings["config"]["codeb:servers"] = servers(recorded, server)
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


def previewed(stack: Stack, recorded: Path, asked: str = "") -> dict[str, Any]:
    """What the CLI says that it would do on the recorded state."""
    stack.state.parent.mkdir(parents=True)
    shutil.copy(recorded, stack.state)
    stack.open()
    done = subprocess.run(
        stack.command("preview", ["--json"]),
        cwd=stack.project,
        env={**os.environ, **stack.environment(), VARIABLE: asked},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_stack_of_an_earlier_version_loses_nothing(stack: Stack, recorded: Path) -> None:
    digest = previewed(stack, recorded)
    steps = [(step["op"], step["urn"].split("::")[-1]) for step in digest["steps"]]
    backups = set() if recorded.stem == "before-watching" else BACKUPS
    watching = set() if recorded.stem == "several-servers" else WATCHING
    assert {step for step in steps if step[0] not in UNHARMED} == CHANGES[recorded.stem] | backups | watching
    first_deletion = next((number for number, (op, _) in enumerate(steps) if op == "delete"), len(steps))
    assert all(op == "delete" for op, _ in steps[first_deletion:]), (
        "what serves uses the old until the new is there"
    )
    summary = digest["changeSummary"]
    assert summary["same"] + summary.get("update", 0) + summary.get("delete", 0) >= 35, (
        "all that was is known"
    )


@pytest.mark.parametrize("recorded", [HERE / "storage-users.json"], ids=["storage-users"], indirect=True)
def test_such_a_stack_takes_a_request_which_adds_one_project_and_releases_another(
    stack: Stack, recorded: Path
) -> None:
    file = stack.project / "Pulumi.dev.yaml"
    settings = yaml.safe_load(file.read_text())
    settings["config"]["codeb:previews"] = {"max": 2}
    file.write_text(yaml.safe_dump(settings))
    own = yaml.safe_load((stack.project / "manifests" / "blog.yaml").read_text())["environment"]["image"]
    image = f"{own.rpartition(':')[0]}@sha256:{'a' * 64}"
    opened = {"project": "blog", "pull": 7, "image": image, "until": "2026-11-30T12:00:00Z"}
    digest = previewed(stack, recorded, request_text({"blog": image}, {"blog-pr-7": opened}, []))
    steps = (
        {(step["op"], step["urn"].split("::")[-1]) for step in digest["steps"] if step["op"] not in UNHARMED}
        - BACKUPS
        - WATCHING
    )
    assert {op for op, _ in steps} == {"create"}
    assert all(name.startswith("blog-pr-7") for _, name in steps), "nothing of anybody else comes or goes"
    assert ("create", "blog-pr-7-database") in steps or ("create", "blog-pr-7-bucket-uploads") in steps
    said = "\n".join(each["message"] for each in digest["diagnostics"] if each.get("message"))
    assert "blog-pr-7: preview environment of blog's pull request 7" in said
    assert f"blog: {image} is deployed in place of its manifest's {own}." in said
