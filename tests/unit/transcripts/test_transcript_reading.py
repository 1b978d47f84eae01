"""How transcripts of the documentation are read and compared: what may be another, and what may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.transcripts import Step, difference, steps

PAGE = """
# A page

```console
$ codeb status blog \\
    --stack dev
blog on codeb1: healthy
…
$ codeb open blog
```

```
$ not a transcript
```
"""


def test_commands_and_what_they_print_are_read(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    assert steps(page) == [
        Step("page.md", 5, "codeb status blog \\\n    --stack dev", ("blog on codeb1: healthy", "…")),
        Step("page.md", 9, "codeb open blog", ()),
    ]


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        (
            "r12  shop:1  2026-11-24 17:02:24 UTC (58 min left)",
            "r3 shop:1   2027-01-01 01:02:03 UTC (2 h left)",
        ),
        ("by ann@laptop, 3f1c09a4b7d2", "by root@10.77.0.1, 0123456789ab"),
        ("took 0.8 s", "took 12.4 s"),
        ("the next `pulumi up` …", "the next `pulumi up` leaves it"),
        ("a\n…\nd", "a\nb\nc\nd"),
        ("a\n…", "a"),
        ("2026-11-27 12:00:01.123  app/blue  x", "2026-11-27 13:00:01.999  app/blue  x"),
    ],
)
def test_what_may_be_another(said: str, printed: str) -> None:
    assert difference(Step("p", 1, "codeb", tuple(said.splitlines())), printed) == ""


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        ("healthy", "unhealthy"),
        ("healthy", ""),
        ("", "healthy"),
        ("a\n…\nd", "a\nb\nc"),
        ("shop:1", "shop:2"),
        ("ends …", "starts and ends"),
    ],
)
def test_what_may_not(said: str, printed: str) -> None:
    assert "+++ printed" in difference(Step("p", 1, "codeb", tuple(said.splitlines())), printed)
