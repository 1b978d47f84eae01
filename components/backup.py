"""Where this stack's backups are kept: a bucket in its own MinIO, and the account by which the data server writes there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_minio as minio

from codeb import names
from components.server import Server


@dataclass(frozen=True)
class BackupArgs:
    """`keys` are the account's, by number: that which the data server has, and the one before."""

    data_server: Server
    keys: Mapping[int, str]

    def __repr__(self) -> str:
        return "BackupArgs([redacted])"


class Backup(pulumi.ComponentResource):
    """The bucket outlives the stack's program; its versions are what an object lock needs."""

    def __init__(self, name: str, args: BackupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("codeb:backup:Backup", name, None, opts)
        bundle = args.data_server.bundle
        bucket = minio.S3Bucket(
            f"{name}-bucket",
            bucket=names.BACKUP_BUCKET,
            acl="private",
            object_locking=True,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True, deleted_with=bundle),
        )
        opts = pulumi.ResourceOptions(parent=self, deleted_with=bundle, depends_on=[bucket])
        policy = minio.IamPolicy(f"{name}-policy", name=names.BACKUP_USER, policy=backup_policy(), opts=opts)
        for number, key in args.keys.items():
            suffix = "" if number == 1 else f"-{number}"
            secret = pulumi.Output.secret(key)
            user = minio.IamUser(
                f"{name}-user{suffix}", name=names.backup_user(number), secret=secret, opts=opts
            )
            minio.IamUserPolicyAttachment(
                f"{name}-access{suffix}", user_name=user.name, policy_name=policy.name, opts=opts
            )
        self.register_outputs({})


def backup_policy() -> str:
    """An IAM policy for all that backups do in their bucket, and for reading and writing objects of every other one.

    Others' objects are mirrored, and brought back; a project that leaves is saved a last time, so none is named here. In
    those no version can be deleted, which MinIO lets everybody who may delete objects unless it is denied. Not to change a
    bucket, and nothing of the admin API.
    """
    bucket, everything = f"arn:aws:s3:::{names.BACKUP_BUCKET}", "arn:aws:s3:::*"
    reads = [
        "s3:GetBucketLocation",
        "s3:GetBucketObjectLockConfiguration",
        "s3:GetBucketVersioning",
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
        "s3:ListBucketVersions",
        "s3:GetObject",
        "s3:GetObjectVersion",
    ]
    writes = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:PutObject"]
    statements = [
        {"Effect": "Allow", "Action": [*reads, *writes], "Resource": [everything]},
        {"Effect": "Allow", "Action": ["s3:DeleteObjectVersion"], "Resource": [f"{bucket}/*"]},
        {"Effect": "Deny", "Action": ["s3:DeleteObjectVersion"], "NotResource": [f"{bucket}/*"]},
        {"Effect": "Deny", "Action": ["admin:*"]},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
