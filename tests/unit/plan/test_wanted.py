"""What is asked for and what the registry keeps: what runs, what ends, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from delivering import PLAIN, SETTINGS, UNTIL, Stack, asks, built, manifest, opening, settings_of

from codeb import registry
from codeb.model import (
    ManifestErrors,
    ManifestSource,
    RequestErrors,
    load_manifests,
    parse_request,
    read_sources,
    say_of_manifests,
)
from codeb.plan import Kept, Pin, Plan, PlanError, merged, read_kept
from ops.request import request_text

SHOP, BLOG = manifest("shop"), manifest("blog")
RECORDED = sorted((Path(__file__).parents[2] / "upgrades").glob("*.json"))
OPEN_12 = asks(opened={"shop-pr-12": opening("shop", 12)})


def image_of(plan: Plan, project: str) -> str:
    return plan.project(project).manifest.environment.image


def refused(run: Callable[[], object], kind: type[Exception] = RequestErrors) -> str:
    with pytest.raises(kind) as caught:
        run()
    return str(caught.value)


def opened(stack: Stack) -> Stack:
    stack.run(SHOP, BLOG, asked=OPEN_12)
    return stack


def test_a_deployed_image_runs_in_place_of_the_manifest_s_and_every_later_run_keeps_it() -> None:
    stack = Stack(PLAIN)
    assert image_of(stack.run(SHOP), "shop") == "ghcr.io/leo/shop:main"
    plan = stack.run(SHOP, asked=asks({"shop": built("shop")}))
    assert image_of(plan, "shop") == built("shop")
    assert plan.notes == (
        f"shop: {built('shop')} is deployed in place of its manifest's ghcr.io/leo/shop:main.",
    )
    later = stack.run(SHOP)
    assert image_of(later, "shop") == built("shop")
    assert later.notes == ("Deployed images run in place of the manifests' (registry.images): shop.",)
    assert stack.remembered is not None
    assert stack.remembered["images"] == {
        "shop": {"image": built("shop"), "instead_of": "ghcr.io/leo/shop:main"}
    }


def test_hints_are_about_what_runs_and_said_once() -> None:
    """A tag that moves is none where something else runs; an environment has the lines of its project's manifest."""
    old = manifest("blog", features={"websockets": True})
    sources = [ManifestSource(f"{each['project']['id']}.yaml", json.dumps(each)) for each in (SHOP, old)]
    written = load_manifests(sources, SETTINGS)
    asked = parse_request(asks({"shop": built("shop")}, {"blog-pr-1": opening("blog", 1)}))
    found = merged(written, SETTINGS, None, asked).manifests
    assert [hint.file for hint in say_of_manifests(written)] == ["blog.yaml", "blog.yaml", "shop.yaml"]
    assert [hint.file for hint in say_of_manifests(found)] == ["blog.yaml", "blog.yaml"]
    assert found.derived == {"blog-pr-1": "blog"}
    assert found.files["blog-pr-1"] == "blog.yaml (preview environment blog-pr-1)"


def test_a_manifest_that_names_another_image_has_the_last_word_and_says_so() -> None:
    stack = Stack(PLAIN)
    stack.run(SHOP, asked=asks({"shop": built("shop")}))
    plan = stack.run(manifest("shop", "ghcr.io/leo/shop:2.0.0"))
    assert image_of(plan, "shop") == "ghcr.io/leo/shop:2.0.0"
    assert plan.notes == (
        f"shop: the deployed {built('shop')} ends, as its manifest names ghcr.io/leo/shop:2.0.0 now.",
    )
    assert "images" not in (stack.remembered or {})
    assert image_of(stack.run(SHOP), "shop") == "ghcr.io/leo/shop:main", "what was ended stays ended"


def test_an_image_that_is_taken_back_makes_room_for_the_manifest_s() -> None:
    stack = Stack(PLAIN)
    stack.run(SHOP, asked=asks({"shop": built("shop")}))
    plan = stack.run(SHOP, asked=request_text({}, {}, [], ["shop"]))
    assert image_of(plan, "shop") == "ghcr.io/leo/shop:main"
    assert plan.notes == (f"shop: the deployed {built('shop')} was taken back.",)
    assert "images" not in (stack.remembered or {})
    assert stack.run(SHOP, asked=request_text({}, {}, [], ["shop", "nobody"])).notes == ()


def test_a_request_is_after_the_manifest_s_last_word() -> None:
    stack = Stack(PLAIN)
    stack.run(SHOP, asked=asks({"shop": built("shop")}))
    edited = manifest("shop", "ghcr.io/leo/shop:2.0.0")
    plan = stack.run(edited, asked=asks({"shop": built("shop", 2)}))
    assert plan.kept.images == {"shop": Pin(built("shop", 2), "ghcr.io/leo/shop:2.0.0")}


