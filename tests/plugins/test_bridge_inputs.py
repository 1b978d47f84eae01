"""What a check of bridged resources makes of a program's inputs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.life import urn
from tests.plugins.test_bridge import BUCKET, GRANT, GRANT_STATE, POLICY, ROLE, PluginOf


def test_a_default_stays_what_it_was_and_a_generated_name_too(provider_of: PluginOf) -> None:
    provider = provider_of(ROLE)
    olds = {"name": "it-1234567", "validUntil": "2020-01-01", "__defaults": ["name", "validUntil"]}
    inputs = provider.check(ROLE, urn(ROLE), olds, {}, b"seed").inputs
    assert inputs["name"] == "it-1234567"
    assert inputs["validUntil"] == "2020-01-01"
    olds["__defaults"] = []
    inputs = provider.check(ROLE, urn(ROLE), olds, {}, b"seed").inputs
    assert inputs["validUntil"] == "infinity"
    assert inputs["name"] != "it-1234567"


def test_a_generated_name_follows_from_the_seed(provider_of: PluginOf) -> None:
    provider = provider_of(ROLE)
    names = [
        provider.check(ROLE, urn(ROLE), {}, {}, seed).inputs["name"] for seed in (b"a", b"a", b"b", b"", b"")
    ]
    assert names[0] == names[1]
    assert len(set(names)) == 4
    assert all(len(name) == len("it-1234567") for name in names)


@pytest.mark.parametrize(
    ("type_", "news", "reasons"),
    [
        (ROLE, {"connectionLimit": -5}, ["expected connection_limit to be at least (-1), got -5"]),
        (ROLE, {"connectionLimit": "x"}, ['connection_limit: strconv.ParseInt: parsing "x": invalid syntax']),
        (ROLE, {"foo": "bar"}, ["Invalid or unknown key"]),
        (
            ROLE,
            {"passwordWo": "y"},
            [
                'Missing required argument. "password_wo": all of `password_wo,password_wo_version` '
                "must be specified"
            ],
        ),
        (
            GRANT,
            {"role": "x", "database": "d", "objectType": "database"},
            [
                'Missing required argument. The argument "privileges" is required, '
                "but no definition was found."
            ],
        ),
        (
            GRANT,
            {**GRANT_STATE, "objectType": "datibase"},
            [
                'expected object_type to be one of ["database" "function" "procedure" "routine" "schema" '
                '"sequence" "table" "foreign_data_wrapper" "foreign_server" "column"], got datibase'
            ],
        ),
        (
            BUCKET,
            {"bucket": "b" * 64},
            [f"expected length of bucket to be in the range (0 - 63), got {'b' * 64}"],
        ),
        (POLICY, {"policy": "nonsense"}, ['"policy" contains an invalid JSON policy']),
    ],
)
def test_wrong_inputs_are_refused_in_the_plugins_words(
    provider_of: PluginOf, type_: str, news: dict[str, Any], reasons: list[str]
) -> None:
    failures = provider_of(type_).check(type_, urn(type_), {}, news, b"").failures
    assert [where for where, _ in failures] == [""] * len(reasons)
    for (_, reason), expected in zip(failures, reasons, strict=True):
        assert reason.startswith(f"{expected}. Examine values at 'it.")


def test_a_conflict_names_both_sides(provider_of: PluginOf) -> None:
    news = {"password": "x", "passwordWo": "y", "passwordWoVersion": "1"}
    reasons = [reason for _, reason in provider_of(ROLE).check(ROLE, urn(ROLE), {}, news, b"").failures]
    assert sorted(reasons) == [
        'Conflicting configuration arguments. "password": conflicts with password_wo. '
        "Examine values at 'it.password'.",
        'Conflicting configuration arguments. "password_wo": conflicts with password. '
        "Examine values at 'it.passwordWo'.",
        'Conflicting configuration arguments. "password_wo_version": conflicts with password. '
        "Examine values at 'it.passwordWoVersion'.",
    ]


def test_values_are_converted_as_the_bridge_does(provider_of: PluginOf) -> None:
    news = {"name": 5, "connectionLimit": "12", "login": "true", "roles": "one", "statementTimeout": 3.0}
    inputs = provider_of(ROLE).check(ROLE, urn(ROLE), {}, news, b"").inputs
    assert {key: inputs[key] for key in news} == {
        "name": "5",
        "connectionLimit": 12,
        "login": True,
        "roles": ["one"],
        "statementTimeout": 3,
    }
