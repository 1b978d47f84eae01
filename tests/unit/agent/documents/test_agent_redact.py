"""Secrets are masked, and words that are none stay readable."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.documents.redact import Redactor


@given(st.text(st.characters(exclude_characters="*"), min_size=6), st.text(), st.text())
def test_a_secret_never_survives_redaction(secret: str, before: str, after: str) -> None:
    assert secret not in Redactor([secret])(before + secret + after).replace("*****", "\0")


def test_passwords_in_urls_are_secrets_of_their_own() -> None:
    redact = Redactor(["postgresql://user:p%40ss-word-1@db:5432/x"])
    assert "word" not in redact("tried p@ss-word-1 and p%40ss-word-1")


def test_pages_of_the_app_s_own_domain_stay_readable_but_for_what_may_be_secret() -> None:
    values = ["https://shop.lab.test", "https://shop.lab.test/api", "https://shop.lab.test/hook?key=abcdef"]
    redact = Redactor([*values, "https://shop.lab.test.evil.test/x"], "shop.lab.test")
    assert (
        redact("https://shop.lab.test/api/health answered 502")
        == "https://shop.lab.test/api/health answered 502"
    )
    assert redact(values[2]) == "*****"
    assert redact("https://shop.lab.test.evil.test/x") == "*****"


def test_short_values_are_left_readable() -> None:
    assert Redactor(["3000", "true"])("port 3000 is true") == "port 3000 is true"


def test_each_line_of_a_value_is_masked() -> None:
    """Programs log a key line by line."""
    key = "-----BEGIN KEY-----\r\nhunter2-hunter2\r\n-----END KEY-----\n"
    said = Redactor([key])("bad key at hunter2-hunter2, whole: " + key)
    assert "hunter2" not in said
