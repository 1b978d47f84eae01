"""A project's buckets in MinIO: what they keep, who may read them, and what the project's own keys may not do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import pulumi
import pulumi_minio as minio

from codeb.plan import BucketPlan

_NEVER: Final = (
    "s3:BypassGovernanceRetention",
    "s3:DeleteBucket",
    "s3:DeleteObjectVersion",
    "s3:ForceDeleteBucket",
    "s3:PutBucketVersioning",
    "s3:PutLifecycleConfiguration",
    "s3:PutObjectRetention",
    "s3:PutReplicationConfiguration",
)
"""What takes away for good what an app has overwritten or deleted by mistake, and what carries it elsewhere."""


def declare_buckets(
    name: str, buckets: Sequence[BucketPlan], *, keep_data: bool, opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """All buckets of the project `name`, with their rules."""
    return [made for plan in buckets for made in _bucket(name, plan, keep_data, opts)]


def _bucket(
    name: str, plan: BucketPlan, keep_data: bool, opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    bucket = minio.S3Bucket(
        f"{name}-bucket-{plan.suffix}",
        bucket=plan.name,
        acl="private",
        quota=plan.quota,
        force_destroy=None if keep_data else True,
        opts=opts,
    )
    made: list[pulumi.Resource] = [bucket]
    if plan.access == "public-read":
        # Not the bucket's acl: the provider never takes that back, and it lets anyone list the bucket.
        policy = public_read_policy(plan.name)
        made.append(
            minio.S3BucketPolicy(
                f"{name}-public-{plan.suffix}", bucket=bucket.bucket, policy=policy, opts=opts
            )
        )
    if plan.versions_days is not None:
        made.append(
            minio.S3BucketVersioning(
                f"{name}-versions-{plan.suffix}",
                bucket=bucket.bucket,
                versioning_configuration={"status": "Enabled"},
                opts=opts,
            )
        )
    if rules := bucket_rules(plan):
        made.append(
            minio.IlmPolicy(f"{name}-expiry-{plan.suffix}", bucket=bucket.bucket, rules=rules, opts=opts)
        )
    return made


def bucket_rules(plan: BucketPlan) -> list[minio.IlmPolicyRuleArgsDict]:
    """Lifecycle rules of a bucket: when objects expire, and what was overwritten or deleted goes for good."""
    rules: list[minio.IlmPolicyRuleArgsDict] = []
    if plan.expire_days is not None:
        rules.append({"id": "expire", "expiration": f"{plan.expire_days}d"})
    if plan.versions_days is not None:
        days = plan.versions_days
        rules.append(
            {"id": "versions", "expiration": "DeleteMarker", "noncurrent_version_expiration_days": days}
        )
    return rules


def storage_policy(buckets: Sequence[str]) -> str:
    """An IAM policy that allows an app all that it needs on these buckets and denies all of the admin API.

    MinIO lets every user make further keys for itself and change its own password unless that is denied. Temporary
    credentials (`AssumeRole`) it lets nobody deny: they are bound to this policy too, and gone with the user.
    """
    resources = [arn for bucket in buckets for arn in (f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*")]
    statements = [
        {"Effect": "Allow", "Action": ["s3:*"], "Resource": resources},
        {"Effect": "Deny", "Action": list(_NEVER), "Resource": resources},
        {"Effect": "Deny", "Action": ["admin:*"]},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def public_read_policy(bucket: str) -> str:
    """A bucket policy that lets anyone download objects whose names they know, and nothing else."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": ["*"]},
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/*"],
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
