"""Prometheus' rules as they get to a host."""

from __future__ import annotations

import pytest
import yaml

from codeb.render.quote import QuoteError
from codeb.render.rules import RULE_FILES, rule_files


def test_each_alert_leads_to_the_page_that_the_stack_names() -> None:
    found = rule_files("https://git.example.com/platform/docs/monitoring-runbooks.md")
    assert tuple(found) == RULE_FILES
    rules = [rule for group in yaml.safe_load(found["alerts.yml"])["groups"] for rule in group["rules"]]
    pages = {rule["annotations"]["runbook"].partition("#")[0] for rule in rules}
    assert pages == {"https://git.example.com/platform/docs/monitoring-runbooks.md"}
    assert "@RUNBOOKS@" not in "".join(found.values())


def test_without_a_page_of_its_own_it_is_that_of_the_clone() -> None:
    assert (
        "docs/monitoring-runbooks.md#projectdown" in rule_files("docs/monitoring-runbooks.md")["alerts.yml"]
    )


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        'https://x/"',
        "https://x/\n",
        "https://x/{{ query `up` }}",
        "https://x/\\",
        "https://x/#a",
        "x y",
        "<script>",
    ],
)
def test_what_would_break_out_of_its_quotes_is_refused(hostile: str) -> None:
    with pytest.raises(QuoteError):
        rule_files(hostile)
