"""Remote commands, against a real sshd."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from lab.host.processes import wait_until
from lab.plugins.values import Secret, decode
from lab.providers.command.remote import TYPE
from lab.providers.protocol import UNKNOWN, ProviderError
from tests.plugins.client import Plugin, plugin
from tests.plugins.conftest import Server
from tests.ports import free_port, refusing_port

URN = f"urn:pulumi:test::unit::{TYPE}::status"


def checked(provider: Plugin, **inputs: Any) -> dict[str, Any]:
    result = provider.check(TYPE, URN, {}, inputs, b"")
    assert result.failures == ()
    return result.inputs


def test_a_connection_gets_the_plugins_defaults(command: Plugin) -> None:
    inputs = checked(command, connection={"host": "h", "proxy": {"host": "p", "port": 2}}, create="true")
    defaults = {"user": "root", "dialErrorLimit": 10, "perDialTimeout": 15}
    assert inputs["connection"] == {
        "host": "h",
        "port": 22,
        **defaults,
        "proxy": {"host": "p", "port": 2, **defaults},
    }


def test_zero_is_kept_where_it_means_something(command: Plugin) -> None:
    inputs = checked(command, connection={"host": "h", "perDialTimeout": 0, "dialErrorLimit": 0})
    assert inputs["connection"]["perDialTimeout"] == 0
    assert inputs["connection"]["dialErrorLimit"] == 0


def test_an_unknown_host_passes_the_check(command: Plugin) -> None:
    assert checked(command, connection={"host": UNKNOWN})["connection"]["host"] is UNKNOWN
    assert checked(command, connection=UNKNOWN)["connection"] is UNKNOWN


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"create": "true"}, "connection"),
        ({"connection": {"user": "root"}}, "connection.host"),
        ({"connection": {"host": "h", "proxy": {}}}, "connection.proxy.host"),
        ({"connection": {"host": "h", "port": "22"}}, "connection.port"),
        ({"connection": "h"}, "connection"),
    ],
)
def test_a_connection_that_cannot_work_is_named(command: Plugin, inputs: dict[str, Any], path: str) -> None:
    assert [where for where, _ in command.check(TYPE, URN, {}, inputs, b"").failures] == [path]


def test_the_whole_connection_is_secret_and_what_is_secret_inside_it_too(command: Plugin) -> None:
    proxy = {"host": "p", "password": "y"}
    given = {"connection": {"host": "h", "privateKey": "k", "proxy": proxy}, "create": "true"}
    inputs = decode(command.check_on_the_wire(TYPE, URN, {}, given).inputs)
    assert inputs["create"] == "true"
    connection = inputs["connection"].value
    assert connection["privateKey"] == Secret("k")
    assert connection["proxy"]["password"] == Secret("y")
    assert connection["host"] == "h"
    assert "password" not in connection, "what is not there is not marked"


def test_output_input_and_id(command: Plugin, ssh_server: Server) -> None:
    inputs = checked(
        command, connection=ssh_server.connection, create="cat; echo; echo err >&2", stdin="a'b\"c"
    )
    state = command.create(TYPE, URN, inputs)
    assert (state.outputs["stdout"], state.outputs["stderr"]) == ("a'b\"c", "err")
    assert state.id.startswith("status")
    assert len(state.id) == len("status") + 8
    assert {key: state.outputs[key] for key in inputs} == inputs


def test_update_runs_update_and_sees_the_previous_output(command: Plugin, ssh_server: Server) -> None:
    base = {"connection": ssh_server.connection, "create": "echo one"}
    first = command.create(TYPE, URN, checked(command, **base))
    news = checked(command, **base, update='echo "$PULUMI_COMMAND_STDOUT two"')
    assert command.update(TYPE, URN, first.id, {}, first.outputs, news).outputs["stdout"] == "one two"
    quiet = {**news, "addPreviousOutputInEnv": False}
    assert command.update(TYPE, URN, first.id, {}, first.outputs, quiet).outputs["stdout"] == " two"


def test_a_failing_command_repeats_itself_and_its_output(command: Plugin, ssh_server: Server) -> None:
    inputs = checked(command, connection=ssh_server.connection, create='echo "out"; echo err >&2; exit 7')
    with pytest.raises(ProviderError) as caught:
        command.create(TYPE, URN, inputs)
    first, *rest = str(caught.value).splitlines()
    assert first == r'Process exited with status 7: running "echo \"out\"; echo err >&2; exit 7":'
    assert sorted(rest) == ["err", "out"]


def test_a_killed_command_names_the_signal(command: Plugin, ssh_server: Server) -> None:
    inputs = checked(command, connection=ssh_server.connection, create="kill -9 $$")
    with pytest.raises(ProviderError, match=r"^Process exited with status 137 from signal KILL: running"):
        command.create(TYPE, URN, inputs)


def test_variables_arrive_or_the_command_does_not_run(command: Plugin, ssh_server: Server) -> None:
    base = {"connection": ssh_server.connection, "create": 'echo "$OK_ONE"'}
    value = "a; touch /nope 'x'"
    state = command.create(TYPE, URN, checked(command, **base, environment={"OK_ONE": value}))
    assert state.outputs["stdout"] == value
    for name in ("NOT_ACCEPTED", "NOT_X; true"):
        with pytest.raises(ProviderError, match="could not set environment variable"):
            command.create(TYPE, URN, checked(command, **base, environment={name: "1"}))


def test_another_host_key_is_refused(command: Plugin, ssh_server: Server) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    connection = {**ssh_server.connection, "hostKey": other, "dialErrorLimit": 1}
    with pytest.raises(
        ProviderError, match=rf"after 1 failed attempts: dial 127.0.0.1:{ssh_server.port}: .*mismatch"
    ):
        command.create(TYPE, URN, checked(command, connection=connection, create="true"))


def test_another_key_is_refused_without_being_shown(command: Plugin, ssh_server: Server) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    connection = {**ssh_server.connection, "privateKey": key, "dialErrorLimit": 0}
    with pytest.raises(ProviderError, match="unable to authenticate") as caught:
        command.create(TYPE, URN, checked(command, connection=connection, create="true"))
    assert key.splitlines()[1] not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"privateKey": "not a key"}, "privateKey to 127.0.0.1"), ({"hostKey": "nonsense"}, "parse host key")],
)
def test_unusable_key_material_fails_at_once(
    command: Plugin, ssh_server: Server, change: dict[str, str], message: str
) -> None:
    with pytest.raises(ProviderError, match=message):
        command.create(
            TYPE, URN, checked(command, connection={**ssh_server.connection, **change}, create="true")
        )


def test_an_encrypted_key_opens_with_its_password(command: Plugin, ssh_server: Server) -> None:
    key = asyncssh.import_private_key(ssh_server.connection["privateKey"]).export_private_key(
        passphrase="p w"
    )
    connection = {**ssh_server.connection, "privateKey": key.decode(), "privateKeyPassword": "p w"}
    state = command.create(TYPE, URN, checked(command, connection=connection, create="echo in"))
    assert state.outputs["stdout"] == "in"


def test_a_closed_port_is_tried_again_and_then_named(command: Plugin) -> None:
    with refusing_port() as port:
        connection = {"host": "127.0.0.1", "port": port, "dialErrorLimit": 3}
        inputs = checked(command, connection=connection, create="true")
        started = time.monotonic()
        with pytest.raises(
            ProviderError, match=f"^after 3 failed attempts: dial tcp 127.0.0.1:{port}: connect: .*refused"
        ):
            command.create(TYPE, URN, inputs)
    assert time.monotonic() - started > 0.4, "three pauses of 0.1, 0.15 and 0.225 s"


def test_a_server_that_comes_late_is_found(command: Plugin, ssh_server: Server) -> None:
    """The first dials fail; a forwarder then appears on the port."""
    port = free_port()
    inputs = checked(command, connection={**ssh_server.connection, "port": port}, create="echo up")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(command.create, TYPE, URN, inputs)
        time.sleep(0.4)
        forwarder = _forward(port, ssh_server.port)
        try:
            assert running.result(timeout=60).outputs["stdout"] == "up"
        finally:
            forwarder.set()


def test_through_a_bastion(command: Plugin, ssh_server: Server) -> None:
    connection = {**ssh_server.connection, "proxy": ssh_server.connection}
    state = command.create(TYPE, URN, checked(command, connection=connection, create="echo $SSH_CONNECTION"))
    assert state.outputs["stdout"].startswith("127.0.0.1 ")
    with refusing_port() as port:
        closed = {**ssh_server.connection, "port": port, "dialErrorLimit": 0}
        inputs = checked(command, connection={**connection, "proxy": closed}, create="true")
        with pytest.raises(ProviderError, match=r"^proxy: after 0 failed attempts"):
            command.create(TYPE, URN, inputs)


def test_many_commands_to_one_host_share_few_connections(command: Plugin, ssh_server: Server) -> None:
    inputs = checked(command, connection=ssh_server.connection, create="echo $SSH_CONNECTION; sleep 0.2")
    with ThreadPoolExecutor(64) as pool:
        states = list(pool.map(lambda _: command.create(TYPE, URN, inputs), range(64)))
    sources = {state.outputs["stdout"] for state in states}
    assert len(sources) <= 4


def test_large_output_and_input_do_not_block(command: Plugin, ssh_server: Server) -> None:
    text = "x" * 3_000_000
    inputs = checked(command, connection=ssh_server.connection, create="tee /dev/stderr", stdin=text)
    outputs = command.create(TYPE, URN, inputs).outputs
    assert outputs["stdout"] == text
    assert outputs["stderr"] == text


def test_input_that_nobody_reads_is_no_error(command: Plugin, ssh_server: Server) -> None:
    inputs = checked(command, connection=ssh_server.connection, create="echo done", stdin="x" * 3_000_000)
    assert command.create(TYPE, URN, inputs).outputs["stdout"] == "done"


def test_cancel_ends_the_session(ssh_server: Server, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    with plugin("command", {}) as command, ThreadPoolExecutor(1) as pool:
        inputs = checked(command, connection=ssh_server.connection, create=f"touch {begun}; sleep 8")
        running = pool.submit(command.create, TYPE, URN, inputs)
        assert wait_until(begun.exists, 30)
        command.cancel()
        said = "cancelled: the session on 127.0.0.1 is closed, what runs there may go on .*codeb status"
        with pytest.raises(ProviderError, match=said):
            running.result(timeout=30)
        with pytest.raises(ProviderError, match="cancelled"):
            command.create(TYPE, URN, inputs)


def test_cancel_ends_the_dialling() -> None:
    with refusing_port() as port, plugin("command", {}) as command, ThreadPoolExecutor(1) as pool:
        closed = {"host": "127.0.0.1", "port": port, "dialErrorLimit": -1}
        inputs = checked(command, connection=closed, create="true")
        running = pool.submit(command.create, TYPE, URN, inputs)
        time.sleep(0.3)
        command.cancel()
        with pytest.raises(ProviderError, match="cancelled"):
            running.result(timeout=30)


def test_delete_runs_the_command_of_the_state(command: Plugin, ssh_server: Server, tmp_path: Any) -> None:
    mark = tmp_path / "deleted"
    inputs = checked(
        command,
        connection=ssh_server.connection,
        create="echo in",
        delete=f'echo "$PULUMI_COMMAND_STDOUT" > {mark}',
    )
    state = command.create(TYPE, URN, inputs)
    command.delete(TYPE, URN, state.id, inputs, state.outputs)
    assert mark.read_text() == "in\n"


def _forward(port: int, target: int) -> threading.Event:
    """Forward a loopback port to another until the event is set."""
    import asyncio

    done = threading.Event()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(pipe(reader, back), pipe(there, writer), return_exceptions=True)

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", port)
        async with server:
            while not done.is_set():
                await asyncio.sleep(0.05)

    threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
    return done
