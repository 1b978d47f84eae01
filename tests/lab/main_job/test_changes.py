"""Teams change manifests: what comes, goes and stays; and what happens when something is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import demo
import pytest
from stack import HOST, Stack, get, new_project, served_all_the_time

pytestmark = pytest.mark.lab

SHOP_URL = "https://shop.lab.test/api/restaurants"


@pytest.fixture
def shop(stack: Stack) -> Iterator[Stack]:
    """The stack with a fourth project, which is gone afterwards, data and all."""
    manifest = new_project("shop")
    manifest["project"]["lifecycle"] = "destroy"
    stack.write("shop", manifest)
    added = stack.up()
    assert added.status == 0, added.text
    yield stack
    stack.write("shop", manifest)
    assert stack.up().status == 0
    stack.remove("shop")
    gone = stack.up()
    assert gone.status == 0, gone.text
    assert "shop_db" not in stack.databases()


def test_a_fourth_manifest_comes_goes_keeps_its_data_and_comes_back(stack: Stack) -> None:
    others = {
        name: stack.entry(name)["container_id"] for name in ("blog", "food-delivery-app", "real-estate-app")
    }
    stack.write("shop", new_project("shop"))
    plan = stack.preview()
    assert plan.changes == {"create": 11, "update": 1}, plan.text  # the data server backs it up
    facts = plan.inputs("Project::shop")
    assert facts["ports"] == {"app": 3007, "internal": 3008}
    assert facts["database"] == "shop_db"
    assert facts["buckets"] == ["shop-uploads"]
    assert facts["redis"].startswith("redis-0 index ")

    added = stack.up()
    assert added.changes == {"create": 11, "update": 1}, added.text
    assert get(SHOP_URL).status == 200
    health = get("https://shop.lab.test/api/health").json()
    assert [health[service] for service in ("database", "cache", "storage")] == ["ok"] * 3
    stack.sql("create table kept (note text)", "shop_db")
    stack.sql("insert into kept values ('here')", "shop_db")

    stack.remove("shop")
    removed = stack.up()
    assert removed.status == 0, removed.text
    rules = {"shop-versions-uploads", "shop-expiry-uploads"}  # which stay on the bucket
    access = {"shop-user", "shop-policy", "shop-access"}
    assert removed.steps("delete") == rules | access | {"shop-release-codeb1"}
    assert "database shop_db" in removed.text, "the run must say that data is kept"
    assert get_status(SHOP_URL) != 200
    assert stack.entry("shop")["status"] == "retained"
    assert stack.sql("select note from kept", "shop_db") == "here"

    manifest = new_project("shop")
    manifest["project"]["lifecycle"] = "destroy"
    stack.write("shop", manifest)
    back = stack.up()
    assert back.status == 0, back.text
    assert stack.sql("select note from kept", "shop_db") == "here", "the data must be there again"
    stack.remove("shop")
    gone = stack.up()
    assert gone.status == 0, gone.text
    assert "shop_db" not in stack.databases()
    assert "shop" not in stack.outputs()["registry"]["projects"]
    assert {name: stack.entry(name)["container_id"] for name in others} == others, "nobody else was touched"


def get_status(url: str) -> int | str:
    try:
        return get(url).status
    except OSError as error:
        return type(error).__name__


def test_one_changed_variable_updates_one_resource_and_restarts_one_app(stack: Stack) -> None:
    names = ("blog", "food-delivery-app", "real-estate-app")
    before = {name: stack.entry(name)["container_id"] for name in names}
    manifest = stack.manifest("blog")
    manifest["environment"]["variables"][demo.TITLE] = "A new title"
    stack.write("blog", manifest)
    with served_all_the_time("blog.lab.test", "food.lab.test"):
        changed = stack.up()
    assert changed.changes == {"update": 1}, changed.text
    assert demo.shows(get, "blog.lab.test", "A new title")
    after = {name: stack.entry(name)["container_id"] for name in names}
    assert [name for name in names if before[name] != after[name]] == ["blog"]


def test_a_port_conflict_and_a_bad_manifest_are_refused_before_anything_happens(stack: Stack) -> None:
    registry = stack.outputs()["registry"]
    clash = new_project("clash")
    clash["servers"] = {"ports": {"app": 3001, "internal": 3002}}
    stack.write("clash", clash)
    refused = stack.up()
    stack.remove("clash")
    assert refused.status == 1
    assert "clash" in refused.text
    assert "blog" in refused.text
    stack.write("broken", {"project": {"id": "Broken!"}, "environment": {"domain": "x.lab.test"}})
    with served_all_the_time("blog.lab.test"):
        refused = stack.up()
    stack.remove("broken")
    assert refused.status == 1
    for word in ("manifests/broken.yaml:", "project.id", "environment.image"):
        assert word in refused.text
    assert stack.outputs()["registry"] == registry, "a refused run must not forget who holds what"
    again = stack.up()
    assert again.changes == {}, again.text


def test_a_host_that_is_down_is_said_and_the_next_run_converges(stack: Stack) -> None:
    manifest = stack.manifest("blog")
    manifest["environment"]["variables"][demo.TITLE] = "After the power cut"
    stack.write("blog", manifest)
    stack.lab.power_cut(HOST)
    failed = stack.up()
    assert failed.status == 1
    assert "10.77.0.2" in failed.text
    assert "check that the server is up" in failed.text
    stack.lab.ensure((HOST,))
    again = stack.up()
    assert again.status == 0, again.text
    assert demo.shows(get, "blog.lab.test", "After the power cut")
