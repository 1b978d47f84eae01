"""Releases among one another, and what hosts say of them, on a recording monitor."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from pulumi.runtime import rpc

from agent.documents.reader import Reader
from agent.project.routed import read
from ops.ssh import Answer
from tests.components.recording import (
    ALL,
    BARE,
    BASE_CONFIG,
    DIGEST,
    SHOP,
    SUPPLIED,
    Recording,
    plain_texts,
    record,
)

HASH = "$2b$10$abcdefghijklmnopqrstuu23JPZtHcGhwXSF41f93o/7vBdDut3Xu"


def test_the_release_command_runs_on_the_first_of_several_servers_and_the_others_wait(tmp_path: Path) -> None:
    first = BASE_CONFIG["servers"][0]
    second = first | {"name": "two", "address": "10.9.9.3", "privateAddress": "10.9.9.3", "roles": ["app"]}
    migrating = SHOP + "servers: {replicas: 2}\nfeatures: {release_command: [node, migrate.js]}\n"
    recording = record(tmp_path, {"shop.yaml": migrating}, config={"servers": [first, second]})
    releases = [recording.named(f"shop-release-{server}") for server in ("one", "two")]
    jobs = [json.loads(rpc.unwrap_rpc_secret(item.inputs["stdin"]))["job"] for item in releases]
    assert [job is not None for job in jobs] == [True, False]
    assert releases[0].urn in releases[1].dependencies


def server(number: int, roles: list[str], **more: str) -> dict[str, Any]:
    """Another server beside the first one of the recordings."""
    address = f"10.9.9.{number}"
    its_own = {"name": f"s{number}", "address": address, "privateAddress": address, "roles": roles, **more}
    return {**BASE_CONFIG["servers"][0], **its_own}


def test_replicas_are_released_one_after_the_other(tmp_path: Path) -> None:
    """So that the ones after stay as they are where one fails: the engine does nothing that depends on what failed."""
    first = BASE_CONFIG["servers"][0]
    servers = [first, server(3, ["app"]), server(4, ["app", "edge"])]
    recording = record(
        tmp_path, {"shop.yaml": SHOP + "servers: {replicas: 3}\n"}, config={"servers": servers}
    )
    chain = [recording.named(f"shop-release-{name}") for name in ("one", "s3", "s4")]
    assert [[other.name for other in chain if other.urn in release.dependencies] for release in chain] == [
        [],
        ["shop-release-one"],
        ["shop-release-one", "shop-release-s3"],
    ]


def test_edges_that_do_not_run_a_project_get_its_route_once_it_is_released(tmp_path: Path) -> None:
    first = {**BASE_CONFIG["servers"][0], "roles": ["app", "data"]}
    servers = [first, server(3, ["edge"]), server(4, ["edge", "app"], pool="other")]
    recording = record(tmp_path, ALL, config={**SUPPLIED, "servers": servers})
    for project in ("shop", "bare", "vault-app"):
        release = recording.named(f"{project}-release-one")
        for edge in ("s3", "s4"):
            route = recording.named(f"{project}-route-{edge}")
            assert {release.urn, recording.named(f"{edge}-bundle").urn} <= route.dependencies
            document = json.loads(route.inputs["stdin"])
            assert (document["project"], document["version"]) == (project, 1)
            assert f"reverse_proxy {first['privateAddress']}:8100 {{" in document["site"]
            assert (route.inputs["create"], route.inputs["delete"]) == (
                "codeb-agent route",
                "codeb-agent unroute",
            )
            assert read(Reader(document, "")).project == project


def test_hashes_of_logins_are_secrets_of_the_state(tmp_path: Path) -> None:
    first = {**BASE_CONFIG["servers"][0], "roles": ["app", "data"]}
    protected = f"{SHOP}features: {{protect: {{users: {{ann: {HASH}}}}}}}\n"
    recording = record(tmp_path, {"shop.yaml": protected}, config={"servers": [first, server(3, ["edge"])]})
    route = recording.named("shop-route-s3")
    assert HASH in rpc.unwrap_rpc_secret(route.inputs["stdin"])
    for item in recording.registrations:
        assert HASH[7:] not in "\n".join(plain_texts(item.inputs)), item.name


def test_one_server_has_no_routes(recording: Recording) -> None:
    assert not [item.name for item in recording.registrations if "-route-" in item.name]


def test_who_takes_names_waits_for_the_routes_of_who_gives_them(tmp_path: Path) -> None:
    """On edges, too, a name is one project's at a time."""
    first = {**BASE_CONFIG["servers"][0], "roles": ["app", "data"]}
    config = {"servers": [first, server(3, ["edge"])]}
    before = record(tmp_path / "1", {"shop.yaml": SHOP, "bare.yaml": BARE}, config=config).outputs[-1][
        "registry"
    ]
    domains = [re.search(r"domain: ([a-z.]+)", text)[1] for text in (SHOP, BARE)]  # type: ignore[index]
    swapped = {
        "shop.yaml": SHOP.replace(domains[0], "new.lab.test"),
        "bare.yaml": BARE.replace(domains[1], domains[0]),
    }
    after = record(tmp_path / "2", swapped, config=config, registry=before)
    assert after.named("shop-route-s3").urn in after.named("bare-route-s3").dependencies


