"""Whatever a manifest says of visitors, Caddy reads it as that and as nothing else; what it may not say is refused."""

from __future__ import annotations

import base64
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeb.model import ManifestErrors, ManifestSource, load_manifests, parse_settings
from codeb.plan import Plan, make_plan
from codeb.render import release_document
from codeb.render.project import site
from codeb.render.quote import QuoteError, caddy_host, caddy_line, caddy_login, caddy_path, caddy_target
from codeb.render.visitors import logins

from .test_consumers import caddy

HASH = "$2b$10$abcdefghijklmnopqrstuu23JPZtHcGhwXSF41f93o/7vBdDut3Xu"
SETTINGS = parse_settings(
    {
        "domain": "lab.test",
        "tlsIssuer": "internal",
        "servers": [
            {
                "name": "codeb1",
                "address": "10.77.0.2",
                "privateAddress": "10.77.0.2",
                "knownHostsFile": "known_hosts",
            }
            | {"roles": ["app", "data", "edge"]}
        ],
    }
)
SNIPPETS = "".join(
    f"({name}) {{\n}}\n" for name in ("site", "listener", "errors", "visitor", "answer")
) + "(upstream) {\n\tlb_try_duration 3s\n}\n"  # fmt: skip

segment = st.from_regex(r"[A-Za-z0-9_~-][A-Za-z0-9_~.-]{0,8}", fullmatch=True)
path = st.lists(segment, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
label = st.from_regex(r"[a-z][a-z0-9]{0,7}", fullmatch=True)
host = st.lists(label, min_size=1, max_size=2).map(lambda parts: ".".join([*parts, "example", "com"]))
value = st.text(
    st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="{}\\`"), min_size=1, max_size=60
)
name = st.from_regex(r"X-[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,4})?", fullmatch=True).filter(
    lambda text: not text.lower().startswith(("x-codeb-", "x-frame", "x-content"))
)
PIECES = [
    *("/", "a", "*", "{", "}", "{env.HOME}", "{$HOME}", "{file./etc/passwd}", "\n", "\r\n", " ", '"', "`", "\\", "#"),
    *("//", "https://", "evil.test", "@", ":", "?", "%0a", "%", "..", "import x", "respond", "$2b$10$", "\t", "\0"),
    *("<<E", "@{", "é", "\u2028"),
]  # fmt: skip
hostile = st.one_of(st.text(max_size=30), st.lists(st.sampled_from(PIECES), max_size=8).map("".join))


def plan_of(environment: dict[str, Any], features: dict[str, Any]) -> Plan:
    document = {
        "project": {"id": "shop"},
        "environment": {"domain": "shop.example.com", "image": "ghcr.io/x/shop:1", **environment},
        "features": features,
    }
    source = ManifestSource("shop.yaml", json.dumps(document))
    return make_plan(SETTINGS, load_manifests([source], SETTINGS), None)


def adapted(plan: Plan) -> dict[str, Any]:
    text = SNIPPETS + site(plan, plan.project("shop"), plan.server("codeb1"))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "Caddyfile"
        file.write_text(text)
        result = caddy("adapt", "--adapter", "caddyfile", "--config", str(file), home=Path(folder))
    assert result.returncode == 0, f"{result.stderr}\n{text}"
    return json.loads(result.stdout)["apps"]["http"]["servers"]  # type: ignore[no-any-return]


