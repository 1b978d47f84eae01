"""The verb `environment`: names of what the serving release is told, and no value."""

from __future__ import annotations

import json

from tests.unit.agent.verbs import V1, call, new_host, run


def test_names_are_told_and_no_value() -> None:
    host = new_host()
    values = {"TOKEN": "secret-of-somebody", "KEY": "first\nsecond-line", "LEVEL": "debug"}
    run(host, V1, environment=values, secret=["KEY", "TOKEN"])
    code, answer, _ = call(host.ports(), "environment", {"version": 1, "project": "shop-app"})
    assert (code, answer["release"]["id"]) == (0, "r1")
    assert {each["name"]: each["secret"] for each in answer["variables"]} == {
        "TOKEN": True, "KEY": True, "LEVEL": False, "CODEB_COLOUR": False,
    }  # fmt: skip
    assert not any(part in json.dumps(answer) for value in values.values() for part in value.splitlines())


def test_a_release_of_a_time_that_named_no_secrets_says_so() -> None:
    host = new_host()
    run(host, V1, environment={"TOKEN": "secret-of-somebody"})
    (_, token) = call(host.ports(), "environment", {"project": "shop-app"})[1]["variables"]
    assert token == {"name": "TOKEN", "secret": None}


def test_a_project_that_is_not_here_has_none() -> None:
    answer = call(new_host().ports(), "environment", {"project": "shop-app"})[1]
    assert (answer["ok"], answer["release"], answer["variables"]) == (True, None, [])
    assert call(new_host().ports(), "environment", {"project": "../shop"})[0] == 2
