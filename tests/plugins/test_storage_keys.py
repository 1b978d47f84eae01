"""What an app can do with all that it has of MinIO: the attack of CVE-2025-62506 and its kin, on a real server.

Two kinds of key play it, and what the second can make of itself: a service account of the administrator with an inline
policy, which projects had once, and a user of the project's own with a policy attached, which they have. The first depends
on what the server checks (before RELEASE.2025-10-15T17-29-55Z it made itself a key without limits); whatever the second made
would be limited as it is.
"""

from __future__ import annotations

import io
import json
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
import urllib3
from minio import Minio
from minio.commonconfig import Filter
from minio.credentials.providers import AssumeRoleProvider, StaticProvider
from minio.deleteobjects import DeleteObject
from minio.error import MinioAdminException, S3Error
from minio.lifecycleconfig import Expiration, LifecycleConfig, Rule
from minio.versioningconfig import VersioningConfig

from components.buckets import storage_policy
from lab.providers.minio import bucket, iam, service_account
from lab.providers.minio.client import Admin
from tests.plugins.client import Plugin
from tests.plugins.life import make, remove
from tests.plugins.store import admin

OWN, OTHER = "attacker-uploads", "victim-uploads"

REFUSED = ("403", "AccessDenied", "Access Denied", "XMinioInvalidIAMCredentials")
"""The last: temporary credentials are no account whose limits could be changed."""


@dataclass(frozen=True)
class Key:
    """A key, and every way to use it."""

    config: dict[str, str]
    access: str
    secret: str
    token: str | None = None

    @property
    def _pool(self) -> urllib3.PoolManager:
        context = ssl.create_default_context(cafile=self.config["minioCacertFile"])
        return urllib3.PoolManager(ssl_context=context, retries=False)

    @property
    def store(self) -> Minio:
        credentials = StaticProvider(self.access, self.secret, self.token)
        server = self.config["minioServer"]
        return Minio(server, credentials=credentials, region="us-east-1", http_client=self._pool)

    @property
    def admin(self) -> Admin:
        credentials = StaticProvider(self.access, self.secret, self.token)
        server = self.config["minioServer"]
        return Admin(endpoint=server, credentials=credentials, region="us-east-1", http_client=self._pool)

    def assume(self) -> Key:
        """Temporary credentials for what this key may do."""
        got = AssumeRoleProvider(
            sts_endpoint=f"https://{self.config['minioServer']}",
            access_key=self.access,
            secret_key=self.secret,
            region="us-east-1",
            http_client=self._pool,
        ).retrieve()
        return Key(self.config, got.access_key, got.secret_key, got.session_token)

    def another(self, of: str = "") -> Key:
        """A key without a policy of its own, of the user that this one belongs to."""
        made = self.admin.add_service_account_for(of, {})
        return Key(self.config, made["accessKey"], made["secretKey"])


@pytest.fixture(scope="module")
def buckets(minio: Plugin) -> Iterator[None]:
    made = [make(minio, bucket.TYPE, bucket=name, acl="private", forceDestroy=True) for name in (OWN, OTHER)]
    yield
    for inputs, state in made:
        remove(minio, bucket.TYPE, inputs, state)


@pytest.fixture
def of_the_administrator(minio: Plugin, minio_config: dict[str, str], buckets: None) -> Iterator[Key]:
    policy = json.dumps({
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["s3:*"], "Resource": [f"arn:aws:s3:::{OWN}", f"arn:aws:s3:::{OWN}/*"]}
        ],
    })  # fmt: skip
    inputs, state = make(minio, service_account.TYPE, targetUser="labadmin", policy=policy)
    yield Key(minio_config, state.id, state.outputs["secretKey"])
    remove(minio, service_account.TYPE, inputs, state)


@pytest.fixture
def of_its_own(minio: Plugin, minio_config: dict[str, str], buckets: None) -> Iterator[Key]:
    """As `components.project` declares it."""
    made = [
        (iam.USER, *make(minio, iam.USER, name="attacker", secret="a secret of its own")),
        (iam.POLICY, *make(minio, iam.POLICY, name="attacker", policy=storage_policy([OWN]))),
        (iam.ATTACHMENT, *make(minio, iam.ATTACHMENT, userName="attacker", policyName="attacker")),
    ]
    yield Key(minio_config, "attacker", "a secret of its own")
    for type_, inputs, state in reversed(made):
        remove(minio, type_, inputs, state)


