"""`minio:index/s3BucketPolicy:S3BucketPolicy`: who may do what with a bucket without credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from lab.providers.bridge.resource import BridgedResource
from lab.providers.bridge.schema import Attribute
from lab.providers.minio.client import MinioServer, NotThereError, doing
from lab.providers.minio.policies import equivalent, invalid, normalized
from lab.providers.protocol import Properties

TYPE: Final = "minio:index/s3BucketPolicy:S3BucketPolicy"


class S3BucketPolicy(BridgedResource):
    """The policy of one bucket. Its state after an operation is what was given, not what the server says."""

    reads_back = False
    attributes: ClassVar[Mapping[str, Attribute]] = {
        "bucket": Attribute(required=True, replaces=True),
        "policy": Attribute(required=True, valid=invalid("policy"), suppress=equivalent),
    }

    def __init__(self, server: MinioServer) -> None:
        self._server = server

    def insert(self, wanted: Properties) -> str:
        bucket = str(wanted["bucket"])
        with doing("error putting bucket policy: %s", bucket):
            self._server.s3.set_bucket_policy(bucket, normalized(wanted["policy"]))
        return bucket

    def alter(self, id_: str, old: Properties, wanted: Properties, changed: frozenset[str]) -> str:
        return self.insert(wanted)

    def remove(self, id_: str, old: Properties) -> None:
        try:
            with doing("error deleting bucket", id_):
                self._server.s3.delete_bucket_policy(id_)
        except NotThereError:
            return

    def fetch(self, id_: str, known: Properties) -> tuple[str, dict[str, Any]] | None:
        try:
            with doing("failed to load bucket policy", id_):
                actual = self._server.s3.get_bucket_policy(id_)
        except NotThereError:
            return None
        recorded = known.get("policy") or ""
        policy = recorded if equivalent(recorded, actual) else actual
        return id_, {"bucket": id_, "policy": normalized(policy)}
