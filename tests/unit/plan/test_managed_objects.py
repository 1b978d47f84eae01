"""Which projects have their buckets at Vultr's Object Storage, what their apps are told, and which edits are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeb import managed_names, registry
from codeb.catalogue import catalogue
from codeb.fleet.intent import intent_of
from codeb.fleet.kinds import OBJECTS
from codeb.live import Live, gather, settled
from codeb.model import ManifestSource, SettingsErrors, load_manifests, parse_settings
from codeb.plan import Plan, PlanError, make_plan
from codeb.plan.places import examples, marked, markers
from codeb.plan.places import settled as placed
from codeb.render import backup, host_bundle, project_environment, storage_needs, with_storage_keys
from codeb.secrets import RootSecret, project_credentials

FLEET: dict[str, Any] = {
    "domain": "example.com",
    "provider": "vultr",
    "pools": [
        {"name": "default", "roles": ["app", "edge"], "plan": "vc2-6c-16gb"},
        {"name": "data", "roles": ["data"], "plan": "vc2-8c-32gb"},
    ],
}
OWNER = "codeb-prod-3fa9c1"
ROOT = RootSecret("plan-tests-root-secret-0123456789-abcdefghij")


def source(key: str, buckets: list[dict[str, Any]] | None = None, **more: Any) -> ManifestSource:
    document = {"project": {"id": key}, "environment": {"domain": f"{key}.org", "image": "ghcr.io/x/shop:1"}}
    storage = {"resources": {"storage": {"buckets": buckets}}} if buckets else {}
    return ManifestSource(f"{key}.yaml", json.dumps({**document, **storage, **more}))


SHOP, BLOG = source("shop"), source("blog")


def planned(objects: dict[str, Any] | None, *sources: ManifestSource, before: Any = None) -> Plan:
    managed = {"managed": {"objects": {"cluster": 2, **objects}}} if objects is not None else {}
    settings = parse_settings(FLEET | managed, "prod")
    return marked(make_plan(settings, load_manifests(sources, settings), before), OWNER)


def remembered(plan: Plan, copied: dict[str, str] | None = None) -> Any:
    """What the next run finds of this one, with what the data server says of copies."""
    document = registry.document(registry.planned_entries(plan), plan.leaving, plan.kept)
    return settled(json.loads(json.dumps(document)), Live(copied=copied or {}), ())


def side(plan: Plan, key: str) -> str:
    objects = plan.project(key).objects
    return "here" if objects is None else "managed" if objects.used else "both"


def problem(*arguments: Any, **options: Any) -> str:
    with pytest.raises(PlanError) as caught:
        planned(*arguments, **options)
    return str(caught.value)


def environment(plan: Plan, key: str, known: dict[str, str]) -> dict[str, str]:
    project = placed(plan, known).project(key)
    return project_environment(
        plan, project, with_storage_keys(project, project_credentials(ROOT, key), known)
    )


def test_without_the_setting_nothing_is_there() -> None:
    plan = planned(None, SHOP)
    assert side(plan, "shop") == "here"
    assert plan.fleet is not None
    assert plan.fleet.objects == ()
    assert "objects" not in registry.planned_entries(plan)["shop"]["minio"]
    assert not any("managed" in marker for marker in markers(plan))


def test_each_project_has_a_subscription_of_its_own() -> None:
    plan = planned({"projects": ["shop"], "prepared": ["blog"]}, SHOP, BLOG, source("third"))
    assert [side(plan, key) for key in ("shop", "blog", "third")] == ["managed", "both", "here"]
    assert plan.fleet is not None
    assert [(each.project, each.cluster, each.tier) for each in plan.fleet.objects] == [
        ("blog", 2, "standard"),
        ("shop", 2, "standard"),
    ]
    entry = registry.planned_entries(plan)["shop"]["minio"]
    assert entry["objects"] == {"managed": True, "cluster": 2, "tier": "standard"}
    assert entry["bucket"] == "shop-uploads"


def test_an_app_finds_its_buckets_by_the_same_variables() -> None:
    buckets = [{"suffix": "uploads"}, {"suffix": "invoice-pdf"}]
    here = planned(None, source("shop", buckets))
    there = planned({"projects": ["shop"]}, source("shop", buckets))
    known = {
        managed_names.objects_host("shop"): "ewr1.vultrobjects.com",
        managed_names.objects_access_key("shop"): "AKEXAMPLE",
        managed_names.objects_secret_key("shop"): "SKEXAMPLE",
    }
    before, after = environment(here, "shop", {}), environment(there, "shop", known)
    assert before.keys() == after.keys()
    changed = {name: after[name] for name in after if after[name] != before[name]}
    assert changed == {
        "MINIO_ENDPOINT": "https://ewr1.vultrobjects.com",
        "MINIO_PUBLIC_ENDPOINT": "https://ewr1.vultrobjects.com",
        "MINIO_BUCKET": "3fa9c1-shop-uploads",
        "MINIO_BUCKET_UPLOADS": "3fa9c1-shop-uploads",
        "MINIO_BUCKET_INVOICE_PDF": "3fa9c1-shop-invoice-pdf",
        "MINIO_ACCESS_KEY": "AKEXAMPLE",
        "MINIO_SECRET_KEY": "SKEXAMPLE",
    }


def test_what_only_vultr_knows_is_named_and_no_example_stays() -> None:
    plan = planned({"projects": ["shop"]}, SHOP, BLOG)
    shown = examples(plan)
    assert set(managed_names.objects_markers("shop")) <= set(shown)
    needs = storage_needs(plan.project("shop"), shown)
    assert all(shown[marker] in needs for marker in managed_names.objects_markers("shop"))
    assert storage_needs(plan.project("blog"), shown) == ""
    blog = environment(plan, "blog", shown)
    assert not any(text in value for text in shown.values() for value in blog.values() if "codeb" in text)


def test_a_project_goes_there_only_from_both_sides_and_is_told_what_that_means() -> None:
    here = planned({}, SHOP)
    assert "Write shop in prepared first" in problem({"projects": ["shop"]}, SHOP, before=remembered(here))
    both = planned({"prepared": ["shop"]}, SHOP, before=remembered(here))
    assert not any("from this update on" in note for note in both.notes)
    for said in (None, {"shop": "here"}, {"blog": "managed"}):
        refused = problem({"projects": ["shop"]}, SHOP, before=remembered(both, said))
        assert "codeb copy-objects shop --to managed" in refused
    there = planned({"projects": ["shop"]}, SHOP, before=remembered(both, {"shop": "managed"}))
    assert any("shop has its buckets at Vultr's Object Storage from this" in note for note in there.notes)
    again = planned({"projects": ["shop"]}, SHOP, before=remembered(there))
    assert not any("from this update on" in note for note in again.notes)


def test_a_project_comes_back_by_way_of_both_sides() -> None:
    there = planned({"projects": ["shop"]}, SHOP)
    for objects in ({}, None):
        assert "Copy the objects back" in problem(objects, SHOP, before=remembered(there))
    refused = problem({"prepared": ["shop"]}, SHOP, before=remembered(there, {"shop": "managed"}))
    assert "codeb copy-objects shop --to here" in refused
    back = planned({"prepared": ["shop"]}, SHOP, before=remembered(there, {"shop": "here"}))
    assert any("on the data server from this update on" in note for note in back.notes)
    assert side(planned({}, SHOP, before=remembered(back)), "shop") == "here"


def test_a_subscription_stays_what_it_was_made_as() -> None:
    there = remembered(planned({"projects": ["shop"]}, SHOP))
    moved = problem({"projects": ["shop"], "cluster": 4, "tier": "performance"}, SHOP, before=there)
    assert "codeb:managed.objects.cluster: the subscription of shop was made with 2" in moved
    assert "codeb:managed.objects.tier: the subscription of shop was made with standard" in moved


def test_buckets_of_a_project_that_left_stay_with_its_subscription() -> None:
    there = remembered(planned({"projects": ["shop"]}, SHOP))
    gone = planned({"projects": ["shop"]}, before=there)
    (kept,) = gone.retained
    assert kept.objects is not None
    assert kept.objects.used
    assert gone.fleet is not None
    assert [each.project for each in gone.fleet.objects] == ["shop"]
    later = planned({"projects": ["shop"]}, before=remembered(gone))
    assert later.retained[0].objects == kept.objects
    assert "Write shop in codeb:managed.objects.projects" in problem({}, before=remembered(gone))
    assert side(planned({"projects": ["shop"]}, SHOP, before=remembered(later)), "shop") == "managed"


def test_preview_environments_stay_on_the_data_server() -> None:
    plan = planned({"prepared": ["shop-pr-7"]}, source("shop-pr-7"))
    assert side(plan, "shop-pr-7") == "here"


def test_what_cannot_be_kept_there_is_refused() -> None:
    limited = source("shop", [{"suffix": "uploads", "quota": "1Gi"}])
    for objects in ({"projects": ["shop"]}, {"prepared": ["shop"]}):
        assert (
            "resources.storage.buckets[0].quota: a bucket at Vultr's Object Storage has no limit"
            in problem(objects, limited)
        )
    dropped = source("shop", project={"id": "shop", "lifecycle": "destroy"})
    assert "destroy makes a final backup on the data server" in problem({"projects": ["shop"]}, dropped)
    assert side(planned({"prepared": ["shop"]}, dropped), "shop") == "both"


@given(st.integers(3, 40), st.integers(1, 22))
def test_no_name_is_longer_than_a_bucket_s_may_be(stem: int, suffix: int) -> None:
    key = "s" * stem
    shop = source(key, [{"suffix": "x" * suffix}])
    if stem + 1 + suffix > 56:
        assert "more than 56 characters" in problem({"projects": [key]}, shop)
        return
    plan = planned({"projects": [key]}, shop)
    assert len(environment(plan, key, examples(plan))["MINIO_BUCKET"]) <= 63


def test_our_backups_have_what_is_here_and_every_preview_says_so() -> None:
    plan = planned({"projects": ["shop"], "prepared": ["blog"]}, SHOP, BLOG)
    projects = {each["id"]: each for each in backup.backup_settings(plan)["projects"]}
    assert (projects["shop"]["database"], projects["shop"]["buckets"]) == ("shop_db", [])
    assert projects["blog"]["buckets"] == ["blog-uploads"]
    assert [note for note in plan.notes if "no backup has them" in note]
    unsaved = planned({"projects": ["shop"]}, source("shop", backup={"enabled": False}))
    assert not any("no backup" in note for note in unsaved.notes)


def test_it_costs_what_the_catalogue_says_for_each_project() -> None:
    both, without = (
        planned({"projects": ["shop"], "prepared": ["blog"]}, SHOP, BLOG),
        planned(None, SHOP, BLOG),
    )
    assert both.costs.cents - without.costs.cents == 2 * 1800
    assert both.costs.output["items"]["objects of shop standard"] == 18.0


def test_ids_of_nobody_are_told_and_cost_nothing() -> None:
    plan = planned({"prepared": ["shpo"]}, SHOP)
    assert any("names shpo, and no manifest" in note for note in plan.notes)
    assert plan.fleet is not None
    assert plan.fleet.objects == ()


def test_the_fleet_s_commands_know_whose_subscriptions_are_wanted() -> None:
    settings = parse_settings(FLEET | {"managed": {"objects": {"cluster": 2, "projects": ["shop"]}}}, "prod")
    intent = intent_of(settings, (), OWNER)
    assert intent is not None
    assert intent.labels[OBJECTS] == {"codeb-prod-3fa9c1-objects-shop"}


def test_the_catalogue_says_where_it_has_it_from() -> None:
    standard = catalogue().managed_objects["standard"]
    assert (standard.id, standard.described) == (2, "1000 GB, $18.00 a month, then $0.018 a GB")


@pytest.mark.parametrize(
    ("objects", "place", "cause"),
    [
        ({"cluster": 0}, "managed.objects.cluster", "0 is out of range"),
        ({"cluster": True}, "managed.objects.cluster", "true is no number"),
        ({"cluster": "ewr; reboot"}, "managed.objects.cluster", "is not a whole number"),
        ({"tier": "standart"}, "managed.objects.tier", "Write standard: 1000 GB, $18.00 a month"),
        ({"tier": "$(reboot)"}, "managed.objects.tier", "there is no tier"),
        ({"projects": "all"}, "managed.objects.projects", "a subscription of its own"),
        ({"prepared": ["../etc"]}, "managed.objects.prepared[0]", "is not a project id"),
        ({"projects": ["shop"], "prepared": ["shop"]}, "managed.objects.prepared", "in projects, too"),
        ({"password": "x"}, "managed.objects.password", ""),
    ],
)
def test_settings_that_lead_nowhere_are_refused(objects: dict[str, Any], place: str, cause: str) -> None:
    with pytest.raises(SettingsErrors) as caught:
        parse_settings(FLEET | {"managed": {"objects": {"cluster": 2, **objects}}}, "prod")
    assert place in str(caught.value)
    assert cause in str(caught.value)


def test_a_stack_of_existing_servers_has_no_subscriptions() -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKJ0kxXQw8RwP8VXoR3wkzXkX0LhSCTY0zH8m6bYwJ1T"
    own = {"name": "own", "address": "203.0.113.9", "privateAddress": "10.1.0.9", "hostKey": key}
    with pytest.raises(SettingsErrors, match="give a pool provider: vultr"):
        parse_settings({"domain": "a.b", "servers": [own], "managed": {"objects": {"cluster": 2}}}, "dev")


def test_the_data_server_alone_is_told_of_the_keys() -> None:
    plan = planned({"projects": ["shop"], "prepared": ["blog"]}, SHOP, BLOG, source("third"))
    for server in plan.servers:
        files = {file["path"]: file for file in host_bundle(plan, server)["files"]}
        assert (managed_names.OBJECTS_FILE in files) == server.has("data")
        assert (managed_names.objects_secret_key("shop") in json.dumps(files)) == server.has("data")
        if server.has("data"):
            file = files[managed_names.OBJECTS_FILE]
            assert file["mode"] == "0600"
            found = {each["id"]: each for each in json.loads(file["content"])["projects"]}
            assert {key: each["managed"] for key, each in found.items()} == {"shop": True, "blog": False}
            assert found["shop"]["user_key"] == "@{secret:project/shop/storage}"
            assert found["shop"]["buckets"] == [{"here": "shop-uploads", "managed": "3fa9c1-shop-uploads"}]
    bare = planned({}, SHOP)
    assert managed_names.OBJECTS_FILE not in json.dumps(
        [host_bundle(bare, server) for server in bare.servers]
    )


def test_what_the_data_server_says_of_copies_is_heard() -> None:
    answer = {"host": {"time": "2026-11-29T03:00:00Z"}, "projects": [], "copied": {"shop": "managed"}}
    assert gather({"data-1": answer}, {}).copied == {"shop": "managed"}
    assert gather({"data-1": {**answer, "copied": "no"}}, {}).copied == {}
    both = planned({"prepared": ["shop"]}, SHOP)
    damaged = remembered(both, {"shop": "elsewhere"})
    with pytest.raises(PlanError, match="neither here nor managed"):
        planned({"projects": ["shop"]}, SHOP, before=damaged)
