"""Names of a site: who visits, who of the stack itself comes."""

from __future__ import annotations

import pytest

from agent.edge import names

VISITORS = "shop.example.com, www.shop.example.com {\n\timport site\n}\n"
INNER = "http://shop.inner:8100 {\n\timport headers\n}\n"
FIGURES = "http://shop.metrics:2020 {\n\trewrite * /metrics\n}\n"


@pytest.mark.parametrize(
    ("text", "public", "inner"),
    [
        (VISITORS, ("shop.example.com", "www.shop.example.com"), None),
        (VISITORS + FIGURES, ("shop.example.com", "www.shop.example.com"), None),
        (VISITORS + INNER + FIGURES, ("shop.example.com", "www.shop.example.com"), "shop.inner:8100"),
        (INNER + FIGURES, (), "shop.inner:8100"),
        (FIGURES + INNER, (), "shop.inner:8100"),
    ],
)
def test_the_door_of_figures_is_no_door_of_edges_and_no_visitors(
    text: str, public: tuple[str, ...], inner: str | None
) -> None:
    assert names.public(text) == public
    assert names.inner(text) == inner
    assert not names.without_tls(text)


def test_it_is_there_for_other_names_of_the_site_too() -> None:
    left = names.composed(VISITORS + FIGURES, ["shop.example.com", "shop.metrics:2020"])
    assert names.addresses(left) == ("shop.example.com", "shop.metrics:2020")
    assert "rewrite * /metrics" in left
