"""`codeb new` in a clone: workflows are told where the platform is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from new_app import add

from ops.new.workflows import Origin, origin


def git(folder: Path, *arguments: str) -> str:
    who = {
        "GIT_AUTHOR_NAME": "x",
        "GIT_AUTHOR_EMAIL": "x@y",
        "GIT_COMMITTER_NAME": "x",
        "GIT_COMMITTER_EMAIL": "x@y",
    }
    done = subprocess.run(
        ["git", "-C", folder, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **who},
    )
    return done.stdout.strip()


def cloned(folder: Path, url: str) -> str:
    """Make the folder a repository that says it is a clone of `url`; its commit."""
    git(folder, "init", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "x")
    git(folder, "config", "remote.origin.url", url)
    return git(folder, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    "url",
    ["https://github.com/ann/paas", "https://ann:hunter2@github.com/ann/paas.git", "git@github.com:ann/paas.git",
     "ssh://git@github.com/ann/paas.git"],
)  # fmt: skip
def test_workflows_are_told_where_the_platform_is(folder: Path, url: str) -> None:
    commit = cloned(folder, url)
    git(folder, "update-ref", "refs/remotes/origin/main", commit)
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "not pushed yet")
    result = add(folder)
    assert result.problems == ()
    text = "".join(path.read_text() for path in (folder / "apps/shop/.github/workflows").iterdir())
    assert f"uses: ann/paas/.github/actions/codeb@{commit} # main" in text
    assert "--platform ann/paas" in text
    assert "leo/platform" not in text
    assert "0" * 40 not in text
    assert "hunter2" not in text + str(result.document)


def test_a_commit_that_may_not_be_pushed_is_said(folder: Path) -> None:
    commit = cloned(folder, "git@github.com:ann/paas.git")
    [hint] = add(folder).problems
    assert f"{commit[:12]}, which has to be pushed" in hint


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.com/ann/paas",
        "https://github.com/ann/../x",
        "https://github.com/a b/c",
        "/srv/paas",
    ],
)
def test_what_is_not_known_is_left_and_said(folder: Path, url: str) -> None:
    cloned(folder, url)
    [hint] = add(folder).problems
    assert "leo/platform and a commit of zeros" in hint
    assert "leo/platform" in (folder / "apps/shop/.github/workflows/preview.yml").read_text()


def test_somebody_else_s_repository_around_it_is_not_the_platform_s(folder: Path) -> None:
    cloned(folder, "https://github.com/ann/home")
    inner = folder / "unpacked"
    inner.mkdir()
    assert origin(inner) == Origin()
    assert origin(folder).repository == "ann/home"


# What is refused
