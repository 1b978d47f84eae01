"""Packages of Node apps are installed once for each lock file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.host import LabError, Progress
from lab.images import modules


def app(folder: Path, name: str, uses: str = "1.0.0", **package: Any) -> Path:
    folder.mkdir()
    own = {"name": name, "version": "1.0.0", "dependencies": {"pg": uses}}
    lock = {"name": name, "packages": {"": own, "node_modules/pg": {"version": uses}}}
    (folder / "package.json").write_text(json.dumps({**own, **package}))
    (folder / "package-lock.json").write_text(json.dumps(lock))
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    found = tmp_path / "cache"
    found.mkdir()
    return found


def nothing() -> None:
    """A build that leaves packages alone."""


def install(folder: Path, cache: Path, build: Callable[[], object] = nothing, tools: str = "v22 10") -> bool:
    """Whether npm was asked."""
    asked = []

    def npm() -> None:
        asked.append(folder)
        (folder / "node_modules" / "pg").mkdir(parents=True)
        (folder / "node_modules" / "pg" / "index.js").write_text(folder.name)

    with modules.installed(folder, cache, npm, Progress(lambda text: None), tools):
        assert (folder / "node_modules" / "pg" / "index.js").is_file()
        build()
    return bool(asked)


def test_an_app_of_the_same_packages_gets_what_another_installed(tmp_path: Path, cache: Path) -> None:
    first, second = (
        app(tmp_path / "first", "first"),
        app(tmp_path / "second", "second", scripts={"build": "x"}),
    )
    assert install(first, cache)
    assert not install(second, cache)
    assert (second / "node_modules" / "pg" / "index.js").read_text() == "first"


def test_what_a_build_throws_away_is_still_there_for_the_next(tmp_path: Path, cache: Path) -> None:
    first = app(tmp_path / "first", "first")
    install(first, cache)
    (first / "node_modules" / "pg" / "index.js").unlink()
    assert not install(app(tmp_path / "second", "second"), cache)


@pytest.mark.parametrize(
    "other",
    [
        {"uses": "2.0.0"},
        {"overrides": {"pg": "1.0.1"}},
        *(
            {"scripts": {name: "node x"}}
            for name in ("postinstall", "dependencies", "preprepare", "postprepare")
        ),
    ],
    ids=str,
)
def test_other_packages_are_installed(tmp_path: Path, cache: Path, other: dict[str, Any]) -> None:
    install(app(tmp_path / "first", "first"), cache)
    assert install(app(tmp_path / "second", "second", **other), cache)


def test_an_app_without_a_lock_file_always_installs(tmp_path: Path, cache: Path) -> None:
    for name in ("first", "second"):
        folder = app(tmp_path / name, name)
        (folder / "package-lock.json").unlink()
        assert install(folder, cache)


def test_the_newest_few_are_kept(tmp_path: Path, cache: Path) -> None:
    for number in range(modules.KEPT + 2):
        install(app(tmp_path / str(number), "x", uses=f"1.0.{number}"), cache)
    assert len([path for path in cache.iterdir() if path.is_dir()]) == modules.KEPT


def test_an_installation_that_failed_leaves_nothing_for_others(tmp_path: Path, cache: Path) -> None:
    def fails() -> None:
        raise OSError("no space left")

    first = app(tmp_path / "first", "first")
    with (
        pytest.raises(OSError, match="no space"),
        modules.installed(first, cache, fails, Progress(lambda text: None), "v22 10"),
    ):
        pytest.fail("there is nothing to build with")
    assert install(app(tmp_path / "second", "second"), cache)


def test_an_app_that_npm_compiles_always_installs(tmp_path: Path, cache: Path) -> None:
    for name in ("first", "second"):
        folder = app(tmp_path / name, name)
        (folder / "binding.gyp").write_text("{}")
        assert install(folder, cache)


def test_a_lock_file_that_names_no_packages_is_as_good_as_none(tmp_path: Path, cache: Path) -> None:
    for name in ("first", "second"):
        folder = app(tmp_path / name, name)
        (folder / "package-lock.json").write_text(
            json.dumps({"lockfileVersion": 1, "dependencies": {"pg": {}}})
        )
        assert install(folder, cache)


def test_another_node_or_npm_installs_for_itself(tmp_path: Path, cache: Path) -> None:
    install(app(tmp_path / "first", "first"), cache)
    assert install(app(tmp_path / "second", "second"), cache, tools="v22 11")


def test_a_build_that_failed_leaves_nothing_for_others(tmp_path: Path, cache: Path) -> None:
    def fails() -> None:
        raise LabError("npm run build failed", "again")

    with pytest.raises(LabError):
        install(app(tmp_path / "first", "first"), cache, fails)
    assert [path for path in cache.iterdir() if path.is_dir()] == []
    assert install(app(tmp_path / "second", "second"), cache)


@pytest.mark.parametrize("which", ["first", "second"])
def test_what_a_build_writes_in_place_is_given_to_nobody(tmp_path: Path, cache: Path, which: str) -> None:
    def patches() -> None:
        with (tmp_path / which / "node_modules" / "pg" / "index.js").open("a") as file:
            file.write("patched")

    for name in ("first", "second"):
        install(app(tmp_path / name, name), cache, patches if which == name else nothing)
    third = app(tmp_path / "third", "third")
    asked = install(third, cache)
    assert (third / "node_modules" / "pg" / "index.js").read_text() in ("second", "third")
    assert asked == (which == "second")


def test_what_a_killed_build_has_written_in_place_is_found_by_the_next(tmp_path: Path, cache: Path) -> None:
    first = app(tmp_path / "first", "first")
    install(first, cache)
    (first / "node_modules" / "pg" / "index.js").write_text("patched")
    assert install(app(tmp_path / "second", "second"), cache)


def test_what_another_run_is_about_to_keep_is_left_alone(tmp_path: Path, cache: Path) -> None:
    part = cache / "a1b2.77.part"
    part.mkdir()
    for number in range(modules.KEPT + 2):
        install(app(tmp_path / str(number), "x", uses=f"1.0.{number}"), cache)
    assert part.is_dir()


def test_what_was_used_last_stays(tmp_path: Path, cache: Path) -> None:
    install(app(tmp_path / "first", "x", uses="0.0.1"), cache)
    for number in range(modules.KEPT + 1):
        install(app(tmp_path / f"new-{number}", "x", uses=f"1.0.{number}"), cache)
        assert not install(app(tmp_path / f"again-{number}", "x", uses="0.0.1"), cache)


@pytest.mark.parametrize("name", ["package.json", "package-lock.json"])
@pytest.mark.parametrize("text", ["{", "[]", "\xff", '"x"', '{"packages": [1]}'])
def test_a_broken_file_of_npm_s_is_said_with_its_name(
    tmp_path: Path, cache: Path, name: str, text: str
) -> None:
    folder = app(tmp_path / "first", "first")
    (folder / name).write_text(text, encoding="latin-1")
    if (name, text) == ("package.json", '{"packages": [1]}'):
        assert install(folder, cache), "that is nothing to npm"
        return
    with pytest.raises(LabError) as caught:
        install(folder, cache)
    assert str(folder / name) in caught.value.cause
