"""The account of backups on a real MinIO: what its policy lets it do, and what not."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.host.s3 import Place, StoreError
from agent.real.s3 import RealS3
from agent.real.s3_link import Link
from codeb import names
from components.backup import backup_policy
from lab.host.paths import Folders
from tests.minio import PASSWORD, USER, Minio, minio_server

S3 = RealS3(pause=lambda _: None)
SECRET = "secret of backups"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The bucket as `components.backup` makes it, by its own account; beside it is another bucket."""
    built = sorted(Folders.here().cache.glob("minio-*/mc"))
    mc = shutil.which("mc") or (str(built[-1]) if built else None)
    if mc is None:
        pytest.skip("needs MinIO's client: on the PATH, or as built by `make lab`")
    home = tmp_path_factory.mktemp("mc")
    with minio_server() as server:
        admin = _place(server, USER, PASSWORD)
        for bucket, headers in (
            (names.BACKUP_BUCKET, {"x-amz-bucket-object-lock-enabled": "true"}),
            ("shop-files", {}),
        ):
            link = Link(replace(admin, bucket=bucket))
            link.ask("PUT", headers=headers)
            link.close()
        (home / "policy.json").write_text(backup_policy())
        for words in (
            ["alias", "set", "tests", f"https://127.0.0.1:{server.port}", USER, PASSWORD],
            ["admin", "user", "add", "tests", names.BACKUP_USER, SECRET],
            ["admin", "policy", "create", "tests", "backups", str(home / "policy.json")],
            ["admin", "policy", "attach", "tests", "backups", "--user", names.BACKUP_USER],
        ):
            line = [mc, "--quiet", "--insecure", "--config-dir", str(home / "config"), *words]
            subprocess.run(line, check=True, capture_output=True, env={"HOME": str(home)})
        yield _place(server, names.BACKUP_USER, SECRET)


def _place(server: Minio, user: str, secret: str) -> Place:
    certificate: Path = server.certificate
    return Place(
        f"https://127.0.0.1:{server.port}", "us-east-1", names.BACKUP_BUCKET, user, secret, str(certificate)
    )


def test_it_does_all_that_a_backup_takes(account: Place) -> None:
    S3.upload(account, "database/shop/large", (bytes(1 << 20) for _ in range(20)))
    S3.put(account, "database/shop/small", b"x")
    S3.put(account, "database/shop/small", b"y")
    assert len(b"".join(S3.get(account, "database/shop/large"))) == 20 << 20
    assert [found.key for found in S3.objects(account, "database/")] == [
        "database/shop/large",
        "database/shop/small",
    ]
    found = list(S3.versions(account, "database/shop/small"))
    assert len(found) == 2
    for each in found:
        S3.delete(account, each.key, each.version)
    assert not list(S3.versions(account, "database/shop/small"))


def test_it_reads_nothing_of_a_project(account: Place) -> None:
    other = replace(account, bucket="shop-files")
    for action in (lambda: list(S3.objects(other, "")), lambda: S3.put(other, "x", b"x")):
        with pytest.raises(StoreError) as caught:
            action()
        assert caught.value.kind == "refused"


@pytest.mark.parametrize(
    ("method", "query", "body"),
    [
        ("DELETE", {}, b""),
        (
            "PUT",
            {"versioning": ""},
            b"<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>",
        ),
        ("PUT", {"lifecycle": ""}, b"<LifecycleConfiguration></LifecycleConfiguration>"),
        ("PUT", {"policy": ""}, b"{}"),
    ],
)
def test_it_cannot_change_the_bucket_itself(
    account: Place, method: str, query: dict[str, str], body: bytes
) -> None:
    link = Link(account, pause=lambda _: None)
    with pytest.raises(StoreError, match="AccessDenied"):
        link.ask(method, query=query, body=body)
    link.close()