def test_the_image_that_the_manifest_names_itself_is_kept_too() -> None:
    """So that it is among those that go on from one stack to the next."""
    stack = Stack(PLAIN)
    same = manifest("shop", built("shop"))
    stack.run(same, asked=asks({"shop": built("shop")}))
    assert stack.run(same).kept.images == {"shop": Pin(built("shop"), built("shop"))}


def test_a_deployed_image_goes_with_its_manifest() -> None:
    stack = Stack(PLAIN)
    stack.run(SHOP, BLOG, asked=asks({"shop": built("shop")}))
    assert not stack.run(BLOG).kept.images
    assert image_of(stack.run(SHOP, BLOG), "shop") == "ghcr.io/leo/shop:main"


def test_an_unknown_project_and_another_repository_are_refused_and_nothing_is_remembered() -> None:
    stack = Stack(PLAIN)
    stack.run(SHOP)
    before = json.dumps(stack.remembered)
    wish = asks({"shop": built("shop", of="mallory"), "other": built("other")})
    assert refused(lambda: stack.run(SHOP, asked=wish)).splitlines() == [
        "CODEB_REQUEST: images.other: no manifest has this id. Add its manifest first, or correct the id.",
        "CODEB_REQUEST: images.shop: ghcr.io/leo/mallory is not the repository that manifests/shop.yaml names. "
        "Push to ghcr.io/leo/shop, or name the other one in environment.image.",
    ]
    assert json.dumps(stack.remembered) == before


def test_a_preview_environment_is_a_project_of_its_own_until_it_is_closed() -> None:
    stack = Stack()
    plan = stack.run(SHOP, asked=OPEN_12)
    assert [(each.id, each.domain, each.lifecycle) for each in plan.projects] == [
        ("shop", "shop.lab.test", "retain"),
        ("shop-pr-12", "shop-pr-12.lab.test", "destroy"),
    ]
    assert f"shop-pr-12: preview environment of shop's pull request 12, until {UNTIL}." in plan.notes
    kept = stack.run(SHOP)
    assert [each.id for each in kept.projects] == ["shop", "shop-pr-12"]
    assert not kept.notes
    closed = stack.run(SHOP, asked=asks(closed=("shop-pr-12",)))
    assert [each.id for each in closed.projects] == ["shop"]
    assert closed.notes == (
        "shop-pr-12: preview environment that was closed: it ends, data and all.",
        "shop-pr-12 leaves: its app stops at the end of this run; deleted with it (lifecycle: destroy): "
        "database shop_pr_12_db and bucket shop-pr-12-uploads.",
    )
    assert not closed.retained
    assert "previews" not in (stack.remembered or {})


def test_it_gets_what_is_free_and_its_project_keeps_what_it_has() -> None:
    stack = Stack()
    before = stack.run(SHOP, BLOG).project("shop")
    plan = stack.run(SHOP, BLOG, asked=OPEN_12)
    after, beside = plan.project("shop"), plan.project("shop-pr-12")
    assert after == before
    assert beside.ports.both != before.ports.both
    assert beside.cache is not None
    assert before.cache is not None
    assert beside.cache.index != before.cache.index
    assert (beside.user, beside.database and beside.database.name) == ("shop_pr_12", "shop_pr_12_db")


def test_a_push_gives_it_another_image_and_another_time() -> None:
    stack = opened(Stack())
    again = {"shop-pr-12": {**opening("shop", 12, 2), "until": "2026-12-01T00:00:00Z"}}
    plan = stack.run(SHOP, BLOG, asked=asks(opened=again))
    assert image_of(plan, "shop-pr-12") == built("shop", 2)
    assert plan.notes == ("shop-pr-12: preview environment with another image, until 2026-12-01T00:00:00Z.",)
    assert plan.project("shop-pr-12").ports == stack.plans[0].project("shop-pr-12").ports


def test_it_goes_with_its_project_s_manifest() -> None:
    stack = opened(Stack())
    plan = stack.run(BLOG)
    assert [each.id for each in plan.projects] == ["blog"]
    assert "shop-pr-12: preview environment that goes with shop: it ends, data and all." in plan.notes
    assert [each.id for each in plan.retained] == ["shop"], "the project's own data is kept"


def test_closing_what_is_closed_changes_nothing() -> None:
    stack = opened(Stack())
    stack.run(SHOP, BLOG, asked=asks(closed=("shop-pr-12",)))
    stack.gone()
    before = json.dumps(stack.remembered)
    plan = stack.run(SHOP, BLOG, asked=asks(closed=("shop-pr-12", "never-pr-1")))
    assert not plan.notes
    assert json.dumps(stack.remembered) == before


def test_a_deployed_image_of_the_project_is_none_of_its_preview_environment_s() -> None:
    stack = opened(Stack())
    plan = stack.run(SHOP, BLOG, asked=asks({"shop": built("shop", 7)}))
    assert (image_of(plan, "shop"), image_of(plan, "shop-pr-12")) == (built("shop", 7), built("shop", 1))


