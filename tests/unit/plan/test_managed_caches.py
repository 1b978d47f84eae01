"""Whose cache is at Vultr's Valkey, which services that takes, what becomes of them, and which settings are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeb import managed_names, registry
from codeb.fleet.intent import intent_of
from codeb.fleet.kinds import DATABASE
from codeb.model import ManifestSource, SettingsErrors, load_manifests, parse_settings
from codeb.plan import Plan, PlanError, cost_line, make_plan
from codeb.plan.places import data_places, examples, markers
from codeb.plan.places import settled as located
from codeb.render import host_bundle, project_environment, release_document
from codeb.secrets import RootSecret, certificate_authority, project_credentials
from tests.unit.plan.test_managed import FLEET, source

CA = certificate_authority(b"another test's own".ljust(32, b".")).certificate
PLAN = "vultr-dbaas-business-rp-intel-1-12-2"
THERE = "rediss://vultr-prod-1.vultrdb.example:16752"
HERE = "10.64.0.4:6379"
SHOP, BLOG = source("shop"), source("blog")
DEDICATED = source("shop", resources={"cache": {"dedicated": "256Mi"}})


def settings_of(valkey: dict[str, Any] | None) -> Any:
    managed = {"managed": {"valkey": {"plan": PLAN, **valkey}}} if valkey is not None else {}
    return parse_settings(FLEET | managed, "prod")


def planned(valkey: dict[str, Any] | None, *sources: ManifestSource, before: Any = None) -> Plan:
    settings = settings_of(valkey)
    return make_plan(settings, load_manifests(sources, settings), before)


def remembered(plan: Plan, *caches: str) -> Any:
    """What the next run finds of this one, where the hosts' releases use these caches."""
    document = registry.document(registry.planned_entries(plan), plan.leaving, plan.kept)
    found = json.loads(json.dumps(document))
    for entry in found["projects"].values():
        entry["caches"] = list(caches) or None
    return found


def cache(plan: Plan, key: str) -> Any:
    found = plan.project(key).cache
    assert found is not None
    return found


def environment(plan: Plan, key: str) -> dict[str, str]:
    project = plan.project(key)
    secret = RootSecret("plan-tests-root-secret-0123456789-abcdefghij")
    return project_environment(plan, project, project_credentials(secret, key))


def services(plan: Plan) -> tuple[int, ...]:
    assert plan.fleet is not None
    return plan.fleet.valkey.numbers if plan.fleet.valkey else ()


def test_without_the_setting_nothing_is_otherwise() -> None:
    plan = planned(None, SHOP)
    assert (services(plan), cache(plan, "shop").managed, cache(plan, "shop").users) == ((), False, ())
    assert not any("managed" in marker for marker in markers(plan))
    assert set(registry.planned_entries(plan)["shop"]["redis"]) == {"db_index", "instance"}
    assert "REDIS_TLS" not in environment(plan, "shop")
    assert set(release_document(plan, plan.project("shop"))["cache"]) == {
        "host",
        "port",
        "index",
        "user",
        "rules",
    }


def test_nobody_there_is_no_service() -> None:
    plan = planned({}, SHOP)
    assert (services(plan), plan.costs.cents) == ((), planned(None, SHOP).costs.cents)


def test_a_project_keeps_its_index_in_the_service_that_stands_for_its_instance() -> None:
    before = planned(None, SHOP, BLOG)
    plan = planned({"projects": ["shop"]}, SHOP, BLOG, before=remembered(before, HERE))
    assert cache(plan, "shop").slot == cache(before, "shop").slot
    assert (str(cache(plan, "shop")), services(plan)) == (
        f"valkey-0 index {cache(before, 'shop').index}",
        (0,),
    )
    assert cache(plan, "blog") == cache(before, "blog")
    assert any("shop moves from redis-0 to valkey-0" in note for note in plan.notes)
    assert any("its cache is not moved" in note for note in plan.notes)


def test_projects_of_several_instances_take_as_many_services() -> None:
    sources = [source(f"shop-{number:02}") for number in range(16)]
    plan = planned({"projects": "all"}, *sources)
    assert services(plan) == (0, 1)
    assert services(planned({"projects": ["shop-15"]}, *sources)) == (1,)
    assert plan.costs.output["items"][f"managed valkey-1 {PLAN}"] == 60.0
    assert plan.costs.cents - planned(None, *sources).costs.cents == 12000


