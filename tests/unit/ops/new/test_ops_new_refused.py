"""`codeb new` with what can't be: nothing is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from new_app import SHOP, add, fill, tree

from ops.cli import main
from ops.new import Wanted, new, place


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (replace(SHOP, name="a\nb"), "project.name"),
        (replace(SHOP, name="x\u202egnp"), "U+202E"),
        (replace(SHOP, name="x\udc80"), "is not UTF-8 text"),
        (replace(SHOP, name="y" * 101), "project.name"),
        (replace(SHOP, name="@{secret:root}"), "project.name"),
        (replace(SHOP, id="postgres"), "reserved"),
        (replace(SHOP, domain="{$SECRET}.example.com"), "environment.domain"),
        (replace(SHOP, id="next"), "npm refuses"),
    ],
)
def test_nothing_is_written_when_anything_is_wrong(folder: Path, wanted: Wanted, said: str) -> None:
    result = add(folder, wanted)
    assert not result.ok
    assert said in "\n".join(result.problems)
    assert "nothing was written" in result.problems[-1]
    assert tree(folder) == {}


@pytest.mark.parametrize(
    "name", ["../../etc", "a/b", ".", "", "UPPER", "a_b", "x" * 41, "-x-", "a b", "a;id", "$(id)"]
)
def test_an_id_is_an_id(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit):
        main(["new", name])
    assert not add(folder, replace(SHOP, id=name, app="apps/shop")).ok
    assert tree(folder) == {}


def test_a_folder_with_anything_in_it_stays_as_it_is(folder: Path) -> None:
    fill(folder / "apps" / "shop", {".keep": ""})
    before = tree(folder)
    assert "is there already" in add(folder).problems[0]
    assert "is there already" in add(folder, replace(SHOP, app="apps/shop/.keep")).problems[0]
    assert tree(folder) == before


@pytest.mark.parametrize(
    "app",
    [
        "templates/core-cms/shop",
        "templates/mine",
        "manifests/shop",
        ".lab/shop",
        ".git/x",
        "apps/../templates/x",
        "templates",
    ],
)
def test_folders_of_the_platform_s_own_get_no_app(folder: Path, app: str) -> None:
    (folder / "apps").mkdir()
    before = {path for path in folder.rglob("*")}
    for said in (app, str(folder / app)):
        assert "where no app belongs" in add(folder, replace(SHOP, app=said)).problems[0]
    assert {path for path in folder.rglob("*")} == before


def test_elsewhere_than_in_a_project_folder_nothing_is_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = folder / "docs"
    inner.mkdir()
    monkeypatch.chdir(inner)
    result = new(SHOP, place(Path(), None))
    assert "is no project folder" in result.problems[0]
    assert list(inner.iterdir()) == []
    (inner / "manifests").mkdir()
    (inner / "templates").symlink_to(folder / "templates")
    assert new(SHOP, place(Path(), None)).ok


def test_links_are_not_followed(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "apps").symlink_to("elsewhere")
    assert "is a link" in add(folder).problems[0]
    (folder / "nowhere").symlink_to("gone")
    assert "is a link" in add(folder, replace(SHOP, app="nowhere")).problems[0]
    assert not list((folder / "elsewhere").iterdir())
    assert not (folder / "manifests").exists()
