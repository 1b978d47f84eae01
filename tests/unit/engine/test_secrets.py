"""Secrets: encrypted in state, hidden everywhere else."""

from __future__ import annotations

import json

import pytest

from lab.engine.api import Engine
from lab.engine.crypto import Crypter
from lab.engine.errors import EngineError
from lab.engine.provider import ProviderError
from lab.engine.scrub import Scrubber
from lab.engine.values import Secret
from tests.unit.engine.harness import Stack

VALUE = "correct horse battery"
PROGRAM = f"""
s = Output.secret("{VALUE}")
a = Thing("a", password=s, nested={{"deep": [s, "plain"]}}, opts=O(additional_secret_outputs=["result"]))
pulumi.export("result", a.result)
pulumi.export("mixed", {{"plain": 1, "secret": s}})
"""


def test_secrets_are_in_no_file_and_no_output(stack: Stack) -> None:
    for json_output, diff in ((False, False), (True, False), (False, True)):
        stack.preview(PROGRAM, json_output=json_output, diff=diff)
        assert VALUE not in stack.text
    stack.up(PROGRAM)
    assert VALUE not in stack.text
    for path in stack.backend.rglob("*"):
        assert path.is_dir() or VALUE not in path.read_text()
    engine, _ = stack.engine()
    assert engine.outputs() == {"result": "[secret]", "mixed": {"plain": 1, "secret": "[secret]"}}
    assert engine.outputs(show_secrets=True)["mixed"]["secret"] == VALUE


def test_secret_inputs_make_secret_outputs(stack: Stack) -> None:
    stack.up(PROGRAM)
    outputs = stack.resources()[0]["outputs"]
    assert "ciphertext" in outputs["password"]
    assert "ciphertext" in outputs["nested"]["deep"][0]
    assert "ciphertext" in outputs["result"]


def test_an_unchanged_secret_keeps_its_ciphertext(stack: Stack) -> None:
    stack.up(PROGRAM)
    before = stack.resources()
    assert stack.up(PROGRAM).summary == {"same": 2}
    assert stack.resources() == before


def test_errors_and_program_output_are_scrubbed(stack: Stack) -> None:
    stack.world.failing["+a"] = ProviderError(f"login with {VALUE} failed")
    stack.up_failing(f'print("debug {VALUE}")\n' + PROGRAM)
    assert VALUE not in stack.text
    assert "login with [secret] failed" in stack.text


def test_scrubbing_finds_lines_and_json_of_a_secret() -> None:
    scrub = Scrubber()
    scrub.learn({"key": Secret('first "line"\nsecond line')})
    assert scrub('x first "line" y second line z') == "x [secret] y [secret] z"
    assert scrub(json.dumps('first "line"\nsecond line')) == '"[secret]"'


def test_another_passphrase_does_not_open_the_stack(stack: Stack) -> None:
    stack.up(PROGRAM)
    engine = Engine(stack.folder, "dev", stack.backend, "wrong", stack.factory)
    with pytest.raises(EngineError, match="incorrect passphrase"):
        engine.outputs()


def test_a_salt_that_comes_with_the_stack_file_re_encrypts_the_state(stack: Stack) -> None:
    stack.up(PROGRAM)
    crypter = Crypter.new("pass")
    secure = crypter._encrypt_text("from the file")
    (stack.folder / "Pulumi.dev.yaml").write_text(
        f"encryptionsalt: {crypter.state}\nconfig:\n  proj:token: {{secure: '{secure}'}}\n"
    )
    program = PROGRAM + 'pulumi.export("token", pulumi.Config().require_secret("token"))\n'
    assert stack.up(program).summary == {"same": 2}
    assert stack.deployment["secrets_providers"]["state"]["salt"] == crypter.state
    engine, _ = stack.engine()
    assert engine.outputs(show_secrets=True)["token"] == "from the file"
    assert engine.outputs(show_secrets=True)["mixed"]["secret"] == VALUE


def test_a_secret_of_another_stack_stays_secret(stack: Stack) -> None:
    engine, _ = stack.engine(
        'pulumi.export("hidden", Output.secret("from other"))\npulumi.export("plain", 1)'
    )
    other = Engine(stack.folder, "other", stack.backend, "pass", stack.factory)
    assert other.up().exit_code == 0
    stack.up(
        'r = pulumi.StackReference("organization/proj/other")\npulumi.export("h", r.get_output("hidden"))'
    )
    assert "ciphertext" in stack.deployment["resources"][0]["outputs"]["h"]
    assert engine.outputs(show_secrets=True) == {"h": "from other"}
    stack.up_failing('pulumi.StackReference("organization/proj/nowhere")')
    assert "unknown stack" in stack.text


def test_ciphertexts_are_pulumis() -> None:
    crypter = Crypter.new("hunter2")
    assert crypter.state.startswith("v1:")
    assert Crypter.open("hunter2", crypter.state).decrypt(crypter.encrypt({"a": [1, None]})) == {
        "a": [1, None]
    }
    with pytest.raises(EngineError, match="malformed"):
        Crypter.open("hunter2", "nonsense")
