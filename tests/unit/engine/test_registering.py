"""What the program registers: creation, updates, aliases, components, options, failures."""

from __future__ import annotations

import json

import pytest

from lab.engine.provider import PartialFailure, ProviderError, State
from lab.engine.run import Options
from tests.unit.engine.harness import Stack, name_of, shown, targeting, urn_of


def test_a_second_run_changes_nothing(stack: Stack) -> None:
    program = 'a = Thing("a", value=1)\nThing("b", value=a.result)\npulumi.export("r", a.result)'
    assert stack.up(program).summary == {"create": 3}
    first = stack.deployment["resources"]
    assert stack.up(program).summary == {"same": 3}
    assert stack.deployment["resources"] == first
    assert stack.up(program).outputs == {"r": "made a"}


def test_a_component_hands_down_aliases_to_children_named_after_it(stack: Stack) -> None:
    program = """
g = Group("{0}", opts=O(aliases={1}))
h = Group("{0}-inner", opts=O(parent=g))
Thing("{0}-inner-thing", opts=O(parent=h))
"""
    stack.up(program.format("old", "[]"))
    stack.world.take_log()
    result = stack.up(program.format("new", "[pulumi.Alias(name='old')]"))
    assert stack.world.take_log() == []
    assert result.summary == {"same": 4}
    assert stack.names() == ["new", "new-inner", "new-inner-thing"]
    parents = [name_of(item["parent"]) for item in stack.resources()]
    assert parents == ["proj-dev", "new", "new-inner"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('Thing("a")',
         'g = Group("g")\nThing("a", opts=O(parent=g, aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)]))'),
        ('g = Group("g")\nThing("a", opts=O(parent=g))',
         'g = Group("g")\nThing("a", opts=O(aliases=[pulumi.Alias(parent=g)]))'),
        ('Thing("x")', f'Thing("a", opts=O(aliases=["{urn_of("x")}"]))'),
        ('g = Group("g", kind="Old")\nThing("a", opts=O(parent=g))',
         'g = Group("g", kind="New", opts=O(aliases=[pulumi.Alias(type_="test:index:Old")]))\nThing("a", opts=O(parent=g))'),
    ],
)  # fmt: skip
def test_an_alias_keeps_the_resource(stack: Stack, before: str, after: str) -> None:
    stack.up(before)
    stack.world.take_log()
    stack.up(after)
    assert [entry for entry in stack.world.take_log() if "a" in entry or "x" in entry] == []


def test_depending_on_a_component_means_its_children(stack: Stack) -> None:
    stack.up('g = Group("g")\nThing("child", opts=O(parent=g))\nThing("b", opts=O(depends_on=[g]))')
    stack.world.take_log()
    stack.destroy()
    assert stack.world.take_log() == ["-b", "-child"]


def test_children_inherit_options_and_providers(stack: Stack) -> None:
    stack.up(
        'p = Provider("p", server="one")\n'
        'g = Group("g", opts=O(providers=[p], protect=True))\n'
        'h = Group("h", opts=O(parent=g))\nThing("a", opts=O(parent=h))'
    )
    thing = next(item for item in stack.resources() if name_of(item["urn"]) == "a")
    assert thing["protect"] is True
    assert "::pulumi:providers:fake::p::" in thing["provider"]


def test_ignored_changes_keep_the_old_value_at_their_path(stack: Stack) -> None:
    stack.up('Thing("a", deep={"x": 1, "y": [1, 2]}, other=1)')
    stack.world.take_log()
    result = stack.up(
        'Thing("a", deep={"x": 2, "y": [9, 2]}, other=1, opts=O(ignore_changes=["deep.x", "deep.y[0]"]))'
    )
    assert result.summary == {"same": 2}
    assert stack.resources()[0]["inputs"]["deep"] == {"x": 1, "y": [1, 2]}


def test_only_targets_are_touched(stack: Stack) -> None:
    stack.up('Thing("a", v=1)\nThing("b", v=1)\nThing("gone")')
    stack.world.take_log()
    stack.up('Thing("a", v=2)\nThing("b", v=2)\nThing("new")', targeting("a"))
    assert stack.world.take_log() == ["~a"]
    assert sorted(stack.names()) == ["a", "b", "gone"]


