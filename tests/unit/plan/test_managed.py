"""Which side a project's database is on, what stays on the other, and which edits of the settings are refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codeb import managed_names, registry
from codeb.live import Live, settled
from codeb.model import ManifestSource, SettingsErrors, load_manifests, parse_settings
from codeb.plan import Plan, PlanError, make_plan
from codeb.plan.places import examples, markers
from codeb.plan.places import settled as placed
from codeb.render import backup, host_bundle, project_environment
from codeb.secrets import RootSecret, certificate_authority, project_credentials

CA = certificate_authority(b"a test's own".ljust(32, b".")).certificate
PLAN = "vultr-dbaas-business-cc-2-80-4"
FLEET: dict[str, Any] = {
    "domain": "example.com",
    "provider": "vultr",
    "pools": [
        {"name": "default", "roles": ["app", "edge"], "plan": "vc2-6c-16gb"},
        {"name": "data", "roles": ["data"], "plan": "vc2-8c-32gb"},
    ],
}


def source(key: str, **more: Any) -> ManifestSource:
    document = {"project": {"id": key}, "environment": {"domain": f"{key}.org", "image": "ghcr.io/x/shop:1"}}
    return ManifestSource(f"{key}.yaml", json.dumps({**document, **more}))


SHOP, BLOG = source("shop"), source("blog")


def planned(postgres: dict[str, Any] | None, *sources: ManifestSource, before: Any = None) -> Plan:
    managed = {"managed": {"postgres": {"plan": PLAN, "ca": CA, **postgres}}} if postgres is not None else {}
    settings = parse_settings(FLEET | managed, "prod")
    return make_plan(settings, load_manifests(sources, settings), before)


def remembered(plan: Plan, moved: dict[str, str] | None = None) -> Any:
    """What the next run finds of this one, with what the data server says of moves."""
    document = registry.document(registry.planned_entries(plan), plan.leaving, plan.kept)
    return settled(json.loads(json.dumps(document)), Live(moved=moved or {}), ())


def sides(plan: Plan, key: str) -> tuple[bool, bool | None]:
    project = plan.project(key)
    assert project.database is not None
    return project.database.managed, project.beside.managed if project.beside else None


def problem(*arguments: Any, **options: Any) -> str:
    with pytest.raises(PlanError) as caught:
        planned(*arguments, **options)
    return str(caught.value)


def test_without_the_service_nothing_is_beside() -> None:
    plan = planned(None, SHOP)
    assert sides(plan, "shop") == (False, None)
    assert not any("managed" in marker for marker in markers(plan))
    assert "managed" not in registry.planned_entries(plan)["shop"]["database"]


def test_who_is_prepared_has_both_sides_and_serves_from_here() -> None:
    plan = planned({"prepared": ["shop"]}, SHOP, BLOG)
    assert sides(plan, "shop") == (False, True)
    assert sides(plan, "blog") == (False, None)
    assert registry.planned_entries(plan)["shop"]["database"]["beside"] is True


def test_all_leaves_out_nobody_but_preview_environments() -> None:
    plan = planned({"prepared": "all"}, SHOP, BLOG)
    assert sides(plan, "shop") == sides(plan, "blog") == (False, True)


def test_a_new_project_may_begin_at_the_service() -> None:
    plan = planned({"projects": ["shop"]}, SHOP)
    assert sides(plan, "shop") == (True, False)
    entry = registry.planned_entries(plan)["shop"]["database"]
    assert (entry["managed"], entry["port"]) == (True, 0)


def test_an_app_finds_the_service_by_the_same_variable() -> None:
    plan = planned({"projects": ["shop"]}, SHOP)
    known = examples(plan) | {managed_names.HOST: "db.vultrdb.example", managed_names.PORT: "16751"}
    project = placed(plan, known).project("shop")
    secret = project_credentials(RootSecret("plan-tests-root-secret-0123456789-abcdefghij"), "shop")
    before = project_environment(plan, plan.project("shop"), secret)["DATABASE_URL"]
    after = project_environment(plan, project, secret)["DATABASE_URL"]
    assert f"@{managed_names.HOST}:{managed_names.PORT}/shop_db?" in before
    assert "@db.vultrdb.example:16751/shop_db?sslmode=verify-full" in after


def test_data_is_on_the_side_where_it_was_until_the_data_server_has_moved_it() -> None:
    here = planned({"prepared": ["shop"]}, SHOP)
    wanted = {"projects": ["shop"]}
    assert "codeb move-data shop --to managed" in problem(wanted, SHOP, before=remembered(here))
    there = planned(wanted, SHOP, before=remembered(here, {"shop": "managed"}))
    assert sides(there, "shop") == (True, False)
    assert sides(planned(wanted, SHOP, before=remembered(there)), "shop") == (True, False)
    assert "--to here" in problem({"prepared": ["shop"]}, SHOP, before=remembered(there))
    assert "--to here" in problem(None, SHOP, before=remembered(there))
    back = planned({"prepared": ["shop"]}, SHOP, before=remembered(there, {"shop": "here"}))
    assert sides(back, "shop") == (False, True)


def test_a_move_that_a_failed_run_did_not_follow_is_no_other_move() -> None:
    """The registry of a run that failed says `managed`; undone, the data server says that the data is here."""
    failed = planned(
        {"projects": ["shop"]},
        SHOP,
        before=remembered(planned({"prepared": ["shop"]}, SHOP), {"shop": "managed"}),
    )
    again = planned({"prepared": ["shop"]}, SHOP, before=remembered(failed, {"shop": "here"}))
    assert sides(again, "shop") == (False, True)


def test_what_was_there_once_stays_declared_as_long_as_the_service() -> None:
    prepared = planned({"prepared": ["shop"]}, SHOP)
    assert sides(planned({}, SHOP, before=remembered(prepared)), "shop") == (False, True)
    assert sides(planned(None, SHOP, before=remembered(prepared)), "shop") == (False, None)


def test_data_of_a_project_that_left_stays_at_the_service() -> None:
    there = planned({"projects": ["shop"]}, SHOP)
    (kept,) = planned({}, before=remembered(there)).retained
    assert kept.database is not None
    assert (kept.database.managed, kept.beside is not None) == (True, True)
    again = planned({}, before=remembered(planned({}, before=remembered(there))))
    assert again.retained[0].database is not None
    assert again.retained[0].database.managed
    assert "--to here" in problem(None, before=remembered(there))


def test_what_is_at_the_service_is_not_dropped_without_a_final_backup() -> None:
    dropped = source("shop", project={"id": "shop", "lifecycle": "destroy"})
    assert "codeb move-data shop --to here" in problem({"projects": ["shop"]}, dropped)


def test_our_backups_have_what_is_here() -> None:
    saved = {"backup": {"point_in_time": True}}
    plan = planned(
        {"projects": ["shop"], "prepared": ["blog"]}, source("shop", **saved), source("blog", **saved)
    )
    projects = {each["id"]: each for each in backup.backup_settings(plan)["projects"]}
    assert (projects["shop"]["database"], projects["shop"]["point_in_time"]) == (None, False)
    assert (projects["blog"]["database"], projects["blog"]["point_in_time"]) == ("blog_db", True)
    assert any("shop is at the managed service" in note for note in plan.notes)


def test_the_data_server_alone_is_told_of_the_administrator() -> None:
    plan = planned({"projects": ["shop"], "prepared": ["blog"]}, SHOP, BLOG)
    for server in plan.servers:
        files = {file["path"]: file for file in host_bundle(plan, server)["files"]}
        assert CA.strip() in files["/etc/codeb/ca.crt"]["content"]
        assert (managed_names.PASSWORD in json.dumps(files)) == server.has("data")
        if server.has("data"):
            settings = json.loads(files[managed_names.SETTINGS_FILE]["content"])
            assert [each["database"] for each in settings["projects"]] == ["blog_db", "shop_db"]
            assert (
                files[managed_names.SETTINGS_FILE]["mode"]
                == files[managed_names.LOGIN_FILE]["mode"]
                == "0600"
            )


def test_it_costs_what_the_catalogue_says() -> None:
    with_it, without = planned({}, SHOP).costs, planned(None, SHOP).costs
    assert with_it.cents - without.cents == 10000
    assert with_it.output["items"][f"managed postgres {PLAN}"] == 100.0


def test_ids_of_nobody_are_told() -> None:
    assert any("names shpo, and no manifest" in note for note in planned({"prepared": ["shpo"]}, SHOP).notes)


@pytest.mark.parametrize(
    ("postgres", "place", "cause"),
    [
        ({"plan": "vultr-dbaas-busines-cc-2-80-4"}, "managed.postgres.plan", "Write vultr-dbaas-business-cc-2-80-4"),
        ({"plan": PLAN, "version": "9"}, "managed.postgres.version", "no version"),
        ({"plan": PLAN, "projects": ["shop"]}, "managed.postgres.ca", "is missing"),
        ({"plan": PLAN, "ca": CA, "projects": ["shop"], "prepared": ["shop"]}, "managed.postgres.prepared", "in projects"),
        ({"plan": PLAN, "prepared": ["$(reboot)"]}, "managed.postgres.prepared[0]", "is not a project id"),
        ({"plan": PLAN, "ca": "nothing"}, "managed.postgres.ca", "is not"),
    ],
)  # fmt: skip
def test_what_settings_can_t_ask_for(postgres: dict[str, Any], place: str, cause: str) -> None:
    with pytest.raises(SettingsErrors) as caught:
        parse_settings(FLEET | {"managed": {"postgres": postgres}}, "prod")
    assert place in str(caught.value)
    assert cause in str(caught.value)


def test_existing_servers_have_no_service() -> None:
    own = {"name": "own", "address": "203.0.113.9", "privateAddress": "10.1.0.9", "knownHostsFile": "k"}
    with pytest.raises(SettingsErrors, match="private network"):
        parse_settings({"domain": "a.org", "servers": [own], "managed": {"postgres": {"plan": PLAN}}}, "dev")
