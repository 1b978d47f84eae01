"""A deployed image and a preview environment, through the whole program: what it declares, keeps and refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import rpc

from ops.request import VARIABLE, request_text
from tests.components.recording import BARE, SHOP, VAULT, Recording, record
from tests.outputs import check, decrypted

FILES = {"shop.yaml": SHOP, "bare.yaml": BARE, "vault.yaml": VAULT}
DIGEST = "sha256:" + "a" * 64
UNTIL = "2026-11-30T12:00:00Z"
SECRETS = {"vault-app": {"API_TOKEN": "the-project-s"}, "vault-app-pr": {"API_TOKEN": "the-environment-s"}}
CONFIG: dict[str, Any] = {"development": "true", "previews": {"max": 2}, "projectSecrets": SECRETS}


def image(project: str) -> str:
    return f"registry.lab.test:5000/{project}@{DIGEST}"


def opening(project: str, pull: int, name: str = "") -> dict[str, Any]:
    return {"project": project, "pull": pull, "image": image(name or project), "until": UNTIL}


REQUEST = request_text(
    {"bare": image("bare")},
    {"shop-pr-12": opening("shop", 12), "vault-app-pr-3": opening("vault-app", 3, "vault")},
    [],
)


def run(
    folder: Path,
    asked: str | None,
    monkeypatch: pytest.MonkeyPatch,
    registry: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] = CONFIG,
    files: Mapping[str, str] = FILES,
    *,
    preview: bool = False,
) -> Recording:
    if asked is None:
        monkeypatch.delenv(VARIABLE, raising=False)
    else:
        monkeypatch.setenv(VARIABLE, asked)
    return record(folder, files, config=config, registry=registry, preview=preview)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recording:
    return run(tmp_path, REQUEST, monkeypatch)


def registry_of(recording: Recording, which: int = -1) -> dict[str, Any]:
    found: dict[str, Any] = decrypted(recording.outputs[which])["registry"]
    return found


def release(recording: Recording, project: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        rpc.unwrap_rpc_secret(recording.named(f"{project}-release-one").inputs["stdin"])
    )
    return found


def test_a_preview_environment_takes_nine_resources_which_go_with_it(asked: Recording) -> None:
    own = asked.of_project("shop-pr-12")
    assert len(own) == 9
    saved = {"minio:index/s3BucketVersioning:S3BucketVersioning", "minio:index/ilmPolicy:IlmPolicy"}
    theirs = [each.type for each in asked.of_project("shop") if each.type not in saved]
    assert sorted(each.type for each in own) == sorted(theirs), "it isn't backed up, so it keeps no versions"
    assert not any(each.retain_on_delete for each in own)
    assert all(each.protect is False for each in own)


def test_the_deployed_image_is_the_release_s(asked: Recording) -> None:
    assert release(asked, "bare")["image"] == image("bare")
    assert release(asked, "shop-pr-12")["image"] == image("shop")
    assert release(asked, "shop")["image"] == "registry.lab.test:5000/shop:1"


def test_a_preview_environment_gets_its_own_secrets_and_none_of_the_project_s(asked: Recording) -> None:
    environment = release(asked, "vault-app-pr-3")["environment"]
    project = release(asked, "vault-app")["environment"]
    assert (environment["API_TOKEN"], project["API_TOKEN"]) == ("the-environment-s", "the-project-s")
    shared = {name for name, value in environment.items() if value == project.get(name)}
    for name in ("DATABASE_URL", "NEXTAUTH_SECRET", "REDIS_PASSWORD", "MINIO_SECRET_KEY", "MINIO_ACCESS_KEY"):
        assert name in environment
        assert name not in shared
    assert "the-project-s" not in json.dumps(release(asked, "vault-app-pr-3"))


def test_what_was_asked_for_is_remembered_before_anything_is_declared(asked: Recording) -> None:
    first, last = registry_of(asked, 0), registry_of(asked)
    pin = {"bare": {"image": image("bare"), "instead_of": "registry.lab.test:5000/bare:1"}}
    assert first["images"] == last["images"] == pin
    assert first["previews"] == last["previews"]
    assert set(first["previews"]) == {"shop-pr-12", "vault-app-pr-3"}
    assert first["previews"]["shop-pr-12"] == opening("shop", 12)
    assert first["projects"]["shop-pr-12"]["ports"] == last["projects"]["shop-pr-12"]["ports"]


def test_the_outputs_are_as_the_schema_says(asked: Recording) -> None:
    outputs = decrypted(asked.outputs[-1])
    check(outputs)
    assert outputs["projects"]["shop-pr-12"]["url"] == "https://shop-pr-12.lab.test"


def test_every_later_run_declares_the_same(
    tmp_path: Path, asked: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registry of a run that failed, which is the first one, does, too."""
    for which in (0, -1):
        later = run(tmp_path / str(which), None, monkeypatch, registry_of(asked, which))
        assert {(each.type, each.name) for each in later.registrations} == {
            (each.type, each.name) for each in asked.registrations
        }
        assert registry_of(later)["images"] == registry_of(asked)["images"]
        assert registry_of(later)["previews"] == registry_of(asked)["previews"]
        assert release(later, "bare") == release(asked, "bare")