def test_globs_and_dependents_widen_the_target(stack: Stack) -> None:
    program = 'a = Thing("a-1", v={0})\nThing("b", v=a.result)\nThing("c", v={0})'
    stack.up(program.format(1))
    stack.world.take_log()
    stack.up(program.format(2), targeting("**::a-*", target_dependents=True))
    assert stack.world.take_log() == ["~a-1", "~b"]


def test_a_target_that_needs_something_new_is_refused(stack: Stack) -> None:
    stack.up_failing('a = Thing("a")\nThing("b", v=a.result)', targeting("b"))
    assert "was not specified in --target list" in stack.text
    assert stack.world.take_log() == []


def test_an_unknown_target_is_an_error(stack: Stack) -> None:
    stack.up_failing('Thing("a")', targeting("nowhere"))
    assert "could not be found in the stack" in stack.text


def test_two_resources_of_one_name_are_an_error(stack: Stack) -> None:
    stack.up_failing('Thing("a")\nThing("a")')
    assert f"Duplicate resource URN '{urn_of('a')}'" in stack.text


def test_what_the_provider_refuses_is_not_created(stack: Stack) -> None:
    stack.up_failing('Thing("a", bad=Output.secret("hush-hush"))')
    assert "has a problem: it is bad" in stack.text
    assert "hush-hush" not in stack.text
    assert stack.world.take_log() == []


def test_after_a_failure_nothing_is_deleted_and_dependents_wait(stack: Stack) -> None:
    stack.up('Thing("old")')
    stack.world.failing["+b"] = ProviderError("no")
    stack.world.take_log()
    result = stack.up_failing('b = Thing("b")\nThing("c", opts=O(depends_on=[b]))')
    assert stack.world.take_log() == ["+b"]
    assert result.failed == [urn_of("b")]
    assert stack.deployment.get("pending_operations", []) == []


def test_continue_on_error_goes_on_with_what_does_not_depend_on_it(stack: Stack) -> None:
    stack.world.failing["+b"] = ProviderError("no")
    program = 'b = Thing("b")\nThing("c", v=b.result)\nThing("d")'
    stack.up_failing(program, Options(continue_on_error=True))
    assert sorted(stack.world.take_log()) == ["+b", "+d"]
    assert stack.names() == ["d"]


def test_a_partly_created_resource_is_kept_and_updated_next_time(stack: Stack) -> None:
    stack.world.failing["+a"] = PartialFailure(State("", {}), ("not ready",))
    stack.up_failing('Thing("a")')
    assert [item["initErrors"] for item in stack.resources()] == [["not ready"]]
    stack.world.failing.clear()
    stack.world.take_log()
    stack.up('Thing("a")')
    assert stack.world.take_log() == ["~a"]
    assert "initErrors" not in stack.resources()[0]


@pytest.mark.parametrize(
    ("program", "feature"),
    [
        ('Thing("a", opts=O(import_="x"))', "`import_`"),
        ('Thing("a", opts=O(custom_timeouts=pulumi.CustomTimeouts(create="5m")))', "`custom_timeouts`"),
        ('Thing("a", opts=O(transforms=[lambda args: None]))', "transforms"),
        ('Thing("a", archive=pulumi.FileArchive("."))', "archives"),
        ('pulumi.runtime.invoke("fake:index:look", {})', "function calls (fake:index:look)"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(stack: Stack, program: str, feature: str) -> None:
    stack.up_failing(program)
    assert feature in stack.text, stack.text
    assert stack.world.take_log() == []


def test_previews_know_what_is_not_known_yet(stack: Stack) -> None:
    result = stack.preview(
        'a = Thing("a", v=1)\nThing("b", v=a.result)\npulumi.export("v", a.v)', json_output=True
    )
    assert shown(result) == [("create", "a"), ("create", "b")]
    digest = json.loads(stack.text)
    assert digest["changeSummary"] == {"create": 3}
    assert not stack.state_file.exists(), "a preview leaves nothing behind"
    assert stack.world.log == []


def test_a_provider_whose_configuration_is_unknown_is_asked_nothing(stack: Stack) -> None:
    program = (
        'a = Thing("a", v={0})\np = Provider("p", server=a.result)\nThing("b", bad={1}, opts=O(provider=p))'
    )
    stack.up(program.format(1, False))
    result = stack.preview(program.format(2, True))
    assert result.exit_code == 0, stack.text
    assert ("update", "b") in shown(result)
    assert "has inputs that are not known during preview" in stack.text
