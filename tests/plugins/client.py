"""A plugin as the Pulumi CLI has it: a process of its own, spoken to over gRPC."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import grpc
import pulumi  # noqa: F401 (all of it, before `protos` takes a part: other tests of this process need the whole)
from google.protobuf import empty_pb2

from lab.plugins.protos import provider_pb2, provider_pb2_grpc, status_pb2
from lab.plugins.serving import MESSAGE_BYTES
from lab.plugins.values import decode, encode, plain
from lab.providers.protocol import CheckResult, DiffResult, PartialFailure, Properties, ProviderError, State
from lab.pulumi.home import START

ENDS_WITHIN_S = 30
VERSIONS = {"command": "1.2.1", "postgresql": "3.18.2", "minio": "0.17.1", "vultr": "2.27.1"}
DETAILS = "grpc-status-details-bin"

T = TypeVar("T")


class Plugin:
    """A provider behind its plugin, with the methods of `lab.providers.protocol.Provider`: values come without marks.

    `…_on_the_wire` give the answers as they are.
    """

    def __init__(self, package: str, journal: Path) -> None:
        self.package = package
        self.process = subprocess.Popen(
            [sys.executable, START, "lab.plugins.resource", package, VERSIONS[package], journal],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        limits = [
            ("grpc.max_receive_message_length", MESSAGE_BYTES),
            ("grpc.max_send_message_length", MESSAGE_BYTES),
        ]
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self.port}", options=limits)
        self.stub = provider_pb2_grpc.ResourceProviderStub(self._channel)

    def close(self) -> None:
        """As the CLI does when it is done."""
        self.process.send_signal(signal.SIGINT)
        self.ended()

    def kill(self) -> None:
        """As nobody should."""
        self.process.kill()
        self.ended()

    def ended(self) -> int:
        """The exit status, once it has ended."""
        self._channel.close()
        try:
            return self.process.wait(ENDS_WITHIN_S)
        finally:
            self.process.kill()
            for stream in (self.process.stdin, self.process.stdout):
                assert stream is not None
                stream.close()

    def check_config(self, inputs: Properties) -> CheckResult:
        return _checked(_call(self.stub.CheckConfig, provider_pb2.CheckRequest(news=encode(inputs))))

    def configure(self, inputs: Properties) -> None:
        _call(self.stub.Configure, provider_pb2.ConfigureRequest(args=encode(inputs), acceptSecrets=True))

    def check(self, *given: Any) -> CheckResult:
        return _checked(self.check_on_the_wire(*given))

    def check_on_the_wire(
        self, type_: str, urn: str, olds: Properties, news: Properties, random_seed: bytes = b""
    ) -> Any:
        request = provider_pb2.CheckRequest(
            urn=urn, type=type_, olds=encode(olds), news=encode(news), randomSeed=random_seed
        )
        return _call(self.stub.Check, request)

    def diff(self, *compared: Any) -> DiffResult:
        answer = self.diff_on_the_wire(*compared)
        changes = answer.changes == provider_pb2.DiffResponse.DIFF_SOME
        paths = tuple(sorted(answer.detailedDiff))
        return DiffResult(changes, tuple(answer.replaces), paths, answer.deleteBeforeReplace)

    def diff_on_the_wire(
        self,
        type_: str,
        urn: str,
        id_: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
        ignored: Sequence[str] = (),
    ) -> Any:
        request = provider_pb2.DiffRequest(
            id=id_,
            urn=urn,
            type=type_,
            olds=encode(old_outputs),
            news=encode(news),
            old_inputs=encode(old_inputs),
            ignoreChanges=ignored,
        )
        return _call(self.stub.Diff, request)

    def preview(self, *coming: Any) -> dict[str, Any]:
        answer = self.preview_on_the_wire(*coming)
        outputs: dict[str, Any] = plain(decode(answer.properties))
        return outputs

    def preview_on_the_wire(
        self, type_: str, urn: str, old_outputs: Properties | None, news: Properties
    ) -> Any:
        if old_outputs is None:
            return self.create_on_the_wire(type_, urn, news, preview=True)
        request = provider_pb2.UpdateRequest(
            id="it", urn=urn, type=type_, olds=encode(old_outputs), news=encode(news), preview=True
        )
        return _call(self.stub.Update, request)

    def create(self, type_: str, urn: str, news: Properties) -> State:
        answer = self.create_on_the_wire(type_, urn, news)
        return State(answer.id, plain(decode(answer.properties)))

    def create_on_the_wire(self, type_: str, urn: str, news: Properties, *, preview: bool = False) -> Any:
        request = provider_pb2.CreateRequest(urn=urn, type=type_, properties=encode(news), preview=preview)
        return _call(self.stub.Create, request)

    def update(
        self,
        type_: str,
        urn: str,
        id_: str,
        old_inputs: Properties,
        old_outputs: Properties,
        news: Properties,
    ) -> State:
        """The answer has no id: the CLI keeps the one that it has."""
        request = provider_pb2.UpdateRequest(
            id=id_,
            urn=urn,
            type=type_,
            olds=encode(old_outputs),
            news=encode(news),
            old_inputs=encode(old_inputs),
        )
        return State(id_, plain(decode(_call(self.stub.Update, request).properties)))

    def delete(self, type_: str, urn: str, id_: str, inputs: Properties, outputs: Properties) -> None:
        request = provider_pb2.DeleteRequest(
            id=id_, urn=urn, type=type_, properties=encode(outputs), old_inputs=encode(inputs)
        )
        _call(self.stub.Delete, request)

    def read(self, *known: Any) -> State:
        answer = self.read_on_the_wire(*known)
        return State(answer.id, plain(decode(answer.properties)), plain(decode(answer.inputs)))

    def read_on_the_wire(
        self, type_: str, urn: str, id_: str, inputs: Properties, outputs: Properties
    ) -> Any:
        request = provider_pb2.ReadRequest(
            id=id_, urn=urn, type=type_, properties=encode(outputs), inputs=encode(inputs)
        )
        return _call(self.stub.Read, request)

    def cancel(self) -> None:
        _call(self.stub.Cancel, empty_pb2.Empty())


@contextmanager
def plugin(
    package: str, config: Mapping[str, Any] | None = None, journal: Path | None = None
) -> Iterator[Plugin]:
    """A plugin's process, configured, ended with the block; its journal is kept where the caller wants it."""
    with tempfile.TemporaryDirectory(prefix="codeb-journal-") as folder:
        running = Plugin(package, journal or Path(folder))
        try:
            if config is not None:
                running.configure(config)
            yield running
        finally:
            running.close()


def _checked(answer: Any) -> CheckResult:
    failures = tuple((failure.property, failure.reason) for failure in answer.failures)
    return CheckResult(plain(decode(answer.inputs)), failures)


def _call(method: Callable[[Any], T], request: Any) -> T:
    """The answer. Raises what a provider would: an error with the words that the CLI shows."""
    try:
        return method(request)
    except grpc.RpcError as error:
        raise _failure(error) from None


def _failure(error: Any) -> ProviderError:
    """The error with its detail, as the CLI unpacks it (`rpcerror`, then `ErrorResourceInitFailed`)."""
    trailer = dict(error.trailing_metadata() or ())
    if DETAILS not in trailer:
        return ProviderError(error.details())
    status = status_pb2.Status.FromString(trailer[DETAILS])
    assert (status.code, status.message) == (error.code().value[0], error.details())
    detail = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    return PartialFailure(State(detail.id, plain(decode(detail.properties))), tuple(detail.reasons))