def test_an_app_finds_the_service_by_the_same_variables_and_tls_by_one_more() -> None:
    plan = planned({"projects": ["shop"]}, SHOP)
    assert list(data_places(plan.project("shop")))[1] == f"{managed_names.valkey_host(0)} 0"
    known = examples(plan) | {
        managed_names.valkey_host(0): "vultr-prod-1.vultrdb.example",
        managed_names.valkey_port(0): "16752",
    }
    found = environment(located(plan, known), "shop")
    assert (found["REDIS_HOST"], found["REDIS_PORT"]) == ("vultr-prod-1.vultrdb.example", "16752")
    assert (found["REDIS_DB"], found["REDIS_USERNAME"], found["REDIS_TLS"]) == ("2", "shop", "true")
    before = environment(located(planned(None, SHOP), known), "shop")
    other = {name for name in found if before.get(name) != found[name]}
    assert other == {"REDIS_HOST", "REDIS_PORT", "REDIS_TLS"}


def test_the_agent_is_told_that_there_are_no_rules_for_it_to_give() -> None:
    plan = planned({"projects": ["shop"]}, SHOP)
    document = release_document(plan, plan.project("shop"))["cache"]
    assert (document["rules"], document["tls"]) == ([], True)


def test_each_number_of_a_password_is_a_user_and_the_one_before_stays() -> None:
    rotated = source("shop", resources={"cache": {"rotation": 3}})
    found = cache(planned({"projects": ["shop"]}, rotated), "shop")
    assert (found.user, found.users) == ("shop-3", (3, 2))
    assert managed_names.valkey_user("a-b-app", 1) == "a_b"


def test_preview_environments_and_instances_of_their_own_stay_where_they_are() -> None:
    plan = planned({"projects": "all"}, DEDICATED, source("blog-pr-3"), BLOG)
    assert [cache(plan, key).managed for key in ("shop", "blog-pr-3", "blog")] == [False, False, True]


def test_an_instance_of_its_own_is_not_replaced() -> None:
    with pytest.raises(PlanError, match=r"shop: codeb:managed.valkey.projects.*resources.cache.dedicated"):
        planned({"projects": ["shop"]}, DEDICATED)


def test_a_service_stays_as_long_as_a_release_may_use_it() -> None:
    there = planned({"projects": ["shop"]}, SHOP)
    back = planned({}, SHOP, before=remembered(there, THERE))
    assert (cache(back, "shop").managed, cache(back, "shop").users, services(back)) == (False, (1,), (0,))
    assert registry.planned_entries(back)["shop"]["redis"]["beside"] is True
    assert any("shop moves from valkey-0 to redis-0" in note for note in back.notes)
    standing = planned({}, SHOP, before=remembered(back, HERE, THERE))
    assert services(standing) == (0,)
    for plan in (back, standing):
        assert any("valkey-0 stays, and is charged, for a rollback of shop." in note for note in plan.notes)
    assert not any("stays, and is charged" in note for note in there.notes)
    gone = planned({}, SHOP, before=remembered(standing, HERE))
    assert (services(gone), cache(gone, "shop").users) == ((), ())
    assert "valkey-0 goes with what is in it: no release uses it." in gone.notes
    assert not any("valkey-0" in note for note in planned({}, SHOP, before=remembered(gone, HERE)).notes)


def test_where_nobody_knows_what_releases_use_the_service_stays() -> None:
    there = planned({"projects": ["shop"]}, SHOP)
    assert services(planned({}, SHOP, before=remembered(there))) == (0,)


def test_taking_the_setting_away_says_who_loses_what() -> None:
    there = planned({"projects": ["shop"]}, SHOP)
    notes = planned(None, SHOP, before=remembered(there, THERE)).notes
    assert any("valkey-0 goes" in note and "finds no cache any more" in note for note in notes)


def test_a_retained_project_holds_its_index_and_no_service() -> None:
    there = planned({"projects": ["shop"]}, SHOP)
    left = planned({"projects": ["shop"]}, before=remembered(there, THERE))
    assert services(left) == ()
    assert left.retained[0].held is not None
    back = planned({"projects": ["shop"]}, SHOP, before=remembered(left))
    assert cache(back, "shop").slot == cache(there, "shop").slot


def test_an_older_program_reads_the_entry_as_a_cache_here() -> None:
    entry = registry.planned_entries(planned({"projects": ["shop"]}, SHOP))["shop"]["redis"]
    assert entry == {"db_index": 2, "instance": "redis-0", "managed": True}


def test_the_certificate_is_on_every_server() -> None:
    plan = planned({"projects": ["shop"], "ca": CA}, SHOP)
    for server in plan.servers:
        files = {file["path"]: file["content"] for file in host_bundle(plan, server)["files"]}
        assert CA.strip() in files["/etc/codeb/ca.crt"]


