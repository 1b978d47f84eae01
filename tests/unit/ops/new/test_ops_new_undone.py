"""`codeb new` that fails half way, or runs twice at once: all or nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from new_app import MADE, SHOP, add, files, tree


class Interrupted:
    """Stands before one function of `os`, and raises at its nth call: before it does anything, or right after."""

    def __init__(self, real: Callable[..., Any], number: int, error: BaseException, *, after: bool) -> None:
        self.real, self.left, self.error, self.after = real, number, error, after

    def __call__(self, *arguments: Any, **more: Any) -> Any:
        self.left -= 1
        if self.left:
            return self.real(*arguments, **more)
        if self.after:
            with suppress(OSError):  # of folders that are there
                self.real(*arguments, **more)
        raise self.error


FULL = OSError(28, "No space left on device")


@pytest.mark.parametrize("after", [False, True], ids=["before it", "after it"])
@pytest.mark.parametrize(
    ("function", "number", "error"),
    [
        *(("mkdir", number, KeyboardInterrupt()) for number in range(1, 13)),
        *((name, 1, error) for name in ("rename", "link", "chmod", "unlink") for error in (KeyboardInterrupt(), FULL)),
        ("mkdir", 1, FULL),
    ],
    ids=str,
)  # fmt: skip
def test_whatever_fails_half_way_nothing_is_left(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    function: str,
    number: int,
    error: BaseException,
    after: bool,
) -> None:
    (folder / "apps" / "shop").mkdir(parents=True)
    before = tree(folder)
    stub = Interrupted(getattr(os, function), number, error, after=after)
    with monkeypatch.context() as patch:
        patch.setattr(os, function, stub)
        if error is FULL:
            assert "No space left on device; nothing was written" in add(folder).problems[0]
        else:
            with pytest.raises(KeyboardInterrupt):
                add(folder)
    assert stub.left <= 0
    assert tree(folder) == before
    assert add(folder).ok, "and it can be done again"


def test_folders_that_it_made_go_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = Interrupted(os.link, 1, OSError(13, "Permission denied"), after=False)
    monkeypatch.setattr(os, "link", stub)
    assert not add(folder, replace(SHOP, app="teams/tea/shop")).ok
    assert tree(folder) == {}


def test_two_at_once_make_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other has written its manifest after we have looked: the app that we made goes again."""
    real = os.link

    def late(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "link", real)
        target.write_text("theirs")
        real(source, target)

    monkeypatch.setattr(os, "link", late)
    result = add(folder)
    assert "File exists; nothing was written" in result.problems[0]
    assert tree(folder) == {"manifests": None, "manifests/shop.yaml": b"theirs"}


def test_a_file_system_without_second_names_will_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        os, "link", Interrupted(os.link, 1, PermissionError(1, "Operation not permitted"), after=False)
    )
    assert add(folder).ok
    assert [path.name for path in (folder / "manifests").iterdir()] == ["shop.yaml"]
    assert files(folder / "apps" / "shop") == MADE
