"""Access policies: those behind a bucket's `acl`, and when two policies say the same."""

from __future__ import annotations

import json
from typing import Any, Final

ACLS: Final = ("private", "public-write", "public-read", "public-read-write", "public")
_ARN: Final = "arn:aws:s3:::"
_VERSION: Final = "2012-10-17"
_LIST: Final = ("s3:ListBucket",)
_ALL: Final = (
    "s3:AbortMultipartUpload",
    "s3:CreateBucket",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:DeleteObject",
    "s3:GetBucketLocation",
    "s3:GetBucketNotification",
    "s3:GetBucketPolicy",
    "s3:GetObject",
    "s3:HeadBucket",
    "s3:ListAllMyBuckets",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:ListMultipartUploadParts",
    "s3:ListenBucketNotification",
    "s3:PutBucketNotification",
    "s3:PutBucketPolicy",
    "s3:PutObject",
)
_WRITE: Final = ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:PutObject")
EMPTY: Final = {"Version": "", "Statement": None}
"""What a service account without a policy of its own is made with: it may do what its user may."""


def acl_policy(acl: str, bucket: str) -> dict[str, Any] | None:
    """The bucket policy that an `acl` stands for; None for `private`, which sets none.

    Raises:
        ValueError: there is no such acl.
    """
    own, objects = f"{_ARN}{bucket}", f"{_ARN}{bucket}/*"
    match acl:
        case "private":
            return None
        case "public-write":
            return _policy(
                ("ListBucketAction", _LIST, (own,)), ("AllObjectActionsMyBuckets", _WRITE, (objects,))
            )
        case "public-read":
            everywhere = ("ListAllBucket", (*_LIST, "s3:ListAllMyBuckets"), (f"{_ARN}*",))
            return _policy(
                everywhere, ("AllObjectActionsMyBuckets", (*_LIST, "s3:GetObject"), (own, objects))
            )
        case "public-read-write":
            return _policy(
                ("ListObjectsInBucket", _LIST, (own,)), ("UploadObjectActions", ("s3:PutObject",), (objects,))
            )
        case "public":
            return _policy(("AllowAllS3Actions", _ALL, (own, objects)))
    raise ValueError(f"(valid acl: {', '.join(ACLS)})")


def _policy(*statements: tuple[str, tuple[str, ...], tuple[str, ...]]) -> dict[str, Any]:
    return {
        "Version": _VERSION,
        "Statement": [
            {
                "Sid": sid,
                "Effect": "Allow",
                "Principal": {"AWS": ["*"]},
                "Action": list(actions),
                "Resource": list(resources),
            }
            for sid, actions, resources in statements
        ],
    }


def invalid(name: str) -> Any:
    """A check of a policy document for `Attribute.valid`."""

    def reason(value: str) -> str:
        if not value.startswith("{"):
            return f'"{name}" contains an invalid JSON policy'
        try:
            json.loads(value)
        except ValueError as error:
            return f'"{name}" contains an invalid JSON: {error}'
        return ""

    return reason


def equivalent(old: Any, new: Any) -> bool:
    """Whether two policy documents allow the same: order, and a list of one, mean nothing."""
    try:
        return bool(_normal(json.loads(old)) == _normal(json.loads(new)))
    except (TypeError, ValueError, AttributeError):
        return False


def normalized(document: str) -> str:
    """A policy document as Go's encoder writes it: sorted keys, no blanks, `<`, `>` and `&` escaped."""
    text = json.dumps(json.loads(document), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _normal(policy: dict[str, Any]) -> tuple[Any, Any, list[str]]:
    statements = policy.get("Statement") or []
    listed = statements if isinstance(statements, list) else [statements]
    return policy.get("Version"), policy.get("Id"), sorted(_normal_statement(item) for item in listed)


def _normal_statement(statement: dict[str, Any]) -> str:
    return json.dumps(
        {key: _normal_value(value) for key, value in statement.items() if value}, sort_keys=True
    )


def _normal_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _normal_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted({str(item) for item in value})
    return [str(value)]