@pytest.fixture
def temporary(of_its_own: Key) -> Key:
    """What a user gets who asks for its own role: MinIO has no way to deny that."""
    return of_its_own.assume()


@pytest.fixture(params=["of_the_administrator", "of_its_own", "temporary"])
def key(request: pytest.FixtureRequest) -> Key:
    found: Key = request.getfixturevalue(request.param)
    return found


ATTACKS: dict[str, Callable[[Key], object]] = {
    "another key of its user": lambda key: key.another(),
    "a key of the administrator": lambda key: key.another("labadmin"),
    "another project's objects": lambda key: list(key.store.list_objects(OTHER)),
    "an object of another project's": lambda key: key.store.put_object(OTHER, "a", io.BytesIO(b"x"), 1),
    "another project's policy": lambda key: key.store.set_bucket_policy(OTHER, storage_policy([OTHER])),
    "a bucket of a new name": lambda key: key.store.make_bucket("attacker-more"),
    "the server": lambda key: key.admin.info(),
    "all users": lambda key: key.admin.user_list(),
    "a user": lambda key: key.admin.user_add("accomplice", "accomplice secret"),
    "a policy": lambda key: key.admin.policy_add("attacker", policy=json.loads(storage_policy([OTHER]))),
    "the administrator's keys": lambda key: key.admin.list_service_account("labadmin"),
    "its own key's limits": lambda key: key.admin.update_service_account(
        access_key=key.access, policy=json.loads(storage_policy([OTHER]))
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_project_s_key_opens_nothing_but_its_own_buckets(key: Key, attack: str) -> None:
    with pytest.raises((S3Error, MinioAdminException)) as refused:
        ATTACKS[attack](key)
    assert any(word in str(refused.value) for word in REFUSED), refused.value


def test_a_user_of_its_own_uses_its_bucket(of_its_own: Key) -> None:
    store = of_its_own.store
    store.put_object(OWN, "a", io.BytesIO(b"x"), 1)
    assert [item.object_name for item in store.list_objects(OWN)] == ["a"]
    store.remove_object(OWN, "a")


FOR_GOOD: dict[str, Callable[[Minio], object]] = {
    "no more versions": lambda store: store.set_bucket_versioning(OWN, VersioningConfig("Suspended")),
    "a version": lambda store: store.remove_object(OWN, "kept", version_id=_version(store)),
    "many versions": lambda store: _all_gone(store),
    "a rule by which they go": lambda store: store.set_bucket_lifecycle(
        OWN, LifecycleConfig([Rule("Enabled", rule_filter=Filter(prefix=""), expiration=Expiration(days=1))])
    ),
    "the bucket": lambda store: store.remove_bucket(OWN),
}


@pytest.mark.parametrize("attack", FOR_GOOD)
def test_a_user_of_its_own_deletes_nothing_for_good(
    of_its_own: Key, minio_config: dict[str, str], attack: str
) -> None:
    owner = admin(minio_config)
    owner.set_bucket_versioning(OWN, VersioningConfig("Enabled"))
    try:
        of_its_own.store.put_object(OWN, "kept", io.BytesIO(b"kept"), 4)
        with pytest.raises((S3Error, RuntimeError), match=r"Access ?Denied"):
            FOR_GOOD[attack](of_its_own.store)
        of_its_own.store.put_object(OWN, "kept", io.BytesIO(b"over"), 4)
        of_its_own.store.remove_object(OWN, "kept")
        found = [
            owner.get_object(OWN, "kept", version_id=item.version_id).data
            for item in owner.list_objects(OWN, prefix="kept", include_version=True)
            if not item.is_delete_marker
        ]
        assert found == [b"over", b"kept"]
    finally:
        for item in list(owner.list_objects(OWN, include_version=True)):
            owner.remove_object(OWN, item.object_name, version_id=item.version_id)


def _version(store: Minio) -> str:
    return str(next(store.list_objects(OWN, prefix="kept", include_version=True)).version_id)


def _all_gone(store: Minio) -> None:
    for error in store.remove_objects(OWN, [DeleteObject("kept", _version(store))]):
        raise RuntimeError(f"{error.code}: {error.message}")


def test_a_user_of_its_own_cannot_change_its_password(of_its_own: Key) -> None:
    with pytest.raises(MinioAdminException, match="AccessDenied"):
        of_its_own.admin.user_add(of_its_own.access, "another secret")


def test_a_user_that_is_gone_takes_along_what_it_had_made(
    minio: Plugin, minio_config: dict[str, str], buckets: None
) -> None:
    """Keys from a time when nothing was denied."""
    user_inputs, user = make(minio, iam.USER, name="former", secret="a former secret")
    policy_inputs, policy = make(
        minio,
        iam.POLICY,
        name="former",
        policy=json.dumps({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": ["s3:*"], "Resource": [f"arn:aws:s3:::{OWN}"]}],
        }),
    )  # fmt: skip
    attached = make(minio, iam.ATTACHMENT, userName="former", policyName="former")
    key = Key(minio_config, "former", "a former secret")
    left = [key.another(), key.assume()]
    for one in left:
        assert list(one.store.list_objects(OWN)) == []
    remove(minio, iam.ATTACHMENT, *attached)
    remove(minio, iam.USER, user_inputs, user)
    remove(minio, iam.POLICY, policy_inputs, policy)
    for one in left:
        with pytest.raises(S3Error, match=r"InvalidAccessKeyId|InvalidTokenId|AccessDenied"):
            list(one.store.list_objects(OWN))


@pytest.mark.xfail(
    strict=True,
    reason="CVE-2026-41145: the last open MinIO, which the lab builds, has it; such images are refused (codeb.model)",
)
def test_a_key_s_name_without_its_secret_opens_nothing(minio_config: dict[str, str], buckets: None) -> None:
    now = datetime.now(UTC)
    query = urlencode({
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{minio_config['minioUser']}/{now:%Y%m%d}/us-east-1/s3/aws4_request",
        "X-Amz-Date": f"{now:%Y%m%dT%H%M%SZ}",
        "X-Amz-Expires": "60",
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Signature": "0" * 64,
    })  # fmt: skip
    context = ssl.create_default_context(cafile=minio_config["minioCacertFile"])
    answer = urllib3.PoolManager(ssl_context=context, retries=False).request(
        "PUT",
        f"https://{minio_config['minioServer']}/{OTHER}/forged?{query}",
        body=b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
        headers={
            "X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "X-Amz-Decoded-Content-Length": "5",
            "X-Amz-Trailer": "x-amz-checksum-crc32",
            "Content-Encoding": "aws-chunked",
        },
    )
    assert answer.status == 403


def test_a_key_and_the_one_before_do_the_same_until_the_old_one_goes(
    minio: Plugin, minio_config: dict[str, str], buckets: None
) -> None:
    """As `components.project` declares a rotation: users of two numbers with one policy."""
    policy = make(minio, iam.POLICY, name="rotating", policy=storage_policy([OWN]))
    made = {}
    for name in ("rotating", "rotating.2"):
        user = make(minio, iam.USER, name=name, secret=f"a secret of {name}")
        made[name] = (user, make(minio, iam.ATTACHMENT, userName=name, policyName="rotating"))
    old, new = (Key(minio_config, name, f"a secret of {name}") for name in made)
    for key, other in ((old, new), (new, old)):
        key.store.put_object(OWN, "shared", io.BytesIO(b"x"), 1)
        assert other.store.get_object(OWN, "shared").read() == b"x"
        with pytest.raises(S3Error, match="Access Denied"):
            key.store.put_object(OTHER, "shared", io.BytesIO(b"x"), 1)
    user, attachment = made["rotating"]
    remove(minio, iam.ATTACHMENT, *attachment)
    remove(minio, iam.USER, *user)
    assert new.store.get_object(OWN, "shared").read() == b"x"
    with pytest.raises(S3Error, match="InvalidAccessKeyId"):
        old.store.get_object(OWN, "shared")
    user, attachment = made["rotating.2"]
    for type_, (inputs, state) in ((iam.ATTACHMENT, attachment), (iam.USER, user), (iam.POLICY, policy)):
        remove(minio, type_, inputs, state)
