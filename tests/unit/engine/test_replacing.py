"""Replacements: order, dependents, protection, failures in the middle."""

from __future__ import annotations

from lab.engine.provider import ProviderError
from lab.engine.run import Options
from lab.engine.targets import Targets
from tests.unit.engine.harness import Stack, shown, urn_of


def test_a_replacement_is_created_before_the_original_is_deleted(stack: Stack) -> None:
    stack.up('a = Thing("a", fixed=1)\nThing("b", value=a.result)')
    stack.world.take_log()
    stack.up('a = Thing("a", fixed=2)\nThing("b", value=a.id)')
    assert stack.world.take_log() == ["+a", "~b", "-a"]
    assert stack.names() == ["a", "b"]


def test_delete_before_replace_takes_along_what_would_be_replaced_too(stack: Stack) -> None:
    program = """
a = Thing("a", early={0})
b = Thing("b", fixed=a.id)
c = Thing("c", value=b.id)
d = Thing("d", fixed=c.id)
Thing("e", opts=O(depends_on=[a]))
"""
    stack.up(program.format(1))
    stack.world.take_log()
    result = stack.preview(program.format(2))
    assert ("replace", "b") in shown(result)
    stack.up(program.format(2))
    log = stack.world.take_log()
    assert log[:4] == ["-b", "-a", "+a", "+b"], "b goes before a, and comes back after it"
    assert "-e" not in log, "a mere dependency is no reason"
    assert "~c" in log, "c is updated in place"
    assert "-d" not in log


def test_a_failed_deletion_keeps_the_replaced_resource_until_it_works(stack: Stack) -> None:
    stack.up('Thing("a", fixed=1)')
    stack.world.failing["-a"] = ProviderError("still in use")
    stack.up_failing('Thing("a", fixed=2)')
    assert stack.names() == ["a", "a!"]
    stack.world.failing.clear()
    stack.world.take_log()
    stack.up('Thing("a", fixed=2)')
    assert stack.world.take_log() == ["-a"]
    assert stack.names() == ["a"]


def test_a_failed_creation_after_the_deletion_is_made_up_for(stack: Stack) -> None:
    stack.up('Thing("a", early=1)')
    stack.world.failing["+a"] = ProviderError("no room")
    stack.up_failing('Thing("a", early=2)')
    assert [item.get("pendingReplacement") for item in stack.resources()] == [True]
    stack.world.failing.clear()
    stack.world.take_log()
    stack.up('Thing("a", early=2)')
    assert stack.world.take_log() == ["+a"], "it was deleted before"
    assert [item.get("pendingReplacement") for item in stack.resources()] == [None]


def test_what_waits_for_its_replacement_and_is_not_wanted_any_more_just_goes(stack: Stack) -> None:
    stack.up('Thing("a", early=1)')
    stack.world.failing["+a"] = ProviderError("no room")
    stack.up_failing('Thing("a", early=2)')
    stack.world.take_log()
    stack.up("")
    assert stack.world.take_log() == []
    assert stack.names() == []


def test_a_protected_resource_is_not_replaced(stack: Stack) -> None:
    stack.up('Thing("a", fixed=1, opts=O(protect=True))')
    stack.world.take_log()
    stack.up_failing('Thing("a", fixed=2, opts=O(protect=True))')
    assert stack.world.take_log() == []
    assert 'unable to replace resource "' + urn_of("a") in stack.text
    assert stack.preview('Thing("a", fixed=2, opts=O(protect=True))').exit_code == 1


def test_a_protected_dependent_stops_a_deletion_before_replacement(stack: Stack) -> None:
    program = 'a = Thing("a", early={0})\nThing("b", fixed=a.id, opts=O(protect=True))'
    stack.up(program.format(1))
    stack.world.take_log()
    stack.up_failing(program.format(2))
    assert stack.world.take_log() == []
    assert "as part of replacing" in stack.text


def test_a_provider_that_must_be_replaced_takes_its_resources_along(stack: Stack) -> None:
    program = 'p = Provider("p", server="{0}")\nThing("a", opts=O(provider=p))'
    stack.up(program.format("one"))
    stack.world.take_log()
    stack.up(program.format("two"))
    assert stack.world.take_log() == ["+a", "-a"]


def test_a_provider_that_changes_otherwise_keeps_its_resources(stack: Stack) -> None:
    program = 'p = Provider("p", server="one", retries="{0}")\nThing("a", opts=O(provider=p))'
    stack.up(program.format(1))
    stack.world.take_log()
    result = stack.up(program.format(2))
    assert stack.world.take_log() == []
    assert result.summary == {"same": 2, "update": 1}


def test_replacement_can_be_asked_for(stack: Stack) -> None:
    stack.up('Thing("a")\nThing("b")')
    stack.world.take_log()
    stack.up('Thing("a")\nThing("b")', Options(replace=Targets([urn_of("a")])))
    assert stack.world.take_log() == ["+a", "-a"]


def test_replace_with_follows_the_other_resource(stack: Stack) -> None:
    program = 'a = Thing("a", fixed={0})\nThing("b", opts=O(replace_with=[a]))'
    stack.up(program.format(1))
    stack.world.take_log()
    stack.up(program.format(2))
    assert sorted(stack.world.take_log()) == ["+a", "+b", "-a", "-b"]


def test_retained_originals_are_not_deleted(stack: Stack) -> None:
    program = 'Thing("a", fixed={0}, opts=O(retain_on_delete=True))'
    stack.up(program.format(1))
    stack.world.take_log()
    stack.up(program.format(2))
    assert stack.world.take_log() == ["+a"]
    assert stack.names() == ["a"]
