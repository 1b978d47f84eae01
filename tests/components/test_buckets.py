"""Buckets of projects: versions where they are backed up, and the account of backups reads just those."""

from __future__ import annotations

import json
from pathlib import Path

from tests.components.recording import SHOP, record

SAVED = SHOP + "backup: {retention_days: 30}\n"
UNSAVED = """
project: {id: free}
environment: {domain: free.lab.test, image: "registry.lab.test:5000/free:1"}
resources: {storage: {buckets: [{suffix: a, expire_days: 3}]}}
backup: {enabled: false}
"""


def test_what_a_saved_project_overwrites_stays_as_long_as_its_backups(tmp_path: Path) -> None:
    found = record(tmp_path, {"shop.yaml": SAVED})
    assert found.named("shop-versions-uploads").inputs == {
        "bucket": "shop-uploads",
        "versioningConfiguration": {"status": "Enabled"},
    }
    (rule,) = found.named("shop-expiry-uploads").inputs["rules"]
    assert rule == {"id": "versions", "expiration": "DeleteMarker", "noncurrentVersionExpirationDays": 30}


def test_a_project_that_is_not_backed_up_has_its_own_rule_alone(tmp_path: Path) -> None:
    found = record(tmp_path, {"free.yaml": UNSAVED})
    assert [rule["id"] for rule in found.named("free-expiry-a").inputs["rules"]] == ["expire"]
    assert not [item for item in found.registrations if "-versions-" in item.name]


def test_the_account_of_backups_deletes_versions_in_its_own_bucket_alone_and_changes_no_bucket(
    tmp_path: Path,
) -> None:
    found = record(tmp_path, {"shop.yaml": SAVED, "free.yaml": UNSAVED})
    statements = json.loads(found.named("backup-policy").inputs["policy"])["Statement"]
    allowed = {
        (action, arn)
        for each in statements
        if each["Effect"] == "Allow"
        for action in each["Action"]
        for arn in each["Resource"]
    }
    assert {arn for action, arn in allowed if action == "s3:DeleteObjectVersion"} == {"arn:aws:s3:::backup/*"}
    changes = ("s3:Put", "s3:Delete", "s3:Create", "s3:Bypass", "admin:")
    assert {action for action, _ in allowed if action.startswith(changes)} == {
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
    }
