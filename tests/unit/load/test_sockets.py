"""The program that keeps WebSockets, against real servers with TLS: what it notes, and that it misses nothing."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request
from websockets.server import ServerProtocol

from lab.certificates import Certificate, issue
from lab.host.processes import wait_until
from lab.load.sockets import Sockets
from lab.load.streams import ANSWER_SECONDS, Row, Streams, sockets
from lab.load.target import Target
from tests.ports import free_port, refusing_port

HOST = "app.lab.test"
GREETING = json.dumps({"version": "1.0.0", "colour": "blue", "hostname": "a"})
PATIENCE_S = 90  # for a machine that is busy with other tests
Handler = Callable[[ServerConnection], Awaitable[None]]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return issue(tmp_path_factory.mktemp("authority"), HOST)


def trust(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context


@contextmanager
def serving(certificate: Certificate, handler: Handler) -> Iterator[Target]:
    """A server of the `websockets` library in a thread of its own."""
    loop = asyncio.new_event_loop()
    port = free_port()

    async def start() -> None:
        await serve(handler, "127.0.0.1", port, ssl=trust(certificate), close_timeout=1, compression=None)

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield Target(HOST, "127.0.0.1", certificate.ca, port)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def echo(client: ServerConnection) -> None:
    """As the apps do."""
    await client.send(GREETING)
    async for message in client:
        await client.send(message)


def kept(
    to: Target,
    folder: Path,
    until: Callable[[Counter[str]], bool],
    count: int = 1,
    options: tuple[str, ...] = (),
) -> list[Row]:
    """Rows of a run that goes on until so much was noted, or for PATIENCE_S."""
    running = Sockets.start(to, count, folder, options)
    try:
        reached = wait_until(
            lambda: until(Counter(row.event for row in running.rows())), PATIENCE_S, pause=0.3
        )
        assert running.process.stop()
    finally:
        running.process.kill()
    assert reached, running.process.log.read_text() or running.samples.read_text()
    return running.rows()


def seen(rows: list[Row], later: float = 0) -> Streams:
    """What the rows say when the load ends with the last of them, or so many seconds later."""
    return sockets(rows, rows[-1].at + later)


def test_a_socket_that_is_let_stays_open_with_nothing_to_tell(
    certificate: Certificate, tmp_path: Path
) -> None:
    heard: Counter[str] = Counter()

    async def count(client: ServerConnection) -> None:
        await client.send(GREETING)
        async for message in client:
            heard[str(message).partition(" ")[0]] += 1
            await client.send(message)

    with serving(certificate, count) as to:
        enough = lambda _: len(heard) == 4 and min(heard.values()) >= 2  # noqa: E731
        rows = kept(to, tmp_path, enough, count=4)
    assert Counter(row.event for row in rows) == {"connect": 4, "open": 4}
    assert {(life.colour, life.version, life.ended) for life in seen(rows).lives} == {("blue", "1.0.0", None)}


def test_a_good_bye_is_told_with_its_code(certificate: Certificate, tmp_path: Path) -> None:
    async def leave(client: ServerConnection) -> None:
        await client.send(GREETING)
        await client.recv()
        await client.close(1001, "stopping")

    with serving(certificate, leave) as to:
        rows = kept(to, tmp_path, lambda events: events["close"] >= 1)
    found = seen(rows)
    assert found.lives[0].how == "1001"
    assert found.troubles == ()


def test_a_reset_in_the_middle_is_no_good_bye(certificate: Certificate, tmp_path: Path) -> None:
    async def cut(client: ServerConnection) -> None:
        await client.send(GREETING)
        await client.recv()
        plain = client.transport.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.transport.abort()

    with serving(certificate, cut) as to:
        rows = kept(to, tmp_path, lambda events: events["close"] >= 1)
    assert seen(rows).lives[0].how == "1006"


def test_silence_is_told_each_second_until_it_ends(certificate: Certificate, tmp_path: Path) -> None:
    async def mute(client: ServerConnection) -> None:
        await client.send(GREETING)
        await client.wait_closed()

    with serving(certificate, mute) as to:
        rows = kept(to, tmp_path, lambda events: events["silent"] >= 2, options=("--silent=0.5",))
    silent = [row.at for row in rows if row.event == "silent"]
    assert silent[1] - silent[0] == pytest.approx(1, abs=0.5)
    assert set(seen(rows).troubles) == {"websocket silent"}


def test_another_echo_is_wrong(certificate: Certificate, tmp_path: Path) -> None:
    async def confuse(client: ServerConnection) -> None:
        await client.send(GREETING)
        async for message in client:
            await client.send(f"another-{message!s}")

    with serving(certificate, confuse) as to:
        rows = kept(to, tmp_path, lambda events: events["wrong"] >= 1)
    assert set(seen(rows).troubles) == {"websocket wrong"}


def test_a_socket_counts_as_open_only_when_it_was_greeted(certificate: Certificate, tmp_path: Path) -> None:
    async def babble(client: ServerConnection) -> None:
        await client.send("hello")
        await client.wait_closed()

    with serving(certificate, babble) as to:
        rows = kept(to, tmp_path, lambda events: events["wrong"] >= 1)
    found = seen(rows, later=ANSWER_SECONDS + 1)
    assert found.lives == ()
    assert found.troubles == ("websocket wrong", "websocket never answered")


def test_a_refused_socket_is_tried_again_five_times_a_second_at_most(
    certificate: Certificate, tmp_path: Path
) -> None:
    with refusing_port() as port:
        to = Target(HOST, "127.0.0.1", certificate.ca, port)
        rows = kept(to, tmp_path, lambda events: events["close"] >= 6)
    tried = [row.at for row in rows if row.event == "connect"]
    assert min(after - before for before, after in itertools.pairwise(tried)) >= 0.2
    assert all("never opened" in text and "ConnectionRefused" in text for text in seen(rows).troubles)


def test_an_answer_that_is_no_upgrade_is_told(certificate: Certificate, tmp_path: Path) -> None:
    async def refuse(client: ServerConnection) -> None:
        raise AssertionError("nobody gets here")

    with serving(certificate, refuse) as to:
        other = Target(HOST, to.address, issue(tmp_path, HOST).ca, to.port)
        rows = kept(other, tmp_path, lambda events: events["close"] >= 1)
    assert "CERTIFICATE_VERIFY_FAILED" in seen(rows).troubles[0]


class Hasty(asyncio.Protocol):
    """Answers with the upgrade, the greeting and a good-bye in one piece: no client is ready for the second by then."""

    greeted = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.protocol = transport, ServerProtocol()

    def data_received(self, data: bytes) -> None:
        self.protocol.receive_data(data)
        for event in self.protocol.events_received():
            if isinstance(event, Request):
                self.protocol.send_response(self.protocol.accept(event))
                self.protocol.send_text(GREETING.encode())
                self.protocol.send_close(1001)
                Hasty.greeted += 1
        self.transport.write(b"".join(self.protocol.data_to_send()))
        if self.protocol.close_expected():
            self.transport.close()


def test_not_one_of_thousands_of_greetings_is_lost(certificate: Certificate, tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    Hasty.greeted = 0
    port = free_port()
    loop.run_until_complete(loop.create_server(Hasty, "127.0.0.1", port, ssl=trust(certificate)))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        to = Target(HOST, "127.0.0.1", certificate.ca, port)
        many = lambda events: events["close"] >= 2000  # noqa: E731
        rows = kept(to, tmp_path, many, count=40, options=("--pause=0",))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
    found = seen(rows)
    ended = [life for life in found.lives if life.ended is not None]
    assert len(ended) >= 2000
    assert {life.how for life in ended} == {"1001"}
    assert found.troubles == ()
    assert len(found.lives) >= Hasty.greeted - 40, (
        "what was under way at the end may be missing, nothing else"
    )
