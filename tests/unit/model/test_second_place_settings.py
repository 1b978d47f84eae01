"""`codeb:backup.second` and `codeb:backupCredentials`: what is taken, and that no error shows a value."""

from __future__ import annotations

from typing import Any

import pytest

from codeb.model import (
    BackupCredentials,
    Settings,
    SettingsErrors,
    parse_backup_credentials,
    parse_settings,
)

BASE = {"domain": "example.com", "servers": [{"name": "a", "address": "10.0.0.1", "knownHostsFile": "k"}]}
SECOND = {"endpoint": "https://icn1.vultrobjects.com", "bucket": "codeb-backups"}
SECRET = "hunter2+hunter2/=="


def settings(**second: Any) -> Settings:
    return parse_settings({**BASE, "backup": {"second": {**SECOND, **second}}}, "dev")


def refused(value: Any) -> list[str]:
    with pytest.raises(SettingsErrors) as caught:
        parse_backup_credentials(value, settings(), "dev")
    assert SECRET not in str(caught.value)
    return str(caught.value).splitlines()


def test_endpoint_and_bucket_are_enough() -> None:
    second = settings(endpoint="https://s3.example.com:9000/").backup.second
    assert second is not None
    assert second.endpoint == "https://s3.example.com:9000"
    assert (second.bucket, second.region, second.lock_days, second.ca) == (
        "codeb-backups",
        "us-east-1",
        0,
        None,
    )
    assert parse_settings({**BASE, "backup": {"second": {}}}).backup.second is None


@pytest.mark.parametrize(
    ("key", "value", "cause"),
    [
        ("endpoint", "http://s3.example.com", "doesn't start with https://"),
        ("endpoint", "https://s3.example.com/codeb-backups", "has a path"),
        ("endpoint", "https://key:secret@s3.example.com", "is not a web address"),
        ("endpoint", 'https://s3.example.com"', "is not a web address"),
        ("bucket", "UPPER", "is not a bucket's name"),
        ("bucket", "../other", "is not a bucket's name"),
        ("bucket", 'a"b', "is not a bucket's name"),
        ("bucket", "ab", "is not a bucket's name"),
        ("region", 'icn1", "x": "', "is not a region"),
        ("lockDays", 366, "365"),
        ("lockDays", True, "is no number"),
        ("ca", "-----BEGIN CERTIFICATE-----", "is not one or more certificates in PEM"),
        ("secretKey", SECRET, "unknown key"),
    ],
)
def test_what_leads_elsewhere_or_would_break_out_of_json_is_refused(key: str, value: Any, cause: str) -> None:
    with pytest.raises(SettingsErrors) as caught:
        settings(**{key: value})
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"Pulumi.dev.yaml: codeb:backup.second.{key}: ")
    assert cause in line
    assert SECRET not in line


def test_keys_are_taken_as_pulumi_keeps_them_and_shown_nowhere() -> None:
    found = parse_backup_credentials({"accessKey": "AKIA0\n", "secretKey": SECRET}, settings())
    assert found == BackupCredentials("AKIA0", SECRET)
    assert SECRET not in repr(found)
    assert parse_backup_credentials({"accessKey": "x"}, parse_settings(BASE)) is None


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a b", "a\nb", "@{secret:x}", "ü", "x" * 201, 7])
@pytest.mark.parametrize("part", ["accessKey", "secretKey"])
def test_a_key_with_another_character_than_keys_have_is_refused(part: str, text: Any) -> None:
    (line,) = refused({"accessKey": "k", "secretKey": SECRET, part: text})
    assert line.startswith(f"Pulumi.dev.yaml: codeb:backupCredentials.{part}: is no key")


def test_keys_that_are_missing_unknown_or_no_mapping_are_named() -> None:
    assert [line.split(": ")[1] for line in refused(None)] == [
        "codeb:backupCredentials.accessKey",
        "codeb:backupCredentials.secretKey",
    ]
    assert "codeb:backupCredentials.?: unknown key" in refused({SECRET: "x"})[0]
    assert "is not a mapping" in refused(SECRET)[0]
