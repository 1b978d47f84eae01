"""Replacing things on real servers, in the order that the plugin's diff makes the CLI take."""

from __future__ import annotations

from typing import Any

import pytest

from lab.plugins.protos import provider_pb2
from lab.providers.command import local
from lab.providers.minio import bucket, iam
from lab.providers.postgresql import database, grant, role
from lab.providers.protocol import ProviderError, State
from tests.plugins.client import Plugin
from tests.plugins.life import make, remove, urn


def replace(
    provider: Plugin, type_: str, before: tuple[dict[str, Any], State], *forcing: str, **news: Any
) -> tuple[bool, dict[str, Any], State]:
    """Replace as the CLI does: whether the old one was deleted first, and the new one's inputs and state."""
    olds, old = before
    inputs = provider.check(type_, urn(type_), olds, news, b"").inputs
    diff = provider.diff_on_the_wire(type_, urn(type_), old.id, olds, old.outputs, inputs)
    assert tuple(diff.replaces) == forcing
    assert all(
        "REPLACE" in provider_pb2.PropertyDiff.Kind.Name(diff.detailedDiff[path].kind) for path in forcing
    )
    if diff.deleteBeforeReplace:
        provider.delete(type_, urn(type_), old.id, olds, old.outputs)
    new = provider.create(type_, urn(type_), inputs)
    if not diff.deleteBeforeReplace:
        provider.delete(type_, urn(type_), old.id, olds, old.outputs)
    assert provider.read(type_, urn(type_), new.id, inputs, new.outputs).id == new.id
    return diff.deleteBeforeReplace, inputs, new


def test_a_database_with_a_given_name_makes_room_for_its_successor(postgresql: Plugin) -> None:
    before = make(postgresql, database.TYPE, name="replaced", encoding="UTF8", lcCollate="C", lcCtype="C")
    first, inputs, new = replace(
        postgresql, database.TYPE, before, "encoding",
        name="replaced", encoding="SQL_ASCII", lcCollate="C", lcCtype="C",
    )  # fmt: skip
    assert first
    assert new.outputs["encoding"] == "SQL_ASCII"
    remove(postgresql, database.TYPE, inputs, new)


def test_a_grant_is_taken_away_before_another_is_given(postgresql: Plugin) -> None:
    roles = [make(postgresql, role.TYPE, name=name) for name in ("one", "other")]
    given = {"database": "postgres", "objectType": "database", "privileges": ["TEMPORARY"]}
    first, inputs, new = replace(
        postgresql,
        grant.TYPE,
        make(postgresql, grant.TYPE, role="one", **given),
        "role",
        role="other",
        **given,
    )
    assert first
    assert new.id == "other_postgres_database"
    postgresql.delete(grant.TYPE, urn(grant.TYPE), new.id, inputs, new.outputs)
    for role_inputs, made in roles:
        remove(postgresql, role.TYPE, role_inputs, made)


def test_a_bucket_with_another_name_is_there_before_the_old_one_goes(minio: Plugin) -> None:
    first, inputs, new = replace(
        minio, bucket.TYPE, make(minio, bucket.TYPE, bucket="older"), "bucket", bucket="newer"
    )
    assert not first
    assert new.id == "newer"
    assert minio.read(bucket.TYPE, urn(bucket.TYPE), "older", {}, {}).id == ""
    remove(minio, bucket.TYPE, inputs, new)


def test_a_user_with_a_given_name_is_deleted_first(minio: Plugin) -> None:
    before = make(minio, iam.USER, name="earlier", secret="some secret")
    first, inputs, new = replace(minio, iam.USER, before, "name", name="later", secret="some secret")
    assert first
    remove(minio, iam.USER, inputs, new)


def test_triggers_that_come_or_go_replace_a_command(command: Plugin) -> None:
    """Elements of the list replace by the option that the SDK sends, as the recorded programs show."""
    first, _, new = replace(command, local.TYPE, make(command, local.TYPE, create="echo a"), "triggers",
                            create="echo b", triggers=["t"])  # fmt: skip
    assert not first
    assert new.outputs["stdout"] == "b"


def test_an_update_that_fails_leaves_what_there_was(postgresql: Plugin) -> None:
    """One transaction: the next run finds the old state and tries again."""
    inputs, state = make(postgresql, role.TYPE, name="steady", connectionLimit=3)
    news = postgresql.check(
        role.TYPE,
        urn(role.TYPE),
        inputs,
        {"name": "steady", "connectionLimit": 4, "roles": ["nobody-here"]},
        b"",
    ).inputs
    with pytest.raises(
        ProviderError, match=rf"^updating {urn(role.TYPE)}: 1 error occurred:\n\t\* .*nobody-here"
    ):
        postgresql.update(role.TYPE, urn(role.TYPE), state.id, inputs, state.outputs, news)
    found = postgresql.read(role.TYPE, urn(role.TYPE), state.id, inputs, state.outputs)
    assert found.outputs["connectionLimit"] == 3
    remove(postgresql, role.TYPE, inputs, state)
