"""What the machine lacks is said before anything starts."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from lab.host import requirements
from lab.host.errors import LabError
from lab.host.paths import CACHE_VARIABLE, Folders
from lab.host.requirements import Machine, objections
from lab.host.rootfs import mirror_in

GOOD = Machine(system="Linux", architecture="x86_64", user=0, has_apt=True, free_bytes=100 * 2**30)


def test_a_good_machine_is_not_objected_to() -> None:
    assert objections(GOOD) == []
    assert objections(dataclasses.replace(GOOD, free_bytes=None)) == []


@pytest.mark.parametrize(
    ("flaw", "words"),
    [
        ({"user": 1000}, "sudo"),
        ({"system": "Darwin"}, "Debian or Ubuntu"),
        ({"has_apt": False}, "Debian or Ubuntu"),
        ({"architecture": "aarch64"}, "x86_64"),
        ({"free_bytes": 2**30}, CACHE_VARIABLE),
    ],
)
def test_each_flaw_is_named_with_its_remedy(flaw: dict[str, Any], words: str) -> None:
    (objection,) = objections(dataclasses.replace(GOOD, **flaw))
    assert words in str(objection)


def test_nothing_is_installed_on_a_machine_that_will_not_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("lab.host.commands.build", lambda *_a, **_k: pytest.fail("something was installed"))
    with pytest.raises(LabError, match="root"):
        requirements.meet(Folders(lab=tmp_path, cache=tmp_path / "cache"), progress=None)  # type: ignore[arg-type]


def test_the_cache_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    assert Folders.here().cache == tmp_path
    monkeypatch.delenv(CACHE_VARIABLE)
    assert Folders.here().cache == Folders.here().lab / "cache"


@pytest.mark.parametrize(
    ("targets", "mirror"),
    [
        (
            "http://mirror.test/debian-security/ bookworm-security main Debian\n"
            "http://mirror.test/debian/ bookworm contrib Debian\n"
            "http://mirror.test/debian/ bookworm main Debian\n",
            "http://mirror.test/debian",
        ),
        ("http://mirror.test/ubuntu/ noble main Ubuntu\n", None),
        ("http://vendor.test/apt/ stable main Vendor Inc.\nhttp://odd.test/ ./\n", None),
        ("", None),
    ],
    ids=["debian", "ubuntu", "third-party", "none"],
)
def test_the_mirror_is_the_machines_debian_archive(targets: str, mirror: str | None) -> None:
    assert mirror_in(targets) == mirror