def test_a_preview_says_what_it_costs() -> None:
    before = planned(None, SHOP).costs.output
    line = cost_line(planned({"projects": ["shop"]}, SHOP).costs, before)
    assert line == f"+$60.00 a month: managed valkey-0 {PLAN}"


def test_ids_of_nobody_are_told() -> None:
    none = source("blog", resources={"cache": {"enabled": False}})
    notes = planned({"projects": ["blog", "shpo"]}, SHOP, none).notes
    assert any("names blog, shpo, and no manifest has a cache" in note for note in notes)


def test_what_is_at_vultr_beside_the_state_is_wanted_as_far_as_projects_may_take_it() -> None:
    intent = intent_of(settings_of({}), load_manifests([SHOP], settings_of({})), "codeb-prod-0a1b2c")
    assert intent is not None
    assert intent.labels[DATABASE] == {"codeb-prod-0a1b2c-valkey-0"}
    none = intent_of(settings_of(None), load_manifests([SHOP], settings_of(None)), "codeb-prod-0a1b2c")
    assert none is not None
    assert none.labels[DATABASE] == frozenset()


@pytest.mark.parametrize(
    ("valkey", "place", "cause"),
    [
        ({"plan": "vultr-dbaas-busines-rp-intel-1-12-2"}, "managed.valkey.plan", f"Write {PLAN}"),
        ({"plan": "vultr-dbaas-business-cc-2-80-4"}, "managed.valkey.plan", "no plan"),
        ({"plan": PLAN, "version": "6"}, "managed.valkey.version", "no version"),
        ({"plan": PLAN, "projects": ["$(reboot)"]}, "managed.valkey.projects[0]", "is not a project id"),
        ({"plan": PLAN, "projects": ["shop\nblog"]}, "managed.valkey.projects[0]", "is not a project id"),
        ({"plan": PLAN, "ca": "-----BEGIN PRIVATE KEY-----"}, "managed.valkey.ca", ""),
        ({"plan": PLAN, "prepared": ["shop"]}, "managed.valkey.prepared", ""),
        ({"projects": ["shop"]}, "managed.valkey.plan", ""),
    ],
)
def test_settings_that_nobody_could_follow_are_refused(
    valkey: dict[str, Any], place: str, cause: str
) -> None:
    with pytest.raises(SettingsErrors) as caught:
        parse_settings(FLEET | {"managed": {"valkey": valkey}}, "prod")
    assert place in str(caught.value)
    assert cause in str(caught.value)


def test_it_needs_servers_at_vultr() -> None:
    own = {"name": "own", "address": "203.0.113.9", "privateAddress": "10.1.0.9", "knownHostsFile": "k"}
    existing = {"domain": "example.com", "servers": [own], "managed": {"valkey": {"plan": PLAN}}}
    with pytest.raises(SettingsErrors, match="the stack makes none"):
        parse_settings(existing, "dev")


def test_a_service_s_port_is_no_instance_of_its_own() -> None:
    """What a release uses at the service keeps nobody's own instance, whatever port Vultr gave it."""
    own = planned(None, DEDICATED)
    port = cache(own, "shop").port
    shared = planned(
        None, SHOP, before=remembered(own, HERE, f"rediss://vultr-prod-1.vultrdb.example:{port}")
    )
    assert [redis.key for redis in shared.data.redis] == ["0"]
    kept = planned(None, SHOP, before=remembered(own, HERE, f"10.64.0.4:{port}"))
    assert [redis.key for redis in kept.data.redis] == ["0", "shop"]


NAMES = [f"shop-{number:02}" for number in range(18)]
SOURCES = [source(key) for key in NAMES]
BEFORE = planned(None, *SOURCES)


@settings(max_examples=30, deadline=None)
@given(st.sets(st.sampled_from(NAMES)), st.sets(st.sampled_from(NAMES)), st.booleans())
def test_whoever_moves_nobody_gets_another_index_and_every_service_is_somebody_s(
    first: set[str], then: set[str], lingers: bool
) -> None:
    """Some go there, then others are named: who is named is there, who is not is let in while a release may be there."""
    one = planned({"projects": sorted(first)}, *SOURCES, before=remembered(BEFORE, HERE))
    places = (HERE, THERE) if lingers else (HERE,)
    two = planned({"projects": sorted(then)}, *SOURCES, before=remembered(one, *places))
    for plan, there in ((one, first), (two, then)):
        assert [cache(plan, key).slot for key in NAMES] == [cache(BEFORE, key).slot for key in NAMES]
        assert {key for key in NAMES if cache(plan, key).managed} == there
        let_in = {cache(plan, key).service for key in NAMES} - {None}
        assert set(services(plan)) == let_in
    assert {key for key in NAMES if cache(two, key).users} == then | (first if lingers else set())
