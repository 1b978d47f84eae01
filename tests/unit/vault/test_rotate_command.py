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
