"""The cache: entries appear whole or not at all, once, whoever is killed and however many ask."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from lab.host.cache import cached, digest_of, digest_of_tree, write_atomically
from lab.host.progress import Progress, background


@pytest.fixture
def progress() -> Progress:
    return Progress(lambda _line: None)


def test_an_entry_is_made_once_and_found_afterwards(tmp_path: Path, progress: Progress) -> None:
    made: list[Path] = []

    def make(part: Path) -> None:
        made.append(part)
        part.write_text("content")

    for _ in range(2):
        assert cached(tmp_path / "entry", make, progress, "entry").read_text() == "content"
    assert len(made) == 1
    assert progress.timings.keys() == {"entry"}


def test_a_failed_build_leaves_no_entry_and_the_next_one_starts_clean(
    tmp_path: Path, progress: Progress
) -> None:
    def fail(part: Path) -> None:
        part.mkdir()
        (part / "half").touch()
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        cached(tmp_path / "entry", fail, progress, "entry")
    assert not (tmp_path / "entry").exists()

    entry = cached(tmp_path / "entry", lambda part: part.mkdir(), progress, "entry")
    assert list(entry.iterdir()) == []


def test_two_at_once_build_once(tmp_path: Path, progress: Progress) -> None:
    started, made = threading.Barrier(2), []

    def ask() -> Path:
        started.wait()
        return cached(tmp_path / "entry", make, progress, "entry")

    def make(part: Path) -> None:
        made.append(threading.get_ident())
        part.mkdir()

    results = [background(ask), background(ask)]
    assert {result.result(timeout=10) for result in results} == {tmp_path / "entry"}
    assert len(made) == 1


def test_a_written_file_has_its_mode_from_the_start_and_replaces_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "folder" / "key"
    for text in ("old", "new"):
        write_atomically(target, text, mode=0o600)
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o600
    assert os.listdir(target.parent) == ["key"]


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "a").write_text("other"),
        lambda root: (root / "a").rename(root / "b"),
        lambda root: (root / "a").chmod(0o755),
        lambda root: (root / "new").symlink_to("a"),
    ],
    ids=["content", "name", "mode", "link"],
)
def test_a_tree_digest_changes_with_what_matters(tmp_path: Path, change) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "a").write_text("text")
    before = digest_of_tree(tmp_path)
    change(tmp_path)
    assert digest_of_tree(tmp_path) != before


def _of_npm(path: str) -> bool:
    return path == "node_modules"


def _secret(path: str) -> bool:
    return path.startswith(".env")


def test_a_tree_digest_ignores_what_is_skipped_and_times(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("text")
    before = digest_of_tree(tmp_path, skip=_of_npm)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "x").touch()
    os.utime(tmp_path / "a", (1, 1))
    assert digest_of_tree(tmp_path, skip=_of_npm) == before


def test_a_tree_digest_s_names_are_asked_for_and_links_count_as_links(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("text")
    before = digest_of_tree(tmp_path, skip=_secret)
    (tmp_path / ".env.local").write_text("secret")
    (tmp_path / ".envs").mkdir()
    (tmp_path / ".envs" / "x").touch()
    assert digest_of_tree(tmp_path, skip=_secret) == before
    (tmp_path / "link").symlink_to(".envs")
    linked = digest_of_tree(tmp_path, skip=_secret)
    assert linked != before
    (tmp_path / ".envs" / "y").touch()
    assert digest_of_tree(tmp_path, skip=_secret) == linked, "what a link leads to is not its content"


def test_digests_tell_the_parts_apart() -> None:
    assert digest_of("ab", "c") != digest_of("a", "bc")
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
