"""What rebuilds the platform, opened on a machine that has the root secret and keys that read: from a real MinIO."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from agent.host import paths
from agent.host.s3 import Place as Agents
from agent.real.s3 import RealS3
from agent.store.backups import signed
from codeb.age import age_identity, age_recipient
from codeb.secrets import RootSecret
from ops.cli import main
from ops.rebuild_platform import _sums, opened
from ops.second_place import Place, PlaceError, ReadingKeys, first_written
from tests.backup.accounts import LOCK, Accounts
from tests.backup.restoring import ask
from tests.backup.test_second_place import policy
from tests.minio import PASSWORD, USER
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.store.sealing import SEED, host_with_key, install, needs_age

pytestmark = needs_age
S3 = RealS3(pause=lambda _: None)
BUCKET = "codeb-elsewhere"
IDENTITY = age_identity(SEED)
STATE = json.dumps({"version": 3, "deployment": {"resources": []}})
CERTIFICATE = f"{paths.DATA}/caddy/data/caddy/certificates/ca/shop.example.com/shop.example.com.key"


@pytest.fixture(scope="module")
def second(accounts: Accounts) -> Agents:
    """The second place, by keys that can only put."""
    accounts.bucket(BUCKET, LOCK)
    return accounts.account("put-only-2", "secret of second", policy(BUCKET), BUCKET)


@pytest.fixture(scope="module")
def here(accounts: Accounts) -> Agents:
    return accounts.bucket("here-platform", LOCK)


@pytest.fixture
def host(tmp_path: Path, here: Agents, second: Agents) -> FakeHost:
    """A data server that has a certificate."""
    found = host_with_key(tmp_path)
    install(found, stores=[_store("here", here), _store("second", second)])
    found.s3 = S3  # type: ignore[assignment]
    found.time = datetime.now(UTC).timestamp()
    found.put(CERTIFICATE, "a key", 0o600)
    return found


def _store(name: str, place: Agents) -> dict[str, object]:
    return {
        "name": name, "endpoint": place.endpoint, "region": place.region, "bucket": place.bucket,
        "access_key": place.access_key, "secret_key": place.secret_key, "ca": place.ca,
    }  # fmt: skip


def part() -> str:
    """What another server has, as its agent tells it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as made:
        info = tarfile.TarInfo("var/lib/codeb/projects/blog.json")
        info.size = 2
        made.addfile(info, io.BytesIO(b"{}"))
    return base64.b64encode(out.getvalue()).decode()


@pytest.fixture
def reading(second: Agents) -> Place:
    return Place(second.endpoint, second.region, second.bucket, ReadingKeys(USER, PASSWORD), _pem(second))


def _pem(place: Agents) -> str:
    return Path(place.ca or "").read_text()


def test_state_histories_and_certificates_are_opened_whatever_a_thief_has_put_there(
    host: FakeHost, second: Agents, reading: Place, tmp_path: Path
) -> None:
    saved = ask(host, "platform", state=STATE, parts={"app-1": part()})
    assert saved["ok"], saved
    for key in [found.key for found in S3.objects(second, "platform/")]:
        S3.put(second, key, b"the thief's")
    S3.put(second, "platform/20991231T000000Z-0bad.json", b'{"mac": "0"}')
    S3.put(second, "platform/20991231T000000Z-0bad.tar.zst.age", b"x")
    for end, body in ((".json", b"[" * 200_000), (".tar.zst.age", b"x")):
        S3.put(second, f"platform/20991230T000000Z-0bad{end}", body)
    folder = tmp_path / "rebuilt"
    result = opened(reading, IDENTITY, folder)
    assert result.ok, result
    assert result.document["id"] == saved["id"]
    assert (folder / "state.json").read_text() == STATE
    assert (folder / "data-server" / CERTIFICATE[1:]).read_text() == "a key"
    assert (folder / "app-1/var/lib/codeb/projects/blog.json").read_text() == "{}"
    modes = {path.stat().st_mode & 0o077 for path in (folder, *folder.rglob("*"))}
    assert modes == {0}, "it is this user's alone"
    assert "pulumi stack import --file" in result.lines[1]
    assert "20991231T000000Z-0bad: was not written with this stack's key" in result.problems[0]
    assert "20991230T000000Z-0bad: is no document of this stack's" in result.problems[1]
    assert opened(reading, IDENTITY, folder).problems[0].endswith("name a folder that is new, or empty")


