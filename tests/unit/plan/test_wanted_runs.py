"""Any sequence of requests, edits of manifests and failures: what was asked for is kept, and nobody loses anything."""

from __future__ import annotations

import json
from typing import Any

from delivering import LIMITS, Stack, asks, built, manifest, opening
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codeb.model import DocumentErrors
from codeb.model.asked import repository
from codeb.plan import Plan, PlanError

IDS = ["app-a", "app-b", "app-c"]
project = st.sampled_from(IDS)
pull = st.integers(1, 3)
manifests = st.dictionaries(project, st.sampled_from(["main", "2.0.0"]), min_size=1)
requests = st.tuples(
    st.dictionaries(project, st.tuples(st.integers(1, 3), st.booleans()), max_size=2),
    st.sets(st.tuples(project, pull), max_size=2),
    st.sets(st.tuples(project, pull), max_size=2),
)
step = st.tuples(manifests, st.none() | requests, st.booleans())


def request_of(wish: tuple[Any, Any, Any] | None, number: int) -> str | None:
    if wish is None:
        return None
    images = {key: built(key, digest, of=None if own else "other") for key, (digest, own) in wish[0].items()}
    opened = {f"{key}-pr-{pull}": opening(key, pull, number) for key, pull in wish[1]}
    return asks(images, opened, tuple(f"{key}-pr-{pull}" for key, pull in wish[2]))


def own(plan: Plan) -> dict[str, Any]:
    """What each project that has a manifest holds."""
    return {
        each.id: (each.ports, each.cache and (each.cache.redis.name, each.cache.index))
        for each in plan.projects
        if each.id in IDS
    }


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(step, min_size=1, max_size=8))
def test_whatever_comes_in_whichever_order(steps: list[Any]) -> None:
    stack = Stack()
    for number, (tags, wish, gone) in enumerate(steps, 1):
        files = [manifest(key, f"ghcr.io/leo/{key}:{tag}") for key, tag in tags.items()]
        before, asked = json.dumps(stack.remembered), request_of(wish, number)
        known = set((stack.remembered or {}).get("previews", {}))
        try:
            plan = stack.run(*files, asked=asked)
        except (DocumentErrors, PlanError):
            assert json.dumps(stack.remembered) == before, "who is refused changes nothing"
            continue
        holds(plan, tags, known, wish)
        again = stack.run(*files)
        assert again.kept.images == plan.kept.images, "a later run without request keeps what was deployed"
        assert again.kept.previews == plan.kept.previews
        assert own(again) == own(plan)
        closed = tuple(f"{key}-pr-{pull}" for key, pull in (wish[2] if wish else ()))
        assert stack.run(*files, asked=asks(closed=closed)).kept.previews == plan.kept.previews
        if gone:
            stack.gone()


def holds(plan: Plan, tags: dict[str, str], known: set[str], wish: tuple[Any, Any, Any] | None) -> None:
    """What is true after every run."""
    for each in plan.projects:
        image, base = each.manifest.environment.image, each.id.partition("-pr-")[0]
        assert repository(image) == f"ghcr.io/leo/{base}", "nothing runs an image of somebody else's"
    for key, tag in tags.items():
        image, pin = plan.project(key).manifest.environment.image, plan.kept.images.get(key)
        assert image == (pin.image if pin else f"ghcr.io/leo/{key}:{tag}")
        assert pin is None or pin.instead_of == f"ghcr.io/leo/{key}:{tag}"
    environments = {each.id for each in plan.projects} - set(tags)
    assert environments == set(plan.kept.previews)
    assert all(plan.project(key).lifecycle == "destroy" for key in environments)
    assert environments <= known or len(environments) <= LIMITS["max"]
    if wish:
        assert environments.isdisjoint(f"{key}-pr-{pull}" for key, pull in wish[2])
        assert environments >= {f"{key}-pr-{pull}" for key, pull in wish[1]}
    kept = {held.id for held in plan.retained}
    assert kept.isdisjoint(environments)
    assert all("-pr-" not in held for held in kept), "no data of a preview environment is kept"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(project, pull), min_size=1, max_size=6, unique=True), st.booleans())
def test_environments_leave_what_projects_hold_alone(wanted: list[tuple[str, int]], close: bool) -> None:
    files = [manifest(key) for key in IDS]
    stack = Stack()
    before = own(stack.run(*files))
    for key, number in wanted:
        name = f"{key}-pr-{number}"
        previews = sorted((stack.remembered or {}).get("previews", {}))
        full = tuple(previews[:1]) if close and len(previews) == LIMITS["max"] else ()
        try:
            assert (
                own(stack.run(*files, asked=asks(opened={name: opening(key, number)}, closed=full))) == before
            )
        except DocumentErrors as error:
            assert "are more than 2" in str(error)  # noqa: PT017 - only where the limit is reached
            assert len(previews) == LIMITS["max"]
    assert own(stack.run(*files)) == before
