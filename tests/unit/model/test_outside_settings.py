"""Webhooks, Sentry and registries: what is taken, and that no error shows a value."""

from __future__ import annotations

from typing import Any

import pytest

from codeb.model import SettingsErrors, parse_outside

HOOK = "https://hooks.slack.test/services/T0/B0/wRz6Vx4kHookSecret"
SENTRY = {"organization": "leo-company", "token": "sntrys_SentryTokenSecret"}
LOGIN = {"username": "codeb", "password": "RegistryPasswordSecret"}


def refused(values: dict[str, Any]) -> str:
    with pytest.raises(SettingsErrors) as caught:
        parse_outside(values, "dev")
    return str(caught.value)


def test_one_webhook_may_stand_for_a_list() -> None:
    found = parse_outside(
        {"notifications": {"slack": HOOK, "webhook": [HOOK, "http://10.77.0.1:8080/x?key=1"]}}
    )
    assert found.notifications.slack == (HOOK,)
    assert len(found.notifications.webhook) == 2
    assert found.sentry is None
    assert found.registry_credentials == {}


def test_nothing_configured_is_nothing() -> None:
    found = parse_outside({})
    assert (found.notifications.slack, found.notifications.webhook, found.sentry) == ((), (), None)


def test_sentry_is_the_hosted_one_unless_it_is_named() -> None:
    assert parse_outside({"sentry": SENTRY}).sentry.url == "https://sentry.io"  # type: ignore[union-attr]
    own = parse_outside({"sentry": {**SENTRY, "url": "https://sentry.example.com/"}}).sentry
    assert own is not None
    assert own.url == "https://sentry.example.com"


def test_a_registry_s_password_may_be_a_key_file() -> None:
    key = '{\n  "type": "service_account"\n}'
    found = parse_outside(
        {"registryCredentials": {"reg.lab:5000": {"username": "_json_key", "password": key}}}
    )
    assert found.registry_credentials["reg.lab:5000"].password == key


def test_nothing_secret_shows() -> None:
    found = parse_outside(
        {"notifications": {"slack": HOOK}, "sentry": SENTRY, "registryCredentials": {"ghcr.io": LOGIN}}
    )
    shown = f"{found!r} {found} {found.sentry!r} {found.notifications} {found.registry_credentials}"
    assert "Secret" not in shown


HOSTILE_URLS = [
    "file:///etc/shadow#Secret",
    "https://hooks.slack.test/Secret\n\r\nX-Evil: 1",
    "https://hooks.slack.test/Secret\r\nHost: evil.test",
    "https://user:Secret@hooks.slack.test/x",
    "https://Secret@hooks.slack.test/x",
    "https://hooks.slack.test/a b?Secret",
    "https://hooks.slack.test/#Secret",
    "https://hooks.slack.test:99999/Secret",
    "https://hooks.slack.test:0/Secret",
    "https:///Secret",
    "https://[::1/Secret",
    "https://-bad-.test/Secret",
    "gopher://hooks.slack.test/Secret",
    "hooks.slack.test/Secret",
    "https://hooks.slack.test/\u202eSecret",
    "https://hooks.slack.test\\@evil.test/Secret",
    "https://hooks.slack.test/" + "Secret" * 400,
    "",
]


@pytest.mark.parametrize("key", ["slack", "webhook"])
@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_a_url_that_could_do_something_else_is_refused_without_being_shown(key: str, url: str) -> None:
    message = refused({"notifications": {key: ["https://fine.test/x", url]}})
    assert message.startswith(f"Pulumi.dev.yaml: codeb:notifications.{key}[1]: ")
    assert "Secret" not in message
    assert "evil" not in message


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"sentry": {**SENTRY, "token": "Secret\nX-Evil: 1"}}, "codeb:sentry.token"),
        ({"sentry": {**SENTRY, "token": "Secret token"}}, "codeb:sentry.token"),
        ({"sentry": {**SENTRY, "organization": "../../Secret"}}, "codeb:sentry.organization"),
        ({"sentry": {**SENTRY, "url": "https://sentry.io?Secret"}}, "codeb:sentry.url"),
        ({"sentry": {"organization": "leo"}}, "codeb:sentry.token: is missing"),
        ({"sentry": "Secret"}, "codeb:sentry: is not a mapping"),
        ({"sentry": {**SENTRY, "Secret": 1}}, "codeb:sentry.?: unknown key"),
        ({"notifications": {"slak": HOOK}}, "codeb:notifications.?: unknown key"),
        ({"notifications": {HOOK: HOOK}}, "codeb:notifications.?: unknown key"),
        (
            {"notifications": {"slack": {"url": HOOK}}},
            "codeb:notifications.slack: is neither a URL nor a list",
        ),
        ({"notifications": {"slack": [1]}}, "codeb:notifications.slack[0]: is not text"),
        ({"notifications": {"slack": [HOOK] * 21}}, "codeb:notifications.slack: has too many"),
        ({"registryCredentials": {"ghcr.io": {**LOGIN, "username": "a:Secret"}}}, "ghcr.io.username"),
        ({"registryCredentials": {"ghcr.io": {**LOGIN, "username": "a\nSecret"}}}, "username"),
        ({"registryCredentials": {"ghcr.io": {**LOGIN, "password": "Secret\n"}}}, "password"),
        ({"registryCredentials": {"ghcr.io": {"username": "x"}}}, "password: is missing"),
        (
            {"registryCredentials": {"u:Secret@ghcr.io": LOGIN}},
            "codeb:registryCredentials.?: a key is not a reg",
        ),
        (
            {"registryCredentials": {"ghcr.io/team": LOGIN}},
            "codeb:registryCredentials.?: a key is not a registry",
        ),
        ({"registryCredentials": ["Secret"]}, "codeb:registryCredentials: is not a mapping"),
    ],
)
def test_what_is_wrong_is_named_with_a_remedy_and_without_its_value(
    values: dict[str, Any], place: str
) -> None:
    message = refused(values)
    assert place in message
    assert "Secret" not in message
    assert message.endswith(".")
