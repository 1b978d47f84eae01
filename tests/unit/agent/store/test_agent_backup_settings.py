"""What `backup.json` may say, and that no error shows a key."""

from __future__ import annotations

from typing import Any

import pytest

from agent.documents.errors import BadDocument, Failed
from agent.documents.reader import Reader
from agent.host import paths
from agent.store.settings import load_settings, read_settings
from tests.unit.agent.fakes.host import FakeHost
from tests.unit.agent.store.sealing import HERE, SECOND, install, settings


def test_both_stores_and_the_projects_are_read() -> None:
    host = FakeHost()
    install(host)
    found = load_settings(host.ports())
    assert [store.place for store in found.stores] == [HERE, SECOND]
    assert [project.id for project in found.projects] == ["shop"]
    assert "secret of" not in repr(found)


def test_a_host_without_the_file_backs_nothing_up() -> None:
    with pytest.raises(Failed, match="this host backs nothing up"):
        load_settings(FakeHost().ports())


def test_a_file_that_is_no_json_is_refused_without_its_content() -> None:
    host = FakeHost()
    host.put(paths.BACKUP_SETTINGS, '{"secret_key": "hush hush" oops')
    with pytest.raises(Failed) as caught:
        load_settings(host.ports())
    assert "hush" not in caught.value.failure.text()


HOSTILE: list[tuple[str, Any]] = [
    ("recipient", "age1x; rm -rf /"),
    ("recipient", "--identity=/etc/shadow"),
    ("image", "--privileged"),
    ("image", "postgres:16 sh"),
    ("container", "postgres\n"),
    ("container", "-x"),
    ("host", "127.0.0.1 --x"),
    ("port", 0),
    ("stores", []),
]


@pytest.mark.parametrize(("key", "value"), HOSTILE)
def test_what_could_be_taken_for_something_else_is_refused(key: str, value: object) -> None:
    with pytest.raises(BadDocument):
        read_settings(Reader(settings(**{key: value}), ""))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("endpoint", "file:///etc/passwd"),
        ("endpoint", "https://user:password@s3.example.com"),
        ("endpoint", "https://s3.example.com/path"),
        ("bucket", "../backup"),
        ("bucket", "a/b"),
        ("region", "eu/west"),
        ("secret_key", "two\nlines"),
        ("ca", "relative/ca.crt"),
        ("name", "a b"),
    ],
)
def test_a_store_that_is_none_is_refused(key: str, value: object) -> None:
    document = settings()
    document["stores"][0][key] = value
    with pytest.raises(BadDocument) as caught:
        read_settings(Reader(document, ""))
    assert "two" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", "../shop"),
        ("database", "shop_db dbname=other"),
        ("database", "-h"),
        ("buckets", ["Up"]),
        ("retention_days", 0),
        ("point_in_time", "yes"),
        ("unknown", 1),
    ],
)
def test_a_project_that_is_none_is_refused(key: str, value: object) -> None:
    document = settings()
    document["projects"][0][key] = value
    with pytest.raises(BadDocument):
        read_settings(Reader(document, ""))
