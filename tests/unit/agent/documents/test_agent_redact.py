"""Secrets are masked in every form, and what is none stays readable."""

from __future__ import annotations

import base64
import html
import json
import shlex
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.documents.redact import CUT, Redactor

SECRET = st.text(st.characters(exclude_characters=f"*{CUT}", exclude_categories=["Cs"]), min_size=6)
PUBLIC = st.text(st.sampled_from("abcdefgh-/.: 0123"), min_size=1, max_size=30)
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END PRIVATE KEY-----\n"


@given(SECRET, st.text(), st.text())
def test_a_secret_never_survives_redaction(secret: str, before: str, after: str) -> None:
    assert secret not in Redactor([secret])(before + secret + after).replace("*****", "\0")


@given(st.lists(SECRET, min_size=1), st.lists(PUBLIC), st.data())
def test_no_secret_comes_through_and_every_public_text_does(
    secrets: list[str], public: list[str], data: st.DataObject
) -> None:
    """But for a secret that a public value shows."""
    shown = data.draw(st.sampled_from([*public, ""]))
    redact = Redactor(secrets, public)
    assert redact(shown) == shown
    secret = data.draw(st.sampled_from(secrets))
    told = redact(f"{shown} {secret} {shown}").replace("*****", "\0")
    assert secret not in told or any(secret in value for value in public)


@given(SECRET)
def test_no_form_of_a_secret_comes_through(secret: str) -> None:
    redact = Redactor([secret])
    written = {
        "json": json.dumps({"a": secret}),
        "json, not ascii": json.dumps({"a": secret}, ensure_ascii=False),
        "python": repr({"a": secret}),
        "html": html.escape(secret),
        "url": quote(secret),
        "form": quote_plus(secret),
        "part": quote(secret, safe=""),
        "shell": shlex.quote(secret),
    }
    for kind, text in written.items():
        told = redact(text)
        assert told != text, kind
        assert secret not in told.replace("*****", "\0"), kind


@pytest.mark.parametrize("user", ["", "u", "us", "usr", "user"])
def test_base64_of_a_login_hides_its_secret(user: str) -> None:
    """As `Authorization: Basic` has it."""
    login = base64.b64encode(f"{user}:hunter2-hunter2".encode()).decode()
    told = Redactor(["hunter2-hunter2"])(f"authorization: Basic {login}")
    assert "*****" in told
    kept = told.partition("Basic ")[2].replace("*****", "")
    assert len(kept) <= len(base64.b64encode(f"{user}:".encode())) + 4


def test_passwords_in_urls_are_secrets_of_their_own() -> None:
    """As they stand there, as they are meant, and as others quote them; also in what is public."""
    url = "postgresql://user:p%40ss-word-1@db:5432/x?sslmode=verify-full"
    for redact in (Redactor([url]), Redactor([], [url])):
        assert "word" not in redact("tried p@ss-word-1 and p%40ss-word-1 and p%40ss-word-1")
    assert Redactor([], [url])(url) == "postgresql://user:*****@db:5432/x?sslmode=verify-full"
    several = "redis://:first-password@a,redis://:other-password@b"
    assert Redactor([], [several])(several) == "redis://:*****@a,redis://:*****@b"


def test_each_line_of_a_secret_is_one() -> None:
    redact = Redactor([PEM])
    assert "MIIEvQ" not in redact(PEM) + redact(json.dumps(PEM)) + redact(PEM.splitlines()[1])
    assert redact("expected -----BEGIN PRIVATE KEY-----") == "expected -----BEGIN PRIVATE KEY-----"


@pytest.mark.parametrize("short", ["", "1", "true", "prod", "12345"])
def test_short_values_are_left_readable(short: str) -> None:
    text = f"port 12345 of prod is true, 1 of {short}"
    assert Redactor([short, f"postgresql://u:{short}@db/x"])(text) == text


def test_a_secret_that_is_shown_openly_elsewhere_hides_nothing_there() -> None:
    redact = Redactor(["production", "orders", "example"], ["production", "shop.example.com"])
    assert redact("production of shop.example.com: orders") == "production of shop.example.com: *****"
    assert redact("example") == "*****"


def test_a_secret_that_begins_within_a_public_text_is_masked_whole() -> None:
    assert Redactor(["secret-1"], ["ab-secret"])("ab-secret-1") == "ab-*****"


def test_a_secret_that_was_cut_off_is_masked() -> None:
    redact = Redactor(["hunter2-hunter2"])
    assert redact(f"answered 500: token hunter2-hun{CUT}") == f"answered 500: token *****{CUT}"
    assert redact(f"a hunter{CUT}") == f"a *****{CUT}"
    assert redact(f"is {CUT}") == f"is {CUT}"


def test_each_line_of_a_value_is_masked() -> None:
    """Programs log a key line by line."""
    key = "-----BEGIN KEY-----\r\nhunter2-hunter2\r\n-----END KEY-----\n"
    said = Redactor([key])("bad key at hunter2-hunter2, whole: " + key)
    assert "hunter2" not in said