def test_more_than_the_limit_is_refused_and_names_who_is_open() -> None:
    stack = opened(Stack())
    two = {f"blog-pr-{number}": opening("blog", number) for number in (1, 2)}
    assert refused(lambda: stack.run(SHOP, BLOG, asked=asks(opened=two))) == (
        "CODEB_REQUEST: previews.open.blog-pr-1: 3 preview environments are more than 2 (codeb:previews.max); open are: "
        "shop-pr-12. Close one, or raise codeb:previews.max."
    )
    swapped = asks(opened=two, closed=("shop-pr-12",))
    assert sorted(stack.run(SHOP, BLOG, asked=swapped).kept.previews) == ["blog-pr-1", "blog-pr-2"]


def test_a_lower_limit_ends_nobody_and_lets_those_that_are_open_go_on() -> None:
    stack = opened(Stack())
    stack.run(SHOP, BLOG, asked=asks(opened={"blog-pr-1": opening("blog", 1)}))
    stack.settings = settings_of(previews={"max": 1})
    again = asks(opened={"shop-pr-12": opening("shop", 12, 2)})
    assert len(stack.run(SHOP, BLOG, asked=again).kept.previews) == 2


def test_without_the_setting_it_is_refused() -> None:
    assert refused(lambda: Stack(PLAIN).run(SHOP, asked=OPEN_12)) == (
        "codeb:previews: is not set, and there are to be preview environments: shop-pr-12. "
        "Write codeb:previews: {max: 5} on a stack with codeb:development: true, or close them."
    )


def test_a_setting_that_goes_before_they_are_closed_stops_the_run_until_they_are() -> None:
    stack = opened(Stack())
    stack.settings = PLAIN
    assert "codeb:previews: is not set" in refused(lambda: stack.run(SHOP, BLOG))
    assert len(stack.run(SHOP, BLOG, asked=asks(closed=("shop-pr-12",))).projects) == 2


def test_names_have_40_characters_and_the_refusal_says_who_may_have_one() -> None:
    long = manifest("a" * 35)
    key = f"{'a' * 35}-pr-12"
    wish = asks(opened={key: opening("a" * 35, 12)})
    assert refused(lambda: Stack().run(long, asked=wish)) == (
        f"CODEB_REQUEST: previews.open.{key}: has 41 characters, and ids have 40 at most. Only a project whose id has up to "
        "34 can have this pull request's environment."
    )
    fits = manifest("a" * 34)
    assert Stack().run(fits, asked=asks(opened={f"{'a' * 34}-pr-12": opening("a" * 34, 12)})).kept.previews


def test_a_domain_of_its_own_may_be_too_long_and_the_error_names_environment_and_manifest() -> None:
    stack = Stack(settings_of(previews={"max": 2, "domain": ".".join(["x" * 60] * 4)}))
    said = refused(lambda: stack.run(SHOP, asked=OPEN_12), ManifestErrors)
    assert said.startswith("manifests/shop.yaml (preview environment shop-pr-12): environment.domain: ")
    assert "is longer than 253 characters" in said
    assert said.endswith(
        "Or end the preview environment: `codeb ci environments close` ends it (docs/previews.md)."
    )


def test_environments_have_the_domain_of_the_setting() -> None:
    stack = Stack(settings_of(previews={"domain": "preview.example.com"}))
    assert stack.run(SHOP, asked=OPEN_12).project("shop-pr-12").domain == "shop-pr-12.preview.example.com"


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (manifest("other", environment={"domain": "shop-pr-12.open.test"}),
         'environment.domain: host name "shop-pr-12.open.test" belongs to manifests/other.yaml.'),
        (manifest("other", environment={"aliases": [{"host": "*.open.test", "serve": True}]}),
         'environment.domain: host name "shop-pr-12.open.test" overlaps "*.open.test" of manifests/other.yaml'),
        (manifest("shop-pr-12-app"), 'project.id: database "shop_pr_12_db" belongs to manifests/shop-pr-12-app.yaml.'),
    ],
    ids=["domain", "wildcard", "database"],
)  # fmt: skip
def test_what_it_would_share_with_another_manifest_is_refused(other: dict[str, Any], said: str) -> None:
    settings = settings_of(previews={"domain": "open.test"}, tlsIssuer="internal")
    found = refused(lambda: Stack(settings).run(SHOP, other, asked=OPEN_12), ManifestErrors)
    assert found.startswith(f"manifests/shop.yaml (preview environment shop-pr-12): {said}")


def test_nor_does_it_share_with_data_that_is_kept() -> None:
    stack = Stack()
    stack.run(SHOP, manifest("shop-pr-12-app"))
    stack.run(SHOP)
    with pytest.raises(PlanError, match="database shop_pr_12_db already belongs to shop-pr-12-app"):
        stack.run(SHOP, asked=OPEN_12)


