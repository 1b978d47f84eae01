"""What rebuilds the platform: what is in it, that it comes back, where it is, and how long it stays."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from agent import cli
from agent.backup import belongings
from agent.host import paths
from agent.host.ports import Entry
from agent.host.s3 import StoreError
from agent.report.backups import backup_problems
from agent.store.backups import verified
from agent.store.sealed import Damaged, opened
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.store.sealing import HERE, SECOND, host_with_key, install, needs_age

pytestmark = needs_age
DAY = 86_400
STATE = json.dumps(
    {"version": 3, "deployment": {"resources": [], "secrets_providers": {"type": "passphrase"}}}
)
ACME = "/srv/codeb/caddy/data/caddy/acme/ca/users/ops@example.com/ops.json"
KEY = "/srv/codeb/caddy/data/caddy/certificates/ca/shop.example.com/shop.example.com.key"
IAM = "/srv/codeb/minio/.minio.sys/config/iam/users/shop/identity.json/xl.meta"
RECORD = "/var/lib/codeb/projects/shop.json"
BELONGS = (ACME, KEY, IAM, RECORD)
OTHERS = (
    "/etc/codeb/secrets/minio-admin",
    "/var/lib/codeb/projects/shop.lock",
    "/var/lib/codeb/outbox/1.json",
    "/srv/codeb/caddy/data/caddy/locks/x",
    "/srv/codeb/minio/shop-files/face.png/xl.meta",
)


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    found = host_with_key(tmp_path)
    install(found)
    for path in (*BELONGS, *OTHERS):
        found.put(path, f"content of {path}", 0o600)
    return found


def ask(host: FakeHost, verb: str = "platform", **document: object) -> dict[str, Any]:
    out, err = io.StringIO(), io.StringIO()
    cli.run(host.ports(), verb, json.dumps(document), out, err, "admin@10.0.0.1")
    return {**json.loads(out.getvalue().splitlines()[-1]), "stderr": err.getvalue()}


def kept(host: FakeHost, place: Any = HERE) -> list[str]:
    return [found.key for found in host.s3.objects(place, "platform/")]


def content(host: FakeHost, answer: dict[str, Any], place: Any = HERE) -> dict[str, bytes]:
    key = f"platform/{answer['id']}.tar.zst.age"
    packed = b"".join(opened(host.ports(), place, key, plain_sha256=answer["plain_sha256"]))
    return unpacked(packed)


def unpacked(packed: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        return {f"/{each.name}": tar.extractfile(each).read() for each in tar}  # type: ignore[union-attr]


def test_records_certificates_and_accounts_come_back_from_every_store(host: FakeHost) -> None:
    answer = ask(host)
    assert answer["ok"], answer
    assert answer["stores"] == ["here", "second"]
    for place in (HERE, SECOND):
        found = content(host, answer, place)
        assert {path: found.get(path) for path in BELONGS} == {
            path: f"content of {path}".encode() for path in BELONGS
        }
        assert not set(OTHERS) & set(found)
        document = b"".join(host.s3.get(place, f"platform/{answer['id']}.json"))
        assert verified(host.ports(), document)["state"] is False


def test_modes_and_owners_are_in_it(host: FakeHost) -> None:
    host.files[IAM] = Entry(b"x", 0o640, "1000:1000")
    with tarfile.open(fileobj=io.BytesIO(belongings.tar_of(host.ports()))) as tar:
        found = {f"/{each.name}": each for each in tar}
    assert (found[IAM].mode, found[IAM].uid, found[IAM].gid) == (0o640, 1000, 1000)
    assert (found[RECORD].mode, found[RECORD].uname) == (0o600, "root")


def test_nothing_of_it_can_be_read_in_a_store(host: FakeHost) -> None:
    ask(host, state=STATE)
    for bucket in ("backup", "elsewhere"):
        for found, body in host.s3.versions_of[bucket]:
            assert b"content of" not in body
            assert b"resources" not in body
            assert "shop" not in found.key


def test_a_state_that_was_brought_along_is_in_every_later_one(host: FakeHost) -> None:
    part = base64.b64encode(b"tar of web1").decode()
    assert ask(host, state=STATE, parts={"web1": part})["servers"] == ["web1"]
    host.time += DAY
    later = ask(host, by="timer")
    assert (later["state"], later["servers"]) == (True, ["web1"])
    found = content(host, later)
    assert found["/var/lib/codeb/platform/state.json"].decode() == STATE
    assert found["/var/lib/codeb/platform/web1.tar.gz"] == b"tar of web1"
    assert host.files["/var/lib/codeb/platform/state.json"].mode == 0o600


def test_what_a_server_had_that_is_no_more_goes_with_the_next_state(host: FakeHost) -> None:
    part = base64.b64encode(b"x").decode()
    ask(host, state=STATE, parts={"web1": part, "web2": part})
    host.time += DAY
    assert ask(host, state=STATE, parts={"web2": part})["servers"] == ["web2"]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"state": "{}"}, "is no export of a stack"),
        ({"state": "hunter2"}, "is no export of a stack"),
        ({"parts": {"../../etc/x": "eA=="}}, "has a name that no server has"),
        ({"parts": {"web1": "not base64 hunter2"}}, "is not base64"),
        ({"parts": {"web1": 7}}, "must be a string"),
    ],
)
def test_what_is_none_of_it_is_refused_and_nothing_is_touched(
    host: FakeHost, document: dict[str, Any], words: str
) -> None:
    answer = ask(host, **document)
    assert words in answer["cause"]
    assert "hunter2" not in answer["cause"] + answer["stderr"]
    assert not kept(host)
    assert not [path for path in host.files if path.startswith(paths.PLATFORM)]


def test_a_second_place_that_is_away_is_said_here_and_by_doctor(host: FakeHost) -> None:
    host.s3.refuses["elsewhere"] = StoreError("unreachable", "elsewhere gave no answer in time")
    answer = ask(host)
    assert (answer["ok"], answer["stores"]) == (False, ["here"])
    assert answer["problem"] == "not in second: elsewhere gave no answer in time"
    assert "the platform's own backup is not in second: elsewhere gave no answer in time" in [
        problem.what for problem in backup_problems(host.ports())
    ]


def test_one_that_is_late_is_said_by_doctor_and_a_new_host_is_not(host: FakeHost) -> None:
    def said() -> list[str]:
        return [each.what for each in backup_problems(host.ports()) if "platform" in each.what]

    assert said() == []
    ask(host)
    assert said() == []
    host.time += 3 * DAY
    (line,) = said()
    assert line.startswith("the platform's own backup is late: the last one is of ")


def test_those_older_than_a_month_go_and_the_newest_never(host: FakeHost) -> None:
    first = ask(host)
    host.time += 29 * DAY
    ask(host)
    assert len(kept(host)) == 4
    host.time += 2 * DAY
    assert ask(host)["pruned"] == [first["id"]]
    host.time += 400 * DAY
    last = ask(host)
    assert kept(host) == [f"platform/{last['id']}.json", f"platform/{last['id']}.tar.zst.age"]
    assert len(kept(host, SECOND)) == 8, "the second place keeps what it was given"


def test_a_store_that_takes_nothing_fails_it(host: FakeHost) -> None:
    host.s3.refuses["backup"] = StoreError("full", "backup refused with XMinioStorageFull")
    answer = ask(host)
    assert (answer["phase"], answer["cause"]) == ("store", "backup refused with XMinioStorageFull")


def test_another_stack_can_not_open_it(host: FakeHost, tmp_path: Path) -> None:
    answer = ask(host)
    (tmp_path / "other").mkdir()
    stranger = host_with_key(tmp_path / "other", bytes(32))
    stranger.s3 = host.s3
    with pytest.raises(Damaged, match="another key"):
        content(stranger, answer)


def test_a_server_without_data_hands_its_own_over(host: FakeHost) -> None:
    answer = ask(host, "belongings")
    found = unpacked(base64.b64decode(answer["tar"]))
    assert set(BELONGS) <= set(found)
    assert "/var/lib/codeb/projects/shop.lock" not in found


def test_more_than_belongs_there_is_refused(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(belongings, "_MOST", 100)
    answer = ask(host)
    assert answer["phase"] == "gather"
    assert not kept(host)