def test_closing_ends_it_and_leaves_the_others(
    tmp_path: Path, asked: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    closing = request_text({}, {}, ["shop-pr-12"])
    for number in (1, 2):
        before = registry_of(asked)
        asked = run(tmp_path / str(number), closing, monkeypatch, before)
        names = {each.name for each in asked.registrations if each.type == "codeb:project:Project"}
        assert names == {"shop", "bare", "vault-app", "vault-app-pr-3"}
        assert set(registry_of(asked)["previews"]) == {"vault-app-pr-3"}


def test_a_stack_that_is_asked_for_nothing_has_no_new_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recording: Recording
) -> None:
    plain = {"projectSecrets": {"vault-app": {"API_TOKEN": "supplied-token-value"}}}
    found = run(tmp_path, "", monkeypatch, config=plain)
    assert registry_of(found).keys() == {"version", "projects"}
    assert found.outputs == recording.outputs


@pytest.mark.parametrize(
    ("asked", "config", "said"),
    [
        ("{", CONFIG, "CODEB_REQUEST: is not JSON"),
        (request_text({"other": image("other")}, {}, []), CONFIG, "CODEB_REQUEST: images.other: no manifest has this id"),
        (request_text({"shop": image("bare")}, {}, []), CONFIG, "images.shop: registry.lab.test:5000/bare is not"),
        (REQUEST, {"projectSecrets": SECRETS}, "codeb:previews: is not set"),
        (REQUEST, CONFIG | {"development": "false"}, "codeb:development is not true"),
        (REQUEST, CONFIG | {"previews": {"max": 1}}, "2 preview environments are more than 1"),
        (
            REQUEST,
            CONFIG | {"projectSecrets": {"vault-app": SECRETS["vault-app"]}},
            "codeb:projectSecrets.vault-app-pr.API_TOKEN: is missing, and environment.secrets of vault-app, for its preview "
            "environments, names it. Run `pulumi config set --secret --path 'codeb:projectSecrets.vault-app-pr.API_TOKEN'`",
        ),
    ],
    ids=["no JSON", "unknown", "repository", "no setting", "production", "too many", "secrets"],
)  # fmt: skip
def test_what_can_not_be_is_refused_and_nothing_is_declared_or_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, config: dict[str, Any], said: str
) -> None:
    monkeypatch.setattr("components.platform.Platform", None)
    with pytest.raises(pulumi.RunError) as caught:
        run(tmp_path, asked, monkeypatch, config=config)
    assert said in " ".join(str(caught.value).split())


def test_a_preview_by_pulumi_says_what_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("pulumi.log.info", lambda text, *_, **__: said.append(text))
    run(tmp_path, REQUEST, monkeypatch, preview=True)
    assert f"shop-pr-12: preview environment of shop's pull request 12, until {UNTIL}." in said
    assert any(line.startswith(f"bare: {image('bare')} is deployed in place of") for line in said)
