"""What the renderer writes is what the agent reads."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.admins.document import read_admins
from agent.bundle.document import read_bundle
from agent.documents.reader import Reader
from agent.edge import names
from agent.project.spec_reader import read_release
from codeb.model import ManifestSource, load_manifests, overlap, parse_settings
from codeb.model.settings import Rotation
from codeb.plan import Plan, make_plan
from codeb.render import admins_document, host_bundle, release_document

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"
MANIFESTS = sorted((Path(__file__).parents[3] / "manifests").glob("*.yaml"))


def server(name: str, number: int, *roles: str) -> dict[str, Any]:
    address = f"10.77.0.{number}"
    return {
        "name": name,
        "address": address,
        "privateAddress": address,
        "roles": list(roles),
        "hostKey": HOST_KEY,
    }


@pytest.fixture(params=["one server", "three servers"])
def plan(request: pytest.FixtureRequest) -> Plan:
    servers = [server("s1", 2, "app", "data", "edge")]
    if request.param == "three servers":
        servers = [server("s1", 2, "app"), server("s2", 3, "data"), server("s3", 4, "edge")]
    settings = parse_settings({"domain": "lab.test", "servers": servers})
    sources = [ManifestSource(path.name, path.read_text()) for path in MANIFESTS]
    return make_plan(settings, load_manifests(sources, settings), None)


def sent(document: object) -> Reader:
    return Reader(json.loads(json.dumps(document)), "")


def filled(document: object) -> Reader:
    """The document with its secrets filled in, which are letters and digits."""
    return Reader(json.loads(re.sub(r"@\{secret:[^}]+\}", "A" * 40, json.dumps(document))), "")


def test_the_agent_reads_every_server_s_bundle(plan: Plan) -> None:
    for each in plan.servers:
        found = read_bundle(filled(host_bundle(plan, each)))
        assert found.services
        assert (found.admins is not None) == each.has("data")


def test_the_agent_reads_administrators_of_any_numbers(plan: Plan) -> None:
    numbers = Rotation(postgres=2, redis=3, minio=4, archive=5, backup=6)
    later = replace(plan, settings=plan.settings.model_copy(update={"rotation": numbers}))
    found = read_admins(filled(admins_document(later)))
    assert found.numbers == {"postgres": 2, "redis": 3, "minio": 4, "archive": 5, "backup": 6}
    assert [len(each.passwords) for each in found.redis] == [3] * len(plan.data.redis)
    users = [login.user for login in found.minio]
    assert users == ["codeb_admin.4", "codeb_admin.3", "codeb_admin.2", *["codeb_admin"] * 4]
    assert [(each.user, each.policy) for each in found.accounts] == [("codeb_backup.6", "codeb_backup")]


def test_the_agent_reads_every_release(plan: Plan) -> None:
    assert plan.projects
    for project in plan.projects:
        document = release_document(plan, project)
        if document["cache"] is not None:
            document["cache"].update(password="p", admin_password="a")
        release = read_release(sent(document))
        assert release.spec.project == project.id
        assert release.spec.to_json()["site"] == document["site"]


NAMES = ["a.x.test", "*.x.test", "x.test", "b.a.x.test", "*.a.x.test", "*.test"]


@given(st.lists(st.sampled_from(NAMES), min_size=2, max_size=2))
def test_program_and_agent_agree_on_names_that_overlap(pair: list[str]) -> None:
    assert names.overlap(*pair) == overlap(*pair) == overlap(*reversed(pair))
