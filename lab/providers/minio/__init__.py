"""Package `minio` 0.17 (terraform-provider-minio 1.20 behind Pulumi's bridge)."""

from __future__ import annotations

from lab.providers.bridge.provider import BridgedProvider
from lab.providers.minio import bucket, bucket_policy, iam, lifecycle, service_account, versioning
from lab.providers.minio.client import MinioServer
from lab.providers.protocol import Properties


class MinioProvider(BridgedProvider):
    """Buckets, users, policies and service accounts of one server."""

    def __init__(self, version: str | None) -> None:
        self._server = server = MinioServer()
        resources = {
            bucket.TYPE: bucket.S3Bucket(server),
            bucket_policy.TYPE: bucket_policy.S3BucketPolicy(server),
            lifecycle.TYPE: lifecycle.IlmPolicy(server),
            versioning.TYPE: versioning.S3BucketVersioning(server),
            iam.USER: iam.IamUser(server),
            iam.POLICY: iam.IamPolicy(server),
            iam.ATTACHMENT: iam.IamUserPolicyAttachment(server),
            service_account.TYPE: service_account.IamServiceAccount(server),
        }
        super().__init__("minio", version, resources)

    def configure(self, inputs: Properties) -> None:
        self._server.configure(inputs)

    def cancel(self) -> None:
        self._server.cancel()
