"""The verb `certificates` on a host in memory; on real file systems that hang: tests/certificates."""

from __future__ import annotations

from typing import Any

import pytest

from agent.host import commands
from agent.host.ports import Result
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.verbs import call, new_host

FOLDER = "/var/lib/codeb/certificates"
DOCUMENT = {
    "version": 1,
    "share": "/mnt/certificates",
    "folder": FOLDER,
    "own": "/srv/codeb/caddy/data/caddy",
}
FILE = "certificates/acme/a.test/a.test.crt"
LISTED = f"{FILE} 900 1700000000.5"
CUT = commands.cut_off(f"{FOLDER}/shared")


def host(*mounted: str, shows: str = LISTED, copied: str = LISTED) -> FakeHost:
    """A host with these mounts, whose share and copy hold what is listed."""
    made = new_host()
    made.put(
        "/proc/self/mountinfo", "".join(f"36 25 0:31 / {path} rw - fuse bindfs rw\n" for path in mounted)
    )
    for folder, text in (("shared", shows), ("copy", copied)):
        made.answers[" ".join(commands.files_below(f"{FOLDER}/{folder}", "certificates"))] = Result(
            0, out=text
        )
    made.answers[" ".join(commands.entries(f"{FOLDER}/shared"))] = Result(0, out="certificates\n")
    made.put(f"{FOLDER}/copy/{FILE}", "pem")
    return made


def look(host: FakeHost) -> tuple[int, dict[str, Any]]:
    code, answer, _ = call(host.ports(), "certificates", DOCUMENT)
    return code, answer


def now(host: FakeHost) -> str | None:
    return host.links.get(f"{FOLDER}/now")


BOTH = ("/mnt/certificates", f"{FOLDER}/shared")


def test_a_share_within_reach_is_what_caddy_uses() -> None:
    here = host(*BOTH)
    assert look(here) == (0, {"ok": True, "certificates": 1, "copied": False})
    assert now(here) == "shared"
    assert CUT not in here.calls


def test_a_share_that_is_not_mounted_is_never_asked() -> None:
    here = host()
    code, answer = look(here)
    assert (code, answer["phase"], now(here)) == (1, "certificates", "copy")
    assert "nothing is mounted at /mnt/certificates" in answer["cause"]
    assert "findmnt /mnt/certificates" in answer["remedy"]
    assert not any("/mnt/certificates" in " ".join(words) for words in here.calls)


def test_a_share_that_gives_no_answer_is_cut_off_and_the_copy_used() -> None:
    here = host(*BOTH)
    here.links[f"{FOLDER}/now"] = "shared"
    here.answers[" ".join(commands.files_below(f"{FOLDER}/shared", "certificates"))] = Result(
        124, err="find did not end within 5 s"
    )
    code, answer = look(here)
    assert (code, now(here)) == (1, "copy")
    assert "find did not end within 5 s" in answer["cause"]
    assert CUT in here.calls
    assert "certificates: Caddy uses the copy ones from now on" in here.journal


def test_a_second_program_is_not_left_waiting_behind_the_first() -> None:
    """What hangs keeps the lock; flock's word is that the share gives no answer."""
    here = host("/mnt/certificates")
    asked = commands.alone("/var/lib/codeb/share.lock", ["mkdir", "--parents", "/mnt/certificates/caddy"])
    here.answers[" ".join(asked)] = Result(1)
    assert look(here)[0] == 1
    assert not any(words[:2] == ["systemctl", "restart"] for words in here.calls)
    assert now(here) == "copy"


@pytest.mark.parametrize("runs", [True, False], ids=["caddy-runs", "caddy-is-down"])
def test_caddy_begins_anew_what_it_gave_up_once_the_share_is_back(runs: bool) -> None:
    here = host()
    here.answers[" ".join(commands.show("caddy.service"))] = Result(
        0, out=f"ActiveState={'active' if runs else 'inactive'}\n"
    )
    look(here)
    here.put("/proc/self/mountinfo", "".join(f"36 25 0:31 / {path} rw - fuse x rw\n" for path in BOTH))
    here.answers[" ".join(commands.CADDY_RELOAD_ALL_THE_SAME)] = Result(0)
    assert look(here)[0] == 0
    assert (commands.CADDY_RELOAD_ALL_THE_SAME in here.calls) is runs
    here.calls.clear()
    look(here)
    assert commands.CADDY_RELOAD_ALL_THE_SAME not in here.calls, "once"


def test_what_changes_just_now_is_copied_by_the_next_look() -> None:
    here = host(*BOTH, copied="")
    here.answers[" ".join(commands.files_below(f"{FOLDER}/shared", "certificates"))] = Result(
        0, out=f"{FILE} 900 {here.time - 1}"
    )
    assert look(here)[1]["copied"] is False
    assert not any(words[0] == "cp" for words in here.calls)


@pytest.mark.parametrize("key", ["share", "folder", "own"])
def test_a_document_without_places_is_refused(key: str) -> None:
    code, answer, _ = call(new_host().ports(), "certificates", {**DOCUMENT, key: "relative"})
    assert (code, answer["phase"]) == (2, "document")


def test_a_share_whose_certificates_are_all_gone_is_not_filled_again() -> None:
    here = host(*BOTH, shows="", copied="")
    here.put("/srv/codeb/caddy/data/caddy/certificates/acme/old.test/old.test.crt", "pem")
    assert look(here) == (0, {"ok": True, "certificates": 0, "copied": False})
    assert not any(words[0] in ("mktemp", "cp", "mv") for words in here.calls)
