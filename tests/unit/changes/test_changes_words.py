"""The words of a line: names of secrets only, hostile texts on their line, what the hosts say before what Pulumi thinks."""

from __future__ import annotations

from typing import Any

import pytest

from codeb.changes import from_comments, release_line, to_comments
from codeb.changes.release import Course, course_of
from codeb.changes.settings import CONTAINER, SITE
from tests.unit.changes.made import release_of

ONE, TWO = release_of({}), release_of({"environment": {"image": "reg.lab:5000/blog:2"}})
NEW = "a new release (blue-green): it takes over once it is healthy"


def live(serving: str, other: str = "", **more: Any) -> dict[str, Any]:
    marks = {"container": serving, "other": other, "site": ONE.summary[SITE]}
    return {"status": "healthy", "image": "reg.lab:5000/blog:1", "marks": marks, **more}


@pytest.mark.parametrize(
    ("status", "course"),
    [
        (None, Course.NEW),
        ({"status": "healthy"}, Course.NEW),  # an older agent
        (live(ONE.summary[CONTAINER]), Course.NEW),
        (live(TWO.summary[CONTAINER]), Course.STAYS),  # the run that released it was killed
        (live(TWO.summary[CONTAINER], status="unhealthy"), Course.AGAIN),
        (live(ONE.summary[CONTAINER], TWO.summary[CONTAINER]), Course.RESUMED),
        (live(ONE.summary[CONTAINER], TWO.summary[CONTAINER], withdrawn={"id": "r2"}), Course.HELD),
    ],
)
def test_what_the_host_says_counts(status: dict[str, Any] | None, course: Course) -> None:
    assert course_of(ONE.summary, TWO.summary, status) is course


def test_the_image_is_told_old_and_new() -> None:
    assert release_line("blog", ONE.summary, TWO.summary, None) == (
        f"blog: image reg.lab:5000/blog:1 → reg.lab:5000/blog:2. What users notice: {NEW}."
    )


def test_a_secret_is_told_by_its_name_alone() -> None:
    other = release_of({}, {"TOKEN": "swordfish-swordfish"})
    assert release_line("blog", ONE.summary, other.summary, None) == (
        f"blog: secret TOKEN. What users notice: {NEW}."
    )
    shown = to_comments(ONE.summary) + to_comments(other.summary)
    assert "hunter2" not in shown
    assert "swordfish" not in shown


def test_a_url_with_a_password_in_a_plain_variable_is_not_shown() -> None:
    made = release_of({"environment": {"variables": {"FEED": "https://ann:hunter2@feeds.example.com/x"}}})
    assert "hunter2" not in to_comments(made.summary)


def test_a_platform_that_sets_something_else_is_told_as_that() -> None:
    other = release_of({}, domain="other.test")
    line = release_line("blog", ONE.summary, other.summary, None)
    assert line == f"blog: what the platform sets for its container. What users notice: {NEW}."


def test_maintenance_is_noticed_at_once_and_restarts_nothing() -> None:
    made = release_of({"features": {"maintenance": {}}})
    line = release_line("blog", ONE.summary, made.summary, None)
    assert (
        line
        == "blog: features.maintenance off → on. What users notice: visitors get the maintenance page at once."
    )
    back = release_line("blog", made.summary, ONE.summary, None)
    assert back.endswith("What users notice: the maintenance page goes at once.")


@pytest.mark.parametrize(
    "text",
    [
        "a\nreboot",
        'x\r\n# environment.image: "y"',
        "'; reboot #",
        "$(id)",
        "`id`",
        "\x1b[2J",
        "\u2028",
        "é" * 8000,
    ],
)
def test_whatever_a_variable_holds_stays_in_its_comment(text: str) -> None:
    made = release_of({"environment": {"variables": {"V": text}}})
    lines = to_comments(made.summary).split("\n")[1:]
    assert all(line.startswith("# ") and line.isascii() and line.isprintable() for line in lines)
    assert len(lines) == len(made.summary)
    assert max(map(len, lines)) < 1200
    assert from_comments("codeb-agent remove" + to_comments(made.summary)) == made.summary


def test_another_size_of_its_own_redis_is_noticed() -> None:
    small, large = (release_of({"resources": {"cache": {"dedicated": size}}}) for size in ("64Mi", "128Mi"))
    line = release_line("blog", small.summary, large.summary, None)
    assert "its own Redis restarts" in line
    moved = release_line("blog", ONE.summary, small.summary, None)
    assert "its own Redis restarts" not in moved


HASH = "$2b$10$abcdefghijklmnopqrstuu23JPZtHcGhwXSF41f93o/7vBdDut3Xu"
DRAINED = "Caddy reloads after a drain, which fails no request"


def test_who_gets_in_is_told_by_name_and_never_by_hash() -> None:
    ann = release_of({"features": {"protect": {"users": {"ann": HASH}}}})
    other = release_of({"features": {"protect": {"users": {"ann": HASH[:-1] + "a"}}}})
    office = release_of({"features": {"protect": {"addresses": ["203.0.113.7"]}}})
    assert release_line("blog", ONE.summary, ann.summary, None) == (
        f"blog: features.protect none → on, login ann (new). What users notice: {DRAINED}; visitors are asked for a login."
    )
    assert release_line("blog", ann.summary, other.summary, None) == (
        f"blog: login ann. What users notice: {DRAINED}."
    )
    assert "visitors from other addresses than these are refused; more visitors get in" in release_line(
        "blog", ann.summary, office.summary, None
    )
    assert release_line("blog", office.summary, ONE.summary, None).endswith("everybody gets in.")
    for made in (ann, other):
        assert HASH[7:-2] not in to_comments(made.summary)
        assert HASH[7:-2] not in repr(made)


def test_what_is_told_of_redirects_headers_and_names_is_what_they_say() -> None:
    made = release_of(
        {
            "environment": {"aliases": ["old.lab.test", {"host": "www.lab.test", "serve": True}]},
            "features": {
                "redirects": [{"from": "/a/*", "to": "/b/*", "status": 301}],
                "headers": {"set": {"X-Robots-Tag": "noindex"}, "remove": ["X-Powered-By"]},
            },
        }
    )
    assert release_line("blog", ONE.summary, made.summary, None) == (
        "blog: environment.aliases none → old.lab.test, www.lab.test (serves), features.headers.remove as the app sends it "
        "→ X-Powered-By, features.headers.set.X-Robots-Tag as the app sends it → noindex, features.redirects./a/* none → "
        f"/b/* (301). What users notice: {DRAINED}."
    )
