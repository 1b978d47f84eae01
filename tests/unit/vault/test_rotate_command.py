"""`codeb secrets rotate`: a number raised in the manifest, every other byte as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codeb.model import load_manifests, read_sources
from ops.cli import main

HEAD = "project: {id: shop}  # ours\nenvironment:\n  domain: shop.example.com\n  image: ghcr.io/x/shop:1\n"
SERVERS = [{"name": "a", "address": "10.0.0.1", "knownHostsFile": "k"}]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "Pulumi.live.yaml").write_text(
        json.dumps({"config": {"codeb:domain": "example.com", "codeb:servers": SERVERS}})
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rotated(folder: Path, text: str, *arguments: str) -> tuple[int, str]:
    file = folder / "manifests/shop.yaml"
    file.write_text(text)
    code = main(["secrets", "rotate", *arguments, "--stack", "live"])
    return code, file.read_text()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "resources:\n  database:\n    rotation: 2\n"),
        (
            "resources:\n  database: # theirs\n    rotation: 9 # the ninth\n",
            "resources:\n  database: # theirs\n    rotation: 10 # the ninth\n",
        ),
        (
            "resources:\n  cpu: 2\n  cache: {enabled: false}\n",
            "resources:\n  cpu: 2\n  cache: {enabled: false}\n  database:\n    rotation: 2\n",
        ),
    ],
)
def test_a_number_is_raised_and_the_rest_stays(
    folder: Path, before: str, after: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = rotated(folder, HEAD + before, "shop", "database")
    assert (code, text) == (0, HEAD + after)
    assert "the next `pulumi up` of stack live makes the new keys" in capsys.readouterr().out


def test_several_at_once_are_the_numbers_that_the_model_reads(folder: Path) -> None:
    code, _ = rotated(folder, HEAD, "shop", "database", "storage", "cache", "storage")
    assert code == 0
    (manifest,) = load_manifests(read_sources(folder / "manifests"))
    found = manifest.resources
    assert (found.database.rotation, found.cache.rotation, found.storage.rotation) == (2, 2, 2)


@pytest.mark.parametrize(
    ("text", "arguments", "words"),
    [
        (f"{HEAD}resources: {{cache: {{enabled: false}}}}\n", ("shop", "cache"), "has no cache"),
        (f"{HEAD}resources: {{database: {{rotation: 999}}}}\n", ("shop", "database"), "999"),
        (
            f"{HEAD}resources: {{database: {{rotation: two}}}}\n",
            ("shop", "database"),
            "resources.database.rotation",
        ),
        (HEAD, ("other", "database"), "has the id other"),
        (HEAD, ("shop-pr-1", "database"), "what the manifest of shop says"),
    ],
)
def test_what_can_t_be_rotated_is_said_and_changes_nothing(
    folder: Path,
    text: str,
    arguments: tuple[str, ...],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert rotated(folder, text, *arguments) == (1, text)
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [("shop",), ("shop", "session"), ("shop;", "cache"), ("shop", "cache;")]
)
def test_what_is_no_service_is_wrong_usage(folder: Path, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        rotated(folder, HEAD, *arguments)
    assert ended.value.code == 2


STACK = """# prod
config:
  codeb:domain: example.com # theirs
  codeb:projectSecrets:
    shop: {KEY: {secure: v1:abc}}
  codeb:servers: [{name: a, address: 10.0.0.1, knownHostsFile: k}]
"""


def rotated_platform(folder: Path, text: str, *arguments: str) -> tuple[int, str]:
    file = folder / "Pulumi.live.yaml"
    file.write_text(text)
    code = main(["secrets", "rotate", *arguments, "--stack", "live"])
    return code, file.read_text()


@pytest.mark.parametrize(
    ("before", "accounts", "after"),
    [
        ("", ("postgres",), "  codeb:rotation:\n    postgres: 2\n"),
        (
            "  codeb:rotation: {redis: 4, minio: '2'} # ours\n",
            ("redis", "minio", "backup"),
            "  codeb:rotation: {redis: 5, minio: 3, backup: 2} # ours\n",
        ),
        (
            "  codeb:rotation:\n    archive: 9 # the ninth\n",
            ("archive", "archive"),
            "  codeb:rotation:\n    archive: 10 # the ninth\n",
        ),
    ],
)
def test_a_number_of_the_platform_is_raised_in_the_stack_s_file_and_the_rest_stays(
    folder: Path, before: str, accounts: tuple[str, ...], after: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = rotated_platform(folder, STACK + before, "--platform", *accounts)
    assert (code, text) == (0, STACK + after)
    assert "ends the old ones once nothing has them" in capsys.readouterr().out


def test_a_dry_run_says_the_numbers_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--platform", "postgres", "redis", "--dry-run")
    assert rotated_platform(folder, STACK, *arguments) == (0, STACK)
    said = capsys.readouterr().out
    assert "Pulumi.live.yaml: postgres would have number 2\n" in said
    assert "Pulumi.live.yaml: redis would have number 2\n" in said
    assert rotated(folder, HEAD, "shop", "cache", "--dry-run") == (0, HEAD)
    assert "cache would have number 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("  codeb:rotation: {postgres: 999}\n", "codeb:rotation.postgres"),
        ("  codeb:rotation: {postgres: two}\n", "codeb:rotation.postgres"),
        ("  codeb:rotation: {mysql: 2}\n", "codeb:rotation.mysql"),
        ("  codeb:rotation: '{\"postgres\": 2}'\n", "Raise codeb:rotation by hand"),
        ("  codeb:rotation: &it {redis: 1}\n  codeb:previews: *it\n", "anchors and aliases"),
    ],
)
def test_a_number_of_the_platform_that_can_t_be_raised_is_said_and_changes_nothing(
    folder: Path, more: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rotated_platform(folder, STACK + more, "--platform", "postgres") == (1, STACK + more)
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--platform",),
        ("--platform", "mysql"),
        ("--platform", "postgres;"),
        ("shop", "database", "--platform", "postgres"),
        ("shop", "--platform", "postgres"),
        (),
    ],
)
def test_a_project_and_the_platform_are_not_rotated_at_once(folder: Path, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        rotated_platform(folder, STACK, *arguments)
    assert ended.value.code == 2


def test_keys_of_buckets_at_vultr_have_no_number(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pools = [{"name": "default", "roles": ["app", "data", "edge"], "plan": "vc2-2c-4gb"}]
    config = {
        "codeb:domain": "example.com",
        "codeb:provider": "vultr",
        "codeb:pools": pools,
        "codeb:managed": {"objects": {"cluster": 2, "projects": ["shop"]}},
    }
    (folder / "Pulumi.live.yaml").write_text(json.dumps({"config": config}))
    code, text = rotated(folder, HEAD, "shop", "storage")
    assert (code, text) == (1, HEAD)
    assert "choose Regenerate keys" in capsys.readouterr().err
    assert rotated(folder, HEAD, "shop", "database")[0] == 0