def found(value: Any, **wanted: Any) -> list[dict[str, Any]]:
    """Every mapping of a document that has these keys with these values."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    here = [value] if isinstance(value, dict) and wanted.items() <= value.items() else []
    return [*here, *(each for one in inner for each in found(one, **wanted))]


redirects = st.lists(
    st.fixed_dictionaries(
        {
            "from": st.builds(
                lambda base, below: f"/from{base}{below}", path, st.sampled_from(["", "/", "/*"])
            ),
            "to": st.one_of(
                st.builds(lambda base: f"/to{base}", path),
                st.builds(lambda origin, base: f"https://{origin}{base}", host, path),
                st.builds(lambda origin: f"https://{origin}", host),
            ),
            "status": st.sampled_from([301, 308]),
        }
    ),
    max_size=3,
    unique_by=lambda each: each["from"].lower(),
)
features = st.fixed_dictionaries(
    {},
    optional={
        "redirects": redirects,
        "headers": st.fixed_dictionaries(
            {"set": st.dictionaries(name, value.map(str.strip).filter(bool), max_size=3)}
        ),
        "protect": st.fixed_dictionaries(
            {
                "users": st.dictionaries(
                    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,9}", fullmatch=True),
                    st.just(HASH),
                    min_size=1,
                    max_size=3,
                )
            },
            optional={"addresses": st.just(["203.0.113.0/24", "2001:db8::/32"])},
        ),
    },
)


@given(features, st.lists(host, max_size=3, unique=True), st.booleans())
@settings(deadline=None, max_examples=25)
def test_caddy_reads_what_the_manifest_says(said: dict[str, Any], hosts: list[str], serve: bool) -> None:
    names = [
        wild for number, each in enumerate(hosts) for wild in [f"*.{each}" if number % 2 else f"a.{each}"]
    ]
    seen = said.get("headers", {}).get("set", {})
    if len({each.lower() for each in seen}) < len(seen):
        return
    plan = plan_of({"aliases": [{"host": each, "serve": serve} for each in names]}, said)
    servers = adapted(plan)
    matched = [each for route in found(servers) if "host" in route for each in route["host"]]
    assert set(matched) == {"shop.example.com", *names}
    accounts = [
        each for provider in found(servers) if "accounts" in provider for each in provider["accounts"]
    ]
    users = said.get("protect", {}).get("users", {})
    assert {each["username"]: each["password"] for each in accounts} == users
    down = [each["headers"]["response"]["set"] for each in found(servers, handler="reverse_proxy") if seen]
    assert all(
        {key.lower(): one for key, [one] in each.items()} == {k.lower(): v for k, v in seen.items()}
        for each in down
    )
    answers = [
        each for each in found(servers, handler="static_response") if each.get("status_code") in (301, 308)
    ]
    sent = [each["headers"]["Location"][0] for each in answers]
    for each in said.get("redirects", ()):
        target = each["to"] if each["to"].startswith("https") else "https://{http.request.host}" + each["to"]
        assert any(location.startswith(target) for location in sent), (target, sent)


@given(
    st.lists(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,12}", fullmatch=True), min_size=1, max_size=4),
    st.text(max_size=12),
    st.text(max_size=12),
)
@settings(deadline=None, max_examples=400)
def test_logins_that_there_are_are_told_from_others_without_a_hash(
    users: list[str], other: str, password: str
) -> None:
    pattern = re.compile(logins(users))
    for one in (*users, other):
        if ":" not in one:
            given = base64.b64encode(f"{one}:{password}".encode()).decode()
            assert bool(pattern.match(f"bAsic {given}")) == (one in users)


FIELDS: dict[str, Any] = {
    "from": lambda text: {"redirects": [{"from": text, "to": "/b"}]},
    "to": lambda text: {"redirects": [{"from": "/a", "to": text}]},
    "rest": lambda text: {"redirects": [{"from": "/a/*", "to": text + "/*"}]},
    "value": lambda text: {"headers": {"set": {"X-A": text}}},
    "name": lambda text: {"headers": {"set": {text: "a"}}},
    "remove": lambda text: {"headers": {"remove": [text]}},
    "hsts": lambda text: {"headers": {"set": {"Strict-Transport-Security": f"max-age=31536000{text}"}}},
    "user": lambda text: {"protect": {"users": {text: HASH}}},
    "hash": lambda text: {"protect": {"users": {"ann": text}}},
    "end of hash": lambda text: {"protect": {"users": {"ann": HASH + text}}},
    "address": lambda text: {"protect": {"addresses": [text]}},
}


def _planned(environment: dict[str, Any], features: dict[str, Any]) -> tuple[Plan | None, str]:
    """The plan, or what is said against the manifest."""
    try:
        return plan_of(environment, features), ""
    except ManifestErrors as error:
        return None, str(error)


@pytest.mark.parametrize("field", FIELDS)
@given(text=hostile)
@settings(deadline=None, max_examples=150)
def test_hostile_text_is_refused_or_changes_nothing_of_the_site_s_form(field: str, text: str) -> None:
    plan, said = _planned({}, FIELDS[field](text))
    if plan is None:
        assert "hash" not in field or len(text) <= 8 or text not in said
        return
    calm = {
        "from": "/x",
        "to": "/y",
        "rest": "/y",
        "hash": HASH,
        "end of hash": "",
        "address": "203.0.113.7",
        "hsts": "",
    }
    wanted = plan_of({}, FIELDS[field](calm.get(field, "Xa")))
    lines, same = (
        release_document(each, each.project("shop"))["site"].splitlines() for each in (plan, wanted)
    )
    different = [one for one in lines if one not in same]
    assert len(different) <= 3, "it stays in its place"
    for one in different:
        assert "{" not in one.replace("{host}", "").replace("{uri}", "").replace(
            "{http.request.uri.prefixed_query}", ""
        )
        assert one.isprintable() or one.lstrip("\t").isprintable()


@pytest.mark.parametrize("serve", [True, False])
@given(text=hostile)
@settings(deadline=None, max_examples=150)
def test_hostile_host_names_are_refused(serve: bool, text: str) -> None:
    for one in (text, f"*.{text}", f"{text}.example.com"):
        plan, _ = _planned({"aliases": [{"host": one, "serve": serve}]}, {})
        if plan is None:
            continue
        assert set(plan.project("shop").hosts[1]) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-*")


@given(hostile)
@settings(deadline=None, max_examples=300)
def test_quoting_takes_nothing_on_trust(text: str) -> None:
    for quote, kept in (
        (caddy_host, text),
        (caddy_path, text),
        (caddy_target, text),
        (caddy_line, f"`{text}`"),
    ):
        try:
            said = quote(text)
        except QuoteError:
            continue
        assert said == kept
        assert not set(said) & set("{}\\\n\r\0")
        assert quote is caddy_line or not set(said) & set(' "`')
    for user, hashed in ((text, HASH), ("ann", text)):
        try:
            line = caddy_login(user, hashed)
        except QuoteError as error:
            said = str(error)
        else:
            assert line.split() == [user, hashed]
            continue
        assert hashed == HASH or len(text) < 8 or text not in said
