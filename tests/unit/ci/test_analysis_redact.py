"""Secrets of every form are masked wherever they stand, and what is none stays readable, or causes would be lost."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.ci.lines import lines
from ops.ci.redact import Redactor, of_environment
from tests.unit.ci.planted import FORMS, planted

SECRET = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="*"), min_size=8, max_size=60
)
AROUND = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="*"), max_size=40)
HARMLESS = """\
error: column "courier_id" of relation "deliveries" does not exist
error: relation "public.orders" already exists
FATAL: password authentication failed for user "shop"
src/auth/token.ts(41,9): error TS2322: Type 'string' is not assignable to type 'Token'.
SyntaxError: Unexpected token: 'export'
SyntaxError: Unexpected token '<', "<!DOCTYPE "... is not valid JSON
Error: secret: not found in namespace shop
interface Login { token: string; password: string | undefined; apiKey?: string }
const token = req.headers.authorization
  const password = process.env.DB_PASSWORD
env: TOKEN=${{ secrets.TOKEN }} PASSWORD=$PASSWORD
  token: ***
max_tokens=4096 tokens: 812 tokenizer=cl100k
Image ghcr.io/leo/shop@sha256:4f2b1c3d4e5f60718293a4b5c6d7e8f90123456789abcdef0123456789abcdef
commit 3f1c9a7be0d24c5f8a6b9e7d1c2b3a4f5e6d7c8b, short 3f1c9a7
npm error code ERR_MODULE_NOT_FOUND node_modules/@typescript-eslint/typescript-estree/dist/parser.js:285:98
    at Parser.parseErrorMessage (/app/node_modules/pg-protocol/dist/parser.js:285:98)
/home/runner/work/shop/shop/src/components/DeliveryTrackingControllerV2.integration.test.tsx
FAIL tests/unit/test_orders_tracking_2026_11_27.py::test_a_courier_that_left_is_not_shown_for_orders_of_today
"integrity": "sha512-9qj1kEwP8dWb1w2kZ3w9dC5f3v8aT1b0z2Y4x6W8v0u2t4s6r8q0p2o4n6m8l0k2j4i6h8g0f2e4d6c8b0a2Zw=="
github.com/nektos/act v0.2.89 h1:Yb0v7gZ0CqzqJ2sQeK1m3T5x7Z9b1D3f5H7j9L1n3P0=
id 123e4567-e89b-12d3-a456-426614174000, port 15432, pid 2157, took 34.5 s, 2026-11-27T18:00:00.1234567Z
https://github.com/leo/shop/actions/runs/19283746555/job/55123456789
ssh://git@github.com/leo/shop.git postgres://db.internal:5432/shop docker://registry:5000/shop@sha256:ab
The option --token is required. The secret is missing, the token has expired; password must be at least 8 characters
authorization: failed for user x
-----BEGIN CERTIFICATE----- is not -----BEGIN PUBLIC KEY-----
Mark-Compact (reduce) 2046.2 (2082.1) -> 2045.8 (2081.6) MB 0x55d0a4c3b000 v8::internal::V8::FatalProcessOutOfMemory
npm http fetch GET 200 http://localhost:4873/@types/node https://registry:5000/@leo/shop
docker run -u 1000:1000 shop useAuth next-auth@4.24.7 bypass: 12 tests pass: 812 first-pass
POST https://shop.example/hooks/orders 500, src/hooks/useOrders.ts(4,1): error TS2304
urn:pulumi:dev::codeb::codeb:project:Project$command:remote:Command::shop-release
ERR_PNPM_RECURSIVE_EXEC_FIRST_FAIL CODEB_PREVIEW_ENVIRONMENTS_MAX_5_REACHED_BY_PROJECT_SHOP"""


@pytest.mark.parametrize("line", HARMLESS.splitlines())
def test_what_is_no_secret_stays_as_it_is(line: str) -> None:
    assert Redactor(["hunter2-hunter2"])(line) == line


@pytest.mark.parametrize("form", sorted(FORMS))
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), before=AROUND, after=AROUND)
def test_a_secret_of_a_known_form_never_comes_through(form: str, seed: int, before: str, after: str) -> None:
    """Wherever it stands on its line: what goes before and after it is no letter of its own."""
    found = planted(form, seed)
    told = Redactor()("\n".join(lines(f"{before}\n2026-11-27T18:00:00.1234567Z {found.text}\n{after}")))
    assert found.secret not in told
    for start in range(0, len(found.secret) - 12, 4):
        assert found.secret[start : start + 12] not in told, told


@pytest.mark.parametrize("form", sorted(FORMS))
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_secret_in_the_middle_of_a_line_never_comes_through(form: str, seed: int) -> None:
    found = planted(form, seed)
    first, *rest = found.text.split("\n")
    text = "\n".join([f"[app] (18:00) said: {first.strip()}", *rest]) + " | and went on"
    assert found.secret not in Redactor()(text)


@given(st.sampled_from(sorted(FORMS)), st.integers(0, 2**32), st.data())
@settings(max_examples=200, deadline=None)
def test_colours_and_invisible_letters_hide_no_secret(form: str, seed: int, data: st.DataObject) -> None:
    found = planted(form, seed)
    at = data.draw(st.integers(1, len(found.text) - 1))
    hider = data.draw(
        st.sampled_from(
            ["\x1b[31m", "\x1b[0;1m", "\u200b", "\ufeff", "\u2060", "\x1b]8;;\x07", "\x00", "\u00ad"]
        )
    )
    hidden = found.text[:at] + hider + found.text[at:]
    assert found.secret not in Redactor()("\n".join(lines(hidden)))


@given(SECRET, AROUND, AROUND)
def test_no_form_of_a_known_value_comes_through(secret: str, before: str, after: str) -> None:
    redact = Redactor([secret])
    for text in (
        secret,
        json.dumps({"a": secret}),
        repr({"a": secret}),
        html.escape(secret),
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        base64.b64encode(b"user:" + secret.encode()).decode(),
    ):
        told = redact(f"{before}{text}{after}")
        assert secret not in told
        assert "***" in told


def test_the_values_of_variables_that_hold_secrets_are_known_by_their_names() -> None:
    redact = of_environment(
        {
            "GITHUB_TOKEN": "correct-horse",
            "SLACK_WEBHOOK_URL": "https://chat.internal/hooks/battery",
            "PULUMI_CONFIG_PASSPHRASE": "staple staple",
            "GITHUB_REPOSITORY": "leo/shopping",
            "SOME_TOKEN": "production",
        }
    )
    told = redact("correct-horse https://chat.internal/hooks/battery staple staple leo/shopping production")
    assert told == "*** *** *** leo/shopping production"


def test_what_github_masked_stays_masked_and_is_no_reason_to_mask_more() -> None:
    text = "  token: ***\nfetch https://x-access-token:***@github.com/leo/shop\nAuthorization: basic ***\nerror: it failed"
    assert Redactor()(text) == text
