"""Local commands, and what both kinds of commands share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab.host.processes import wait_until
from lab.providers.command.local import TYPE
from lab.providers.command.resource import go_quote
from lab.providers.protocol import UNKNOWN, ProviderError
from tests.plugins.client import Plugin, plugin
from tests.plugins.life import urn

URN = urn(TYPE, "a::b")


def run(provider: Plugin, **news: Any) -> dict[str, Any]:
    checked = provider.check(TYPE, URN, {}, news, b"")
    assert checked.failures == ()
    return provider.create(TYPE, URN, checked.inputs).outputs


def test_the_provider_inputs_are_those_of_the_recorded_state(command: Plugin) -> None:
    assert command.check_config({}).inputs == {
        "__pulumi-go-provider-version": "(devel)",
        "version": "1.2.1",
    }


def test_the_id_is_the_name_and_eight_digits(command: Plugin) -> None:
    state = command.create(TYPE, URN, {"create": "true"})
    assert state.id.startswith("a::b")
    assert len(state.id) == len("a::b") + 8


@pytest.mark.parametrize(
    ("news", "stdout"),
    [
        ({"create": "echo one"}, "one"),
        ({"create": "printf 'one\n\n'"}, "one\n"),
        ({"create": "cat", "stdin": "ü'\"\n"}, "ü'\""),
        ({"create": "cat"}, ""),
        ({"create": 'echo "$A"', "environment": {"A": "b; c"}}, "b; c"),
        ({"create": "pwd", "dir": "/"}, "/"),
        ({"create": "print(6*7)", "interpreter": ["python3", "-c"]}, "42"),
        ({}, ""),
    ],
)
def test_output_is_captured(command: Plugin, news: dict[str, Any], stdout: str) -> None:
    outputs = run(command, **news)
    assert outputs == {**news, "stdout": stdout, "stderr": ""}


def test_an_update_runs_update_or_else_create_again(command: Plugin) -> None:
    before = {"create": "echo one", "stdout": "one", "stderr": "warned"}
    show = 'echo "$PULUMI_COMMAND_STDOUT $PULUMI_COMMAND_STDERR"'
    for news in ({"create": "false", "update": show}, {"create": show}):
        assert command.update(TYPE, URN, "a1", {}, before, news).outputs["stdout"] == "one warned"
    quiet = {"update": show, "addPreviousOutputInEnv": False}
    assert command.update(TYPE, URN, "a1", {}, before, quiet).outputs["stdout"] == " "
    assert command.update(TYPE, URN, "a1", {}, before, {"stdin": "x"}).outputs == {
        "stdin": "x",
        "stdout": "one",
        "stderr": "warned",
    }


def test_delete_runs_what_the_state_says(command: Plugin, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    outputs = {"delete": f'echo "$PULUMI_COMMAND_STDOUT" > {mark}', "stdout": "one", "stderr": ""}
    command.delete(TYPE, URN, "a1", {}, outputs)
    assert mark.read_text() == "one\n"
    command.delete(TYPE, URN, "a1", {}, {"stdout": "one"})


@pytest.mark.parametrize(
    ("news", "message"),
    [
        (
            {"create": 'echo "out"; exit 3'},
            'exit status 3: running "echo \\"out\\"; exit 3":\nout\n',
        ),
        ({"create": "kill -9 $$"}, 'signal: killed: running "kill -9 $$":\n'),
        (
            {"create": "true", "dir": "/nowhere"},
            'chdir /nowhere: no such file or directory: running "true":\n',
        ),
        (
            {"create": "x", "interpreter": ["no-such"]},
            'exec: "no-such": executable file not found in $PATH: running "x":\n',
        ),
        (
            {"create": "x", "interpreter": ["/no/such"]},
            'fork/exec /no/such: no such file or directory: running "x":\n',
        ),
    ],
)
def test_a_failure_is_worded_as_the_plugin_does(command: Plugin, news: dict[str, Any], message: str) -> None:
    with pytest.raises(ProviderError) as caught:
        run(command, **news)
    assert str(caught.value) == message


def test_a_failure_has_both_outputs_which_are_read_side_by_side(command: Plugin) -> None:
    with pytest.raises(ProviderError) as caught:
        run(command, create="echo out; echo err >&2; exit 3")
    first, *said = str(caught.value).splitlines()
    assert first == 'exit status 3: running "echo out; echo err >&2; exit 3":'
    assert sorted(said) == ["err", "out"]


def test_a_secret_on_stdin_is_not_in_the_failure(command: Plugin) -> None:
    with pytest.raises(ProviderError) as caught:
        run(command, create="exit 1", stdin="the secret")
    assert "the secret" not in str(caught.value)


def test_large_input_and_output_do_not_block(command: Plugin) -> None:
    text = "x" * 2_000_000
    outputs = run(command, create="tee /dev/stderr", stdin=text)
    assert (outputs["stdout"], outputs["stderr"]) == (text, text)


def test_cancel_ends_a_command_with_its_children(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    with plugin("command", {}) as command, ThreadPoolExecutor(1) as pool:
        running = pool.submit(run, command, create=f"touch {begun}; sleep 60 | sleep 60")
        assert wait_until(begun.exists, 30)
        command.cancel()
        with pytest.raises(ProviderError, match="signal: killed"):
            running.result(timeout=30)
        with pytest.raises(ProviderError, match="cancelled"):
            run(command, create="true")


@pytest.mark.parametrize("key", ["assetPaths", "archivePaths"])
def test_what_the_lab_cannot_do_is_refused_by_name(command: Plugin, key: str) -> None:
    failures = command.check(TYPE, URN, {}, {"create": "true", key: ["*"]}, b"").failures
    assert [where for where, _ in failures] == [key]


@pytest.mark.parametrize(
    ("old", "new", "diffs", "replaces"),
    [
        ({"create": "a"}, {"create": "a"}, (), ()),
        ({"create": "a"}, {"create": "b"}, ("create",), ()),
        ({"create": "a"}, {"create": UNKNOWN}, ("create",), ()),
        ({"create": "a", "delete": "d"}, {"create": "a"}, ("delete",), ()),
        ({"triggers": ["a"]}, {"triggers": ["b"]}, ("triggers[0]",), ()),
        ({"triggers": ["a"]}, {"triggers": ["a", "b"]}, ("triggers[1]",), ()),
        ({}, {"triggers": ["a"]}, ("triggers",), ("triggers",)),
        ({"triggers": ["a"]}, {}, ("triggers",), ("triggers",)),
        ({"triggers": [1]}, {"triggers": [1.0]}, (), ()),
        ({"triggers": [1]}, {"triggers": [True]}, ("triggers[0]",), ()),
        ({"triggers": [{"a b": [1]}]}, {"triggers": [{"a b": [2]}]}, ('triggers[0]["a b"][0]',), ()),
        ({"environment": {"A": "1"}}, {"environment": {"A": "1", "B": "2"}}, ("environment.B",), ()),
    ],
)
def test_what_changes_and_what_replaces(
    command: Plugin,
    old: dict[str, Any],
    new: dict[str, Any],
    diffs: tuple[str, ...],
    replaces: tuple[str, ...],
) -> None:
    """`triggers` replaces as a whole; for its elements the SDK sends the option `replaceOnChanges`."""
    diff = command.diff(TYPE, URN, "a1", old, {**old, "stdout": "", "stderr": ""}, new)
    assert (diff.diffs, diff.replaces, diff.changes) == (diffs, replaces, bool(diffs))


def test_a_preview_knows_what_the_plugin_knows(command: Plugin) -> None:
    old = {"create": "a", "stdout": "o", "stderr": "e"}
    unknown = {"stdout": UNKNOWN, "stderr": UNKNOWN}
    kept = {"stdout": "o", "stderr": "e"}
    assert command.preview(TYPE, URN, None, {"create": "a"}) == {"create": "a", **unknown}
    assert command.preview(TYPE, URN, old, {"create": "b"}) == {"create": "b", **unknown}
    assert command.preview(TYPE, URN, old, {}) == unknown
    added = {"create": "a", "stdin": "new"}
    assert command.preview(TYPE, URN, old, added) == {**added, **kept}, "an input that merely appeared"


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ('a "b" \\', '"a \\"b\\" \\\\"'),
        ("tab\tline\nbell\a", '"tab\\tline\\nbell\\a"'),
        ("é\u200b\x00\x7f\U000e0001", '"é\\u200b\\x00\\x7f\\U000e0001"'),
    ],
)
def test_quotes_as_go_prints_them(text: str, quoted: str) -> None:
    assert go_quote(text) == quoted