def test_the_newest_before_a_moment_is_taken(host: FakeHost, reading: Place, tmp_path: Path) -> None:
    host.time -= 86_400  # the bucket has those of other tests
    first = ask(host, "platform", state=STATE)
    host.time += 60
    assert ask(host, "platform", state=STATE)["ok"]
    before = datetime.fromtimestamp(host.time - 30, UTC)
    assert opened(reading, IDENTITY, tmp_path / "rebuilt", before).document["id"] == first["id"]
    nothing = opened(reading, IDENTITY, tmp_path / "nothing", datetime(2020, 1, 1, tzinfo=UTC))
    assert "has nothing of 2020-01-01 00:00:00 UTC or before" in nothing.problems[0]


def test_another_root_secret_opens_nothing(host: FakeHost, reading: Place, tmp_path: Path) -> None:
    assert ask(host, "platform")["ok"]
    result = opened(reading, age_identity(bytes(32)), tmp_path / "rebuilt")
    assert not result.ok
    assert "the root secret is another one" in " ".join(result.problems)
    assert not (tmp_path / "rebuilt").exists()


def test_keys_that_can_not_read_and_a_place_that_is_away_are_said(
    host: FakeHost, second: Agents, reading: Place, tmp_path: Path
) -> None:
    assert ask(host, "platform")["ok"]
    puts = replace(reading, keys=ReadingKeys(second.access_key, second.secret_key))
    refused = opened(puts, IDENTITY, tmp_path / "rebuilt")
    assert "AccessDenied" in refused.problems[0]
    assert second.secret_key not in " ".join(refused.problems)
    with pytest.raises(PlaceError, match="InvalidAccessKeyId"):
        first_written(replace(reading, keys=ReadingKeys("nobody", "x")), "platform/")
    with pytest.raises(PlaceError, match="NoSuchBucket"):
        first_written(replace(reading, bucket="not-there"), "platform/")


def test_what_the_agent_signs_is_what_is_checked_here(tmp_path: Path) -> None:
    host = host_with_key(tmp_path)
    plain = {"id": "20261128T000000Z-00aa", "sha256": "a", "plain_sha256": "ü"}
    assert _sums(signed(host.ports(), plain), IDENTITY + "\n", plain["id"]) == {
        "sha256": "a",
        "plain_sha256": "ü",
    }


def test_the_command_takes_the_root_secret_from_a_file_and_the_place_from_the_settings(
    tmp_path: Path,
    here: Agents,
    second: Agents,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    secret = "a root secret of this test, long enough 0123456789"
    seed = RootSecret(secret).seed("backup/key")[:32]
    host = host_with_key(tmp_path, seed)
    stores = [_store("here", here), _store("second", second)]
    install(host, stores=stores, recipient=age_recipient(seed))
    host.s3 = S3  # type: ignore[assignment]
    host.time = datetime.now(UTC).timestamp() + 600
    assert ask(host, "platform", state=STATE)["ok"]
    root, keys = tmp_path / "root", tmp_path / "keys.json"
    root.write_text(f"{secret}\n")
    keys.write_text(json.dumps({"accessKey": USER, "secretKey": PASSWORD.replace(" ", "_")}))
    for file in (root, keys):
        file.chmod(0o600)
    place = {"endpoint": second.endpoint, "bucket": second.bucket, "ca": _pem(second)}
    server = {"name": "data-1", "address": "10.0.0.1", "knownHostsFile": "known_hosts"}
    config = {"codeb:domain": "example.com", "codeb:servers": [server], "codeb:backup": {"second": place}}
    (tmp_path / "Pulumi.live.yaml").write_text(yaml.safe_dump({"config": config}))
    monkeypatch.chdir(tmp_path)
    line = [
        "rebuild",
        "platform",
        "--to",
        "rebuilt",
        "--keys",
        "keys.json",
        "--root-secret",
        "root",
        "--stack",
        "live",
    ]
    assert main(line) == 1, "these keys are none"
    assert "SignatureDoesNotMatch" in capsys.readouterr().err
    keys.write_text(json.dumps({"accessKey": USER, "secretKey": PASSWORD}))
    assert main(line) == 0, capsys.readouterr().err
    assert json.loads(Path("rebuilt/state.json").read_text()) == json.loads(STATE)
    assert secret not in capsys.readouterr().out
