"""`CODEB_REQUEST`: what may be asked for, and that nothing else passes, whatever somebody who may push writes into it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeb.model import RequestErrors, SettingsErrors, parse_request, parse_settings
from codeb.model.asked import LARGEST_BYTES, repository
from ops.request import VARIABLE, request_text

DIGEST = "sha256:" + "a" * 64
IMAGE = f"ghcr.io/leo/shop@{DIGEST}"
OPENING: dict[str, Any] = {"project": "shop", "pull": 12, "image": IMAGE, "until": "2026-11-30T12:00:00Z"}
WHOLE: dict[str, Any] = {
    "version": 1,
    "images": {"shop": IMAGE},
    "previews": {"open": {"shop-pr-12": OPENING}, "close": ["shop-pr-11"]},
    "pools": {
        "default": {"count": 3, "at": "2026-11-30T12:00:00Z", "reason": "CPU 78.0 % over 5m, above 70 %"}
    },
}
HOSTILE = [
    "../../etc/passwd", "shop; rm -rf /", "$(id)", "`id`", "shop\n", "shop\0", "@{secret:postgres/admin}", "@IMAGE@",
    "\u017fhop", "\u0455hop", "shop\u202e", "\ud800", "", " ", "-rf", "x" * 10_000, "%2e%2e", "{{ x }}", "'", '"', "\\",
]  # fmt: skip
WRONG_TYPES = [None, True, 1, 1.5, [], {}, ["x"], {"a": 1}, 10**40]


def wrong(document: object) -> list[str]:
    """The lines that are said of a request."""
    with pytest.raises(RequestErrors) as caught:
        parse_request(document if isinstance(document, str) else json.dumps(document))
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{VARIABLE}: ") and line.isprintable() for line in lines), lines
    assert all(len(line) < 600 for line in lines), "a message does not repeat a huge value"
    return lines


def opening(**edits: Any) -> dict[str, Any]:
    return {"version": 1, "previews": {"open": {"shop-pr-12": OPENING | edits}}}


def test_a_whole_request_is_read() -> None:
    asked = parse_request(json.dumps(WHOLE))
    assert asked.images == {"shop": IMAGE}
    assert asked.previews.open["shop-pr-12"].pull == 12
    assert asked.previews.close == ("shop-pr-11",)
    assert asked.pools["default"].count == 3
    assert parse_request(request_text({}, {}, [], pools=WHOLE["pools"])).pools == asked.pools


@pytest.mark.parametrize(
    ("edits", "place", "words"),
    [
        ({"count": 1}, "count", "out of range"),
        ({"count": 51}, "count", "out of range"),
        ({"count": "3"}, "count", "is not a whole number"),
        ({"count": 2.5}, "count", "is not a whole number"),
        ({"at": "yesterday"}, "at", "is not a time in UTC"),
        ({"at": "2026-02-30T12:00:00Z"}, "at", "is no date"),
        ({"reason": "a\nb"}, "reason", "U+000A"),
        ({"reason": "\u202eb"}, "reason", "U+202E"),
        ({"reason": "@{secret:postgres/admin}"}, "reason", ""),
        ({"by": "me"}, "by", "unknown key"),
    ],
)
def test_what_is_wrong_with_a_number_of_servers(edits: dict[str, Any], place: str, words: str) -> None:
    (line,) = wrong({"version": 1, "pools": {"default": WHOLE["pools"]["default"] | edits}})
    assert line.startswith(f"{VARIABLE}: pools.default.{place}: ")
    assert words in line


@pytest.mark.parametrize("name", HOSTILE)
def test_a_pool_s_name_has_its_form(name: str) -> None:
    wrong({"version": 1, "pools": {name: WHOLE["pools"]["default"]}})


@pytest.mark.parametrize("text", [None, ""])
def test_without_text_nothing_is_asked(text: str | None) -> None:
    """Workflows set a variable that nobody gave a value to the empty text."""
    asked = parse_request(text)
    assert not asked.images
    assert not asked.previews.open
    assert not asked.previews.close


def test_what_the_commands_write_is_what_the_program_reads_in_one_form_only() -> None:
    opened: dict[str, Any] = {"shop-pr-12": OPENING, "blog-pr-1": OPENING | {"project": "blog", "pull": 1}}
    text = request_text({"shop": IMAGE, "blog": IMAGE}, opened, ["b-pr-2", "a-pr-1", "b-pr-2"])
    other = request_text({"blog": IMAGE, "shop": IMAGE}, dict(reversed(opened.items())), ["a-pr-1", "b-pr-2"])
    assert text == other
    assert parse_request(text).previews.close == ("a-pr-1", "b-pr-2")
    assert "\n" not in text


@pytest.mark.parametrize("value", [*HOSTILE, *WRONG_TYPES])
@pytest.mark.parametrize("field", ["project", "image", "until"])
def test_no_hostile_text_and_no_other_type_passes_for_a_field_of_an_environment(
    field: str, value: object
) -> None:
    assert any(f"previews.open.shop-pr-12.{field}" in line for line in wrong(opening(**{field: value})))


@pytest.mark.parametrize("value", [*HOSTILE, None, True, 1.5, "12", 0, -1, 10**9, 10**40, [], {}])
def test_a_pull_request_is_a_number(value: object) -> None:
    assert any("previews.open.shop-pr-12.pull" in line for line in wrong(opening(pull=value)))


@pytest.mark.parametrize("value", [*HOSTILE, *WRONG_TYPES])
def test_no_hostile_text_passes_for_an_image_or_a_name(value: object) -> None:
    assert wrong({"version": 1, "images": {"shop": value}})
    assert wrong({"version": 1, "previews": {"close": [value]}})
    if value != []:
        assert wrong({"version": 1, "previews": {"close": value}})
    if isinstance(value, str):
        assert wrong({"version": 1, "images": {value: IMAGE}})
        assert wrong({"version": 1, "previews": {"open": {value: OPENING}}})


@pytest.mark.parametrize(
    "image",
    [
        "ghcr.io/leo/shop:main", f"ghcr.io/leo/shop:main@{DIGEST}", f"shop@{DIGEST}", f"ghcr.io/leo/../shop@{DIGEST}",
        f"ghcr.io/leo/shop@{DIGEST.upper()}", f"ghcr.io/leo/shop@{DIGEST}0", f"https://ghcr.io/leo/shop@{DIGEST}",
        f"ghcr.io/Leo/shop@{DIGEST}", f"ghcr.io/leo/shop@{DIGEST}\n", "ghcr.io/leo/shop@sha512:" + "a" * 128,
    ],
)  # fmt: skip
def test_an_image_is_repository_and_digest_and_nothing_else(image: str) -> None:
    assert any("images.shop" in line for line in wrong({"version": 1, "images": {"shop": image}}))


@pytest.mark.parametrize(
    "until",
    [
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-11-30",
        "2026-11-30T12:00:00+01:00",
        "2026-11-30 12:00:00Z",
        "٢026-11-30T12:00:00Z",
    ],
)
def test_a_time_is_one_that_there_is_in_utc(until: str) -> None:
    assert any("until" in line for line in wrong(opening(until=until)))


@pytest.mark.parametrize(
    "text",
    [
        "null", "[]", "1", '"x"', "{", "{}x", '{"version": 1', '{"version": NaN}', '{"version": 1e999}',
        '{"version": 1, "version": 1}', '{"version": 2}', '{"version": true}', '{"version": "1"}', "{}",
        '{"version": 1, "images": null}', '{"version": 1, "pins": {}}', "[" * 60_000, '{"a":' * 10_000,
        '{"version": ' + "9" * 5000 + "}", '{"version": 1, "images": {"shop": "\\ud800"}}',
        '{"version": 1, "previews": {"open": {"shop-pr-12": {"force": true}}}}', "\0", "\udcff",
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(text: str) -> None:
    assert wrong(text)


def test_a_request_is_at_most_64_kib() -> None:
    assert wrong(json.dumps(WHOLE) + " " * LARGEST_BYTES)[0].startswith(f"{VARIABLE}: is larger than 64 KiB.")
    assert parse_request(json.dumps(WHOLE).ljust(LARGEST_BYTES)).images


def test_a_name_is_the_one_of_its_project_and_number() -> None:
    other = {"version": 1, "previews": {"open": {"blog-pr-12": OPENING}}}
    assert wrong(other) == [
        f'{VARIABLE}: previews.open.blog-pr-12: is pull request 12 of shop, whose name is "shop-pr-12". Write that name.'
    ]


def test_a_deployed_image_and_the_manifest_s_are_one_too_many() -> None:
    assert wrong({"version": 1, "images": {"shop": IMAGE}, "unpin": ["shop"]})
    assert wrong({"version": 1, "unpin": ["../shop"]})
    assert parse_request('{"version": 1, "unpin": ["shop"]}').unpin == ("shop",)


def test_to_open_and_to_close_is_refused() -> None:
    both = {"version": 1, "previews": {"open": {"shop-pr-12": OPENING}, "close": ["shop-pr-12"]}}
    assert wrong(both) == [
        f"{VARIABLE}: previews.open.shop-pr-12: is to open and to close. Write one of the two."
    ]


def test_every_problem_is_told_at_once() -> None:
    lines = wrong(
        {"version": 1, "images": {"shop": "x"}, "previews": {"open": {"shop-pr-12": {}}, "close": ["x"]}}
    )
    places = [line.split(": ")[1] for line in lines]
    assert places == sorted([
        "images.shop", "previews.close[0]",
        *(f"previews.open.shop-pr-12.{each}" for each in ("image", "project", "pull", "until")),
    ])  # fmt: skip


@given(st.text(min_size=1, max_size=300))
def test_any_text_is_refused_with_words(text: str) -> None:
    assert wrong(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    ).map(lambda value: {"version": 1, "images": value, "previews": value})
)
def test_any_document_is_refused_with_words_or_asks_for_nothing(document: dict[str, Any]) -> None:
    if document["images"] == {} and document["previews"] == {}:
        assert not parse_request(json.dumps(document)).images
    else:
        assert wrong(document)


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("ghcr.io/leo/shop:main", "ghcr.io/leo/shop"),
        (f"registry.lab.test:5000/shop@{DIGEST}", "registry.lab.test:5000/shop"),
        (f"registry.lab.test:5000/shop:1@{DIGEST}", "registry.lab.test:5000/shop"),
        ("localhost/lab/shop:1", "localhost/lab/shop"),
    ],
)
def test_the_repository_of_an_image_has_its_registry_and_neither_tag_nor_digest(
    image: str, name: str
) -> None:
    assert repository(image) == name


SERVER = {"name": "one", "address": "10.0.0.1", "knownHostsFile": "known_hosts"}


def settings(**values: Any) -> dict[str, Any]:
    return {"domain": "example.com", "servers": [SERVER], **values}


@pytest.mark.parametrize("nothing", [{}, ""])
def test_without_the_setting_a_stack_has_no_preview_environments(nothing: object) -> None:
    """`Pulumi.yaml` has to declare a default, which is the empty mapping."""
    assert parse_settings(settings(previews=nothing)).previews is None


def test_limits_have_defaults_and_understand_pulumi_s_texts() -> None:
    found = parse_settings(settings(development="true", previews={"max": "3", "cpu": "0.25"})).previews
    assert found is not None
    assert (found.max, found.ttl_hours, found.cpu, found.memory, found.domain) == (
        3,
        72,
        0.25,
        256 << 20,
        None,
    )


@pytest.mark.parametrize(
    ("previews", "said"),
    [
        ({"max": 0}, "codeb:previews.max: 0 is out of range"),
        ({"max": "many"}, "codeb:previews.max"),
        ({"cpu": "x"}, "codeb:previews.cpu"),
        ({"cpu": "nan"}, "codeb:previews.cpu"),
        ({"ttlHours": 0}, "codeb:previews.ttlHours"),
        ({"memory": "1"}, "codeb:previews.memory"),
        ({"domain": "*.example.com"}, "codeb:previews.domain"),
        ({"maximum": 1}, "codeb:previews.maximum: unknown key"),
    ],
)
def test_a_wrong_limit_is_named(previews: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsErrors, match=said.replace(".", r"\.")):
        parse_settings(settings(development=True, previews=previews))


def test_a_stack_that_is_no_development_has_none() -> None:
    with pytest.raises(
        SettingsErrors, match="codeb:previews: pull requests run on stacks to try things on only"
    ):
        parse_settings(settings(previews={"max": 5}))