def test_every_server_runs_the_digest_that_the_first_one_found(tmp_path: Path) -> None:
    first = BASE_CONFIG["servers"][0]
    second = first | {"name": "two", "address": "10.9.9.3", "privateAddress": "10.9.9.3", "roles": ["app"]}
    servers = [first, second, second | {"name": "three", "address": "10.9.9.4", "privateAddress": "10.9.9.4"}]
    recording = record(
        tmp_path, {"shop.yaml": SHOP + "servers: {replicas: 3}\n"}, config={"servers": servers}
    )
    documents = [
        json.loads(rpc.unwrap_rpc_secret(item.inputs["stdin"]))
        for item in (recording.named(f"shop-release-{server['name']}") for server in servers)
    ]
    assert [document.get("digest") for document in documents] == [None, DIGEST, DIGEST]
    assert {document["image"] for document in documents} == {documents[0]["image"]}


def test_what_agents_warn_of_is_said_once_and_is_in_the_registry(tmp_path: Path) -> None:
    with mock.patch("pulumi.log.warn") as warn:
        recording = record(tmp_path, {"shop.yaml": SHOP})
        said = [call.args[0] for call in warn.call_args_list]
        assert said.count("shop: the image declares VOLUME /data") == 1
        registry = recording.outputs[-1]["registry"]
        assert registry["projects"]["shop"]["warnings"] == ["the image declares VOLUME /data"]
        warn.reset_mock()
        record(tmp_path, {"shop.yaml": SHOP}, registry=registry)
        assert not [call for call in warn.call_args_list if "VOLUME" in call.args[0]]


def rolled_back(target: object, verb: str, document: object, **limits: object) -> Answer:
    """What the agent says after `rollback` of shop."""
    image, before = "registry.lab.test:5000/shop:1", "registry.lab.test:5000/shop:0"
    release = {
        "id": "r3", "image": before, "digest": "sha256:1", "at": "2026-02-01T00:00:00Z", "by": "ann@laptop",
        "why": f"rolled back from r2 ({image}) by ann@laptop",
    }  # fmt: skip
    status = {
        "project": "shop", "status": "healthy", "active": "green", "image": before, "digest": "sha256:1",
        "container_id": "d", "created_at": "2026-01-01T00:00:00Z", "release": release, "maintenance": False,
        "withdrawn": {"id": "r2", "image": image},
    }  # fmt: skip
    return Answer(0, {"ok": True, "host": {"time": "2026-02-01T00:01:00Z"}, "projects": [status]})


@pytest.mark.parametrize("preview", [False, True])
def test_a_rollback_is_in_the_registry_and_said(
    tmp_path: Path, recording: Recording, caplog: pytest.LogCaptureFixture, preview: bool
) -> None:
    later = record(
        tmp_path,
        ALL,
        config=SUPPLIED,
        registry=recording.outputs[-1]["registry"],
        ask=rolled_back,
        preview=preview,
    )
    for outputs in (later.outputs[0], later.outputs[-1]):
        shop = outputs["registry"]["projects"]["shop"]
        assert shop["release"]["why"] == "rolled back from r2 (registry.lab.test:5000/shop:1) by ann@laptop"
        assert (shop["status"], shop["active"], shop["image"]) == (
            "running",
            "green",
            "registry.lab.test:5000/shop:0",
        )
    assert outputs["registry"]["projects"]["bare"] == recording.outputs[-1]["registry"]["projects"]["bare"]
    assert "codeb rollback shop --forward --stack test" in caplog.text


def test_servers_that_do_not_answer_are_said_in_a_preview_and_change_nothing(
    tmp_path: Path, recording: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    registry = recording.outputs[-1]["registry"]
    later = record(tmp_path, ALL, config=SUPPLIED, registry=registry, preview=True)
    assert later.outputs[-1]["registry"] == registry
    assert "one was not asked what it runs: there is no server" in caplog.text


def test_a_first_preview_asks_nobody(tmp_path: Path) -> None:
    def ask(*_: object, **__: object) -> Answer:
        raise AssertionError("there is nothing to ask for yet")

    record(tmp_path, {"shop.yaml": SHOP}, ask=ask, preview=True)


def test_a_release_that_takes_a_domain_over_waits_for_the_one_that_gives_it(tmp_path: Path) -> None:
    serves = {
        key: {"status": "running", "domain": f"{domain}.lab.test", "ports": {"app": app, "internal": app + 1}}
        for key, domain, app in (("bare", "shop", 3001), ("shop", "bare", 3003))
    }
    found = record(
        tmp_path, {"bare.yaml": BARE, "shop.yaml": SHOP}, registry={"version": 1, "projects": serves}
    )
    assert found.named("bare-release-one").urn in found.named("shop-release-one").dependencies
    assert found.named("shop-release-one").urn not in found.named("bare-release-one").dependencies
