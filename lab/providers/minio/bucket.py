"""`minio:index/s3Bucket:S3Bucket`, as in terraform-provider-minio 1.20.

As there, `acl: private` sets no policy and takes none away either.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from minio.deleteobjects import DeleteObject

from lab.providers.bridge.resource import BridgedResource
from lab.providers.bridge.schema import Attribute, Kind
from lab.providers.minio.client import MinioServer, NotThereError, doing
from lab.providers.minio.names import longest, unique_id
from lab.providers.minio.policies import ACLS, acl_policy, equivalent
from lab.providers.protocol import Properties, ProviderError

TYPE: Final = "minio:index/s3Bucket:S3Bucket"


class S3Bucket(BridgedResource):
    """A bucket with its acl and quota (bytes)."""

    completed = ("acl", "quota")
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "bucket": Attribute(
            computed=True, replaces=True, conflicts=("bucketPrefix",), valid=longest("bucket", 63)
        ),
        "bucketPrefix": Attribute(
            replaces=True, conflicts=("bucket",), valid=longest("bucket_prefix", 63 - 26)
        ),
        "forceDestroy": Attribute(Kind.BOOL, default=False),
        "acl": Attribute(default="private"),
        "quota": Attribute(Kind.INT, number_as_text=True),
        "objectLocking": Attribute(Kind.BOOL, default=False),
        "arn": Attribute(output_only=True),
        "bucketDomainName": Attribute(output_only=True),
    }

    def __init__(self, server: MinioServer) -> None:
        self._server = server

    def insert(self, wanted: Properties) -> str:
        name = str(wanted["bucket"] or unique_id(wanted["bucketPrefix"] or "terraform-"))
        with doing("unable to check bucket", name):
            exists = self._server.s3.bucket_exists(name)
        if exists:
            raise ProviderError(f"[FATAL] bucket already exists! ({name}): <nil>")
        with doing("unable to create bucket", name):
            self._server.s3.make_bucket(name, self._server.region, bool(wanted["objectLocking"]))
        return name

    def begun(self, wanted: Properties) -> str | None:
        name = wanted["bucket"]
        with doing("unable to check bucket", str(name)):
            return str(name) if name and self._server.s3.bucket_exists(name) else None

    def complete(self, id_: str, wanted: Properties) -> None:
        self._set_acl(id_, wanted)
        if wanted["quota"]:
            self._set_quota(id_, wanted)

    def alter(self, id_: str, old: Properties, wanted: Properties, changed: frozenset[str]) -> str:
        if "acl" in changed:
            self._set_acl(id_, wanted)
        if "quota" in changed:
            self._set_quota(id_, wanted)
        return id_

    def remove(self, id_: str, old: Properties) -> None:
        try:
            with doing("unable to remove bucket", id_):
                if old.get("forceDestroy") and self._server.s3.bucket_exists(id_):
                    self._empty(id_)
                self._server.s3.remove_bucket(id_)
        except NotThereError:
            return

    def fetch(self, id_: str, known: Properties) -> tuple[str, dict[str, Any]] | None:
        with doing("unable to find bucket", id_):
            if not self._server.s3.bucket_exists(id_):
                return None
        found = {
            "bucket": known.get("bucket") or id_,
            "arn": f"arn:aws:s3:::{id_}",
            "bucketDomainName": f"{self._server.url}/minio/{id_}",
        }
        return id_, found if known else found | self._imported(id_)

    def _imported(self, name: str) -> dict[str, Any]:
        """What is looked up for an import only; a refresh does not see a policy that someone else set."""
        try:
            with doing("error importing Minio S3 bucket policy", name):
                policy = self._server.s3.get_bucket_policy(name)
        except NotThereError:
            policy = ""
        try:
            with doing("error importing Minio S3 bucket", name):
                locking = bool(self._server.s3.get_object_lock_config(name))
        except NotThereError:
            locking = False
        acls = (acl for acl in ACLS if equivalent(json.dumps(acl_policy(acl, name)), policy))
        return {"acl": next(acls, "private"), "objectLocking": locking, "forceDestroy": False}

    def _empty(self, name: str) -> None:
        s3 = self._server.s3
        listed = s3.list_objects(name, recursive=True, include_version=True)
        doomed = (DeleteObject(item.object_name, item.version_id) for item in listed)
        for error in s3.remove_objects(name, doomed):
            raise ProviderError(f"[FATAL] unable to remove bucket ({name}): {error.name}: {error.message}")

    def _set_acl(self, name: str, wanted: Properties) -> None:
        with doing("unsupported ACL", str(wanted["acl"])):
            policy = acl_policy(str(wanted["acl"]), name)
        if policy is not None:
            with doing("unable to set bucket policy", name):
                self._server.s3.set_bucket_policy(name, json.dumps(policy))

    def _set_quota(self, name: str, wanted: Properties) -> None:
        with doing("unable to set bucket quota", name):
            self._server.admin.bucket_quota_set(name, int(wanted["quota"] or 0))
