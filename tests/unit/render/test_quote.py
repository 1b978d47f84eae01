"""Hostile values for every target: each arrives as it was written, or is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeb.render import quote
from codeb.render.quote import QuoteError

HOSTILE = [
    "my-service; whoami",
    "$(reboot)",
    "`id`",
    "a b",
    "a\nExecStart=/bin/evil",
    "a\r",
    "a\0",
    "{env.HOME}",
    "{$HOME}",
    "%n",
    'a"b',
    "a'b",
    "a\\",
    "#comment",
    "",
    "-leading-hyphen",
    "é",
    "a\u2028b",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_plain_values_have_no_hostile_characters(value: str) -> None:
    with pytest.raises(QuoteError):
        quote.plain(value)


@pytest.mark.parametrize("value", HOSTILE)
def test_no_placeholder_quote_or_space_gets_into_a_caddyfile(value: str) -> None:
    with pytest.raises(QuoteError):
        quote.caddy(value)


@pytest.mark.parametrize(
    "value", ["food.lab.test", "/api/metrics", "10485760", "infra@example.com", "registry.lab.test:5000"]
)
def test_ordinary_tokens_stay_as_they_are(value: str) -> None:
    assert quote.caddy(value) == value


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b", "", " a", "a ", "a\\", "a\u2028b", "a\x85b"])
def test_a_unit_s_setting_stays_on_its_line(value: str) -> None:
    with pytest.raises(QuoteError):
        quote.unit(value)


def test_specifiers_are_doubled() -> None:
    assert quote.unit("*-*~1 10:00 %n") == "*-*~1 10:00 %%n"
    assert quote.words(["100%", "$HOME", "${HOME}", "$$"]) == '"100%%" "$$HOME" "$${HOME}" "$$$$"'


def test_words_are_quoted() -> None:
    assert quote.words(["sh", "-c", 'echo "a b"; \\n']) == r'"sh" "-c" "echo \"a b\"; \\n"'
    assert quote.words(["", "'x'", "a\tb"]) == '${CODEB_EMPTY} "\'x\'" "a\\tb"'


@pytest.mark.parametrize(
    "value", ["a\nb", "a\0b", "\x1b[2J", "@IMAGE@", "x@{secret:postgres/admin}", "@{public:"]
)
def test_words_that_would_become_something_else_are_refused(value: str) -> None:
    with pytest.raises(QuoteError):
        quote.words(["echo", value])


@settings(deadline=None)
@given(st.text(st.characters(blacklist_categories=["Cc", "Zl", "Zp", "Cs"]), max_size=40))
def test_every_word_is_one_pair_of_quotes_without_bare_specials(value: str) -> None:
    if "@{" in value or "@IMAGE@" in value:
        return
    text = quote.words([value])
    if not value:
        assert text == quote.EMPTY
        return
    body = text[1:-1].replace("\\\\", "").replace('\\"', "").replace("%%", "").replace("$$", "")
    assert text[0] == text[-1] == '"'
    assert not set(body) & {'"', "\\", "%", "$"}


def test_an_environment_value_has_no_nul_and_is_not_repeated() -> None:
    with pytest.raises(QuoteError, match="API_KEY") as refused:
        quote.environment_value("API_KEY", "hunter2\0")
    assert "hunter2" not in str(refused.value)


def test_environment_values_are_literal() -> None:
    for value in ("$(reboot)", 'a "b"', "# no comment", "  spaces  ", "", "two\nlines", "a\rb\n"):
        assert quote.environment_value("NAME", value) == value
