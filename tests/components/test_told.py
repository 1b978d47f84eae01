"""What changes, as the real Pulumi tells it in previews and updates: one line a project, and its properties."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.bench.programs import manifests_program
from lab.bench.stacks import Bench
from lab.host.paths import Folders
from lab.host.progress import Progress
from lab.pulumi.cli import cli
from lab.pulumi.stack import AT_ONCE

pytestmark = pytest.mark.cli
NEW_RELEASE = "a new release (blue-green): it takes over once it is healthy"
RELOAD = "Caddy reloads after a drain, which fails no request"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Two projects and a server, deployed by plugins that reach nothing."""
    made = Bench.make(
        cli(Folders.here(), Progress(), ()), tmp_path, manifests_program(tmp_path / "program", 2)
    )
    made.fill()
    return made


def change(bench: Bench, number: int, **sections: Any) -> None:
    path = bench.program.folder / "manifests" / f"app-000{number}.yaml"
    manifest = yaml.safe_load(path.read_text())
    for name, section in sections.items():
        manifest[name] = {**manifest.get(name, {}), **section}
    path.write_text(yaml.safe_dump(manifest))


def configure(bench: Bench, **values: Any) -> None:
    path = bench.program.folder / "Pulumi.bench.yaml"
    settings = yaml.safe_load(path.read_text())
    settings["config"] |= {f"codeb:{key}": value for key, value in values.items()}
    path.write_text(yaml.safe_dump(settings))
    bench.stack.open()


def lines(text: str) -> list[str]:
    """What is told of projects and servers, each once."""
    found = re.findall(r"(?:app-\d+|server\d): .*What users notice: .*", text)
    return sorted(set(found))


def preview(bench: Bench, *arguments: str) -> str:
    return bench.run_text("preview", arguments)


def test_a_preview_and_the_update_say_the_same_line_for_each_project_that_changes(bench: Bench) -> None:
    assert lines(preview(bench)) == []
    change(bench, 0, environment={"variables": {"LEVEL": "debug"}, "secrets": ["TOKEN"]})
    change(bench, 1, features={"max_upload": "1Gi"}, project={"tags": ["b2b"]})
    configure(bench, projectSecrets={"app-0000": {"TOKEN": "hunter2-hunter2"}})
    previewed = preview(bench, "--diff")
    told = [
        f"app-0000: variable LEVEL (new), secret TOKEN (new). What users notice: {NEW_RELEASE}.",
        f"app-0001: features.max_upload default → 1Gi. What users notice: {RELOAD}.",
    ]
    assert lines(previewed) == told
    assert '+ # variable LEVEL: "debug"' in previewed
    assert re.search(r'\+ # secret TOKEN: "[0-9a-f]{12}"', previewed)
    assert "hunter2" not in previewed
    updated = bench.run_text("up", AT_ONCE)
    assert lines(updated) == told
    assert lines(preview(bench)) == []
    configure(bench, projectSecrets={"app-0000": {"TOKEN": "another-token"}})
    told = [f"app-0000: secret TOKEN. What users notice: {NEW_RELEASE}."]
    document, _ = json.JSONDecoder().raw_decode(preview(bench, "--json"))
    said = [item["message"].strip() for item in document["diagnostics"]]
    assert lines("\n".join(said)) == told


@pytest.mark.slow
def test_only_what_a_target_names_is_told(bench: Bench) -> None:
    bench.program.release(2, 2)
    assert len(lines(preview(bench))) == 2
    assert len(lines(preview(bench, "--target", "**app-0001-release-server0"))) == 1


def test_a_shared_service_that_restarts_is_told_with_those_who_use_it(bench: Bench) -> None:
    change(bench, 1, resources={"database": {"enabled": False}})
    bench.fill()
    configure(bench, images={"postgres": "docker.io/library/postgres:16.99"})
    assert lines(preview(bench)) == [
        "server0: /etc/codeb/secrets/backup.json, /etc/containers/systemd/postgres.container. What users notice: restart of "
        "postgres, shared: app-0000 is without it for some seconds."
    ]


def test_what_an_older_version_deployed_is_told_as_far_as_its_document_goes(bench: Bench) -> None:
    """Its commands have no summary: their documents say whether anything is released anew."""
    state = json.loads(bench.stack.state.read_text())
    for resource in state["checkpoint"]["latest"]["resources"]:
        for side in (resource.get("inputs", {}), resource.get("outputs", {})):
            if "delete" in side:
                side["delete"] = side["delete"].partition("\n")[0]
    bench.stack.state.write_text(json.dumps(state))
    change(bench, 1, environment={"variables": {"LEVEL": "debug"}})
    unnoted = "last deployed by a version of CodeB that did not note what it deployed"
    assert lines(preview(bench)) == [
        f"app-0000: {unnoted}. What users notice: nothing.",
        f"app-0001: {unnoted}. What users notice: {NEW_RELEASE}.",
        "server0: its packages, folders or services. What users notice: nothing.",
    ]