def test_a_manifest_that_is_called_so_comes_first() -> None:
    own = manifest("shop-pr-12")
    said = refused(lambda: Stack().run(SHOP, own, asked=OPEN_12), ManifestErrors)
    assert (
        'manifests/shop.yaml (preview environment shop-pr-12): project.id: id "shop-pr-12" belongs to '
        "manifests/shop-pr-12.yaml." in said
    )
    stack = opened(Stack())
    assert 'id "shop-pr-12" belongs to' in refused(lambda: stack.run(SHOP, BLOG, own), ManifestErrors)


def test_a_project_called_so_that_left_and_whose_data_is_kept_is_given_to_no_pull_request() -> None:
    stack = Stack()
    stack.run(SHOP, manifest("shop-pr-12"))
    stack.run(SHOP)
    assert "previews.open.shop-pr-12: is a project of its own, whose data the stack holds." in refused(
        lambda: stack.run(SHOP, asked=OPEN_12)
    )


def test_nor_is_one_that_leaves_in_this_very_run() -> None:
    stack = Stack()
    stack.run(SHOP, manifest("shop-pr-12", project={"lifecycle": "destroy"}))
    assert "is a project of its own" in refused(lambda: stack.run(SHOP, asked=OPEN_12))
    stack.run(SHOP)
    with pytest.raises(PlanError, match="not known to be gone yet"):
        stack.run(SHOP, asked=OPEN_12)
    stack.gone()
    assert stack.run(SHOP, asked=OPEN_12).kept.previews


def test_a_manifest_does_not_take_over_what_a_preview_environment_leaves() -> None:
    stack = opened(Stack())
    said = refused(lambda: stack.run(SHOP, BLOG, manifest("shop-pr-12"), asked=asks(closed=("shop-pr-12",))))
    assert said.startswith(
        "manifests/shop-pr-12.yaml: project.id: shop-pr-12 is a preview environment that ends"
    )


def test_a_project_whose_secrets_would_be_the_environments_is_refused() -> None:
    said = refused(lambda: Stack().run(SHOP, manifest("shop-pr"), asked=OPEN_12))
    assert said.startswith(
        "manifests/shop-pr.yaml: project.id: codeb:projectSecrets.shop-pr are its secrets, and would be"
    )


def test_a_preview_environment_of_a_project_that_is_called_like_one_is_its_own() -> None:
    odd = manifest("shop-pr-1")
    plan = Stack().run(SHOP, odd, asked=asks(opened={"shop-pr-1-pr-2": opening("shop-pr-1", 2)}))
    assert [each.id for each in plan.projects] == ["shop", "shop-pr-1", "shop-pr-1-pr-2"]
    assert "CODEB_REQUEST: previews.open.blog-pr-1.project: no manifest has this id." in refused(
        lambda: Stack().run(SHOP, asked=asks(opened={"blog-pr-1": opening("blog", 1)}))
    )


@pytest.mark.parametrize("state", RECORDED, ids=lambda path: path.stem)
def test_a_stack_of_before_goes_on_as_it_was_and_gets_no_new_key(state: Path) -> None:
    resources = json.loads(state.read_text())["checkpoint"]["latest"]["resources"]
    (outputs,) = (one["outputs"] for one in resources if one["type"] == "pulumi:pulumi:Stack")
    before = outputs["registry"]
    assert read_kept(before) == Kept()
    manifests = load_manifests(read_sources(Path(__file__).parents[3] / "manifests"), SETTINGS)
    found = merged(manifests, SETTINGS, before)
    assert found.kept == Kept()
    assert found.manifests == manifests
    assert registry.document({}, (), found.kept).keys() == {"version", "projects"}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"images": []}, "registry.images"),
        ({"images": {"shop": 1}}, "registry.images.shop"),
        ({"images": {"shop": {"image": "ghcr.io/leo/shop:main", "instead_of": "x"}}}, "registry.images.shop"),
        ({"images": {"shop": {"image": built("shop")}}}, "registry.images.shop.instead_of"),
        (
            {"previews": {"shop-pr-12": {**opening("shop", 12), "pull": 1.5}}},
            "registry.previews.shop-pr-12.pull",
        ),
        ({"previews": {"shop-pr-13": opening("shop", 12)}}, "registry.previews.shop-pr-13"),
        ({"previews": {"x; id": opening("shop", 12)}}, "registry.previews.x; id"),
    ],
)
def test_a_state_that_was_damaged_is_an_error_with_its_place(damage: dict[str, Any], said: str) -> None:
    with pytest.raises(PlanError) as caught:
        read_kept({"version": 1, "projects": {}, **damage})
    assert caught.value.problems[0].where == said
