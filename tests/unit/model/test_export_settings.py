"""`codeb:monitoring.export` and `codeb:monitoringCredentials`: what is taken, and that no error shows the value."""

from __future__ import annotations

from typing import Any

import pytest

from codeb.model import (
    MonitoringCredentials,
    Settings,
    SettingsErrors,
    parse_monitoring_credentials,
    parse_settings,
)

BASE = {"domain": "example.com", "servers": [{"name": "a", "address": "10.0.0.1", "knownHostsFile": "k"}]}
SECRET = "hunter2.hunter2=="


def settings(
    endpoint: str = "https://otlp.example.com", *, development: bool = False, **more: Any
) -> Settings:
    export = {"endpoint": endpoint, **more}
    return parse_settings({**BASE, "development": development, "monitoring": {"export": export}}, "dev")


def refused(value: Any) -> str:
    with pytest.raises(SettingsErrors) as caught:
        parse_monitoring_credentials(value, settings(), "dev")
    assert SECRET not in str(caught.value)
    (line,) = str(caught.value).splitlines()
    return line


def test_an_endpoint_is_enough() -> None:
    export = settings("https://otlp.example.com:4318/api/default/").monitoring.export
    assert export is not None
    assert (export.endpoint, export.header) == ("https://otlp.example.com:4318/api/default", "Authorization")


@pytest.mark.parametrize("nothing", ["", {}])
def test_nothing_is_sent_elsewhere_when_it_is_left_out_or_empty(nothing: Any) -> None:
    assert parse_settings({**BASE, "monitoring": {"export": nothing}}).monitoring.export is None
    assert parse_settings(BASE).monitoring.export is None


def test_http_is_taken_on_stacks_to_try_things_on_alone() -> None:
    export = settings("http://10.0.0.9:4318", development=True).monitoring.export
    assert export is not None
    assert export.endpoint == "http://10.0.0.9:4318"
    with pytest.raises(SettingsErrors) as caught:
        settings("http://10.0.0.9:4318")
    assert str(caught.value) == (
        'Pulumi.dev.yaml: codeb:monitoring.export.endpoint: "http://10.0.0.9:4318" doesn\'t start with https://. '
        "Write for example https://otlp.example.com; http is for stacks with codeb:development only."
    )


@pytest.mark.parametrize(
    ("key", "value", "cause"),
    [
        ("endpoint", "ftp://otlp.example.com", "is not a web address"),
        ("endpoint", f"https://key:{SECRET}@otlp.example.com", "is not a web address"),
        ("endpoint", 'https://otlp.example.com/"\n  insecure: true', "is not a web address"),
        ("endpoint", "https://otlp.example.com/${env:HOME}", "is not a web address"),
        ("endpoint", "https://otlp.example.com/?a=b", "is not a web address"),
        ("endpoint", "https://otlp.example.com/{{ x }}", "is not a web address"),
        ("endpoint", "https://otlp.example.com/x/v1/logs", "Write https://otlp.example.com/x: "),
        ("endpoint", "https://otlp.example.com/v1/traces/", "is the address of one signal"),
        ("endpoint", "", "is not a web address"),
        ("header", "X Key", "is not a header's name"),
        ("header", "X-Key: a\nX-Other", "is not a header's name"),
        ("header", "${file:/etc/shadow}", "is not a header's name"),
        ("header", "Content-Encoding", "belongs to the request itself"),
        ("header", "host", "belongs to the request itself"),
        ("value", SECRET, "unknown key"),
    ],
)
def test_what_leads_elsewhere_or_would_break_out_of_the_configuration_is_refused(
    key: str, value: str, cause: str
) -> None:
    with pytest.raises(SettingsErrors) as caught:
        settings(**{key: value})
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"Pulumi.dev.yaml: codeb:monitoring.export.{key}: ")
    assert cause in line


def test_an_export_without_an_endpoint_is_said() -> None:
    with pytest.raises(SettingsErrors, match=r"codeb:monitoring\.export\.endpoint: "):
        parse_settings({**BASE, "monitoring": {"export": {"header": "X-Api-Key"}}})


@pytest.mark.parametrize("text", [SECRET, f"Bearer {SECRET}\n", "x", "Basic a+/=", "k" * 4000])
def test_the_value_is_taken_as_pulumi_keeps_it_and_shown_nowhere(text: str) -> None:
    found = parse_monitoring_credentials(text, settings())
    assert found == MonitoringCredentials(text.strip())
    assert text.strip() not in repr(found)
    assert parse_monitoring_credentials(text, parse_settings(BASE)) is None


@pytest.mark.parametrize(
    "text",
    [
        *(
            "${env:HOME}",
            "a$b",
            'a"b',
            "a'b",
            "a\\b",
            "a\nb",
            "a\tb",
            "a  b",
            "a\0b",
            "ü",
            "@{secret:x}",
            "@x",
        ),
        *("- x", "#x", "a #b", "{a: b}", "[a]", "!!binary x", "&x", "*x", "~", "k" * 4001, 7, {"a": SECRET}),
    ],
)
def test_a_value_with_another_character_than_headers_have_is_refused(text: Any) -> None:
    assert refused(text).startswith("Pulumi.dev.yaml: codeb:monitoringCredentials: is not ")


def test_a_value_that_is_missing_is_said_with_what_sets_it() -> None:
    line = refused(None)
    assert line == refused("")
    assert "is missing, and codeb:monitoring.export is set" in line
    assert "`pulumi config set --secret codeb:monitoringCredentials`" in line
