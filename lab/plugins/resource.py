"""A provider of `lab.providers` as an ordinary Pulumi plugin: `start.py lab.plugins.resource PACKAGE VERSION JOURNAL`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, ParamSpec, TypeVar

import grpc
from google.protobuf import empty_pb2

from lab.plugins import differences
from lab.plugins.journal import Journal
from lab.plugins.protos import (
    ResourceProviderServicer,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)
from lab.plugins.serving import serve
from lab.plugins.values import decode, encode, marked_at, marked_like, plain
from lab.providers import factory
from lab.providers.protocol import CheckResult, DiffResult, PartialFailure, Provider, ProviderError, State

COMPARING_INPUTS: Final = frozenset({"command"})
"""Packages whose plugins compare old inputs with new ones, with secret marks (pulumi-go-provider). All others, those of the
bridge, compare the state with the new inputs, without marks."""

P = ParamSpec("P")
T = TypeVar("T")


class Plugin(ResourceProviderServicer):
    """Pulumi's provider protocol around one of our providers. Calls come in many threads at once."""

    def __init__(self, provider: Provider, version: str, journal: Journal) -> None:
        self._provider, self._version, self._journal = provider, version, journal
        self._cancelled = False

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self._version)

    def GetSchema(
        self, request: provider_pb2.GetSchemaRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetSchemaResponse:
        name = self._provider.package
        return provider_pb2.GetSchemaResponse(schema=f'{{"name":"{name}","version":"{self._version}"}}')

    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        news = decode(request.news)
        result = _answer(context, self._provider.check_config, plain(news))
        return _checked(
            result, self._inputs(f"pulumi:providers:{self._provider.package}", result.inputs, news)
        )

    def DiffConfig(
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        olds, news = plain(decode(request.old_inputs)), plain(decode(request.news))
        changed = tuple(sorted(key for key in olds.keys() | news.keys() if olds.get(key) != news.get(key)))
        return differences.response(DiffResult(bool(changed), diffs=changed), olds, news)

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        _answer(context, self._provider.configure, plain(decode(request.args)))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        news, olds = decode(request.news), plain(decode(request.olds))
        check, seed = self._provider.check, request.randomSeed
        result = _answer(context, check, request.type, request.urn, olds, plain(news), seed)
        return _checked(result, self._inputs(request.type, result.inputs, news))

    def Diff(
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        olds, news, outputs = decode(request.old_inputs), decode(request.news), plain(decode(request.olds))
        inputs = self._provider.package in COMPARING_INPUTS
        if not inputs:
            olds, news = plain(olds), _ignoring(request.ignoreChanges, outputs, plain(news))
        diff = self._provider.diff
        result = _answer(context, diff, request.type, request.urn, request.id, olds, outputs, news)
        return differences.response(result, plain(olds) if inputs else outputs, plain(news))

    def Create(
        self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CreateResponse:
        news, type_, urn = decode(request.properties), request.type, request.urn
        if request.preview:
            outputs = _answer(context, self._provider.preview, type_, urn, None, plain(news))
            return provider_pb2.CreateResponse(properties=self._outputs(type_, outputs, news))
        state = self._changed(context, type_, news, self._create, type_, urn, plain(news))
        return provider_pb2.CreateResponse(id=state.id, properties=self._outputs(type_, state.outputs, news))

    def Update(
        self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.UpdateResponse:
        news, olds, type_, urn = decode(request.news), plain(decode(request.olds)), request.type, request.urn
        if request.preview:
            outputs = _answer(context, self._provider.preview, type_, urn, olds, plain(news))
        else:
            before = (type_, urn, request.id, plain(decode(request.old_inputs)), olds)
            wanted = plain(news)
            if self._provider.package not in COMPARING_INPUTS:
                wanted = _ignoring(request.ignoreChanges, olds, wanted)
            state = self._changed(context, type_, news, self._provider.update, *before, wanted)
            outputs = state.outputs
        return provider_pb2.UpdateResponse(properties=self._outputs(type_, outputs, news))

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        inputs, outputs = plain(decode(request.old_inputs)), plain(decode(request.properties))
        _answer(context, self._provider.delete, request.type, request.urn, request.id, inputs, outputs)
        return empty_pb2.Empty()

    def Read(
        self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ReadResponse:
        inputs, outputs, type_ = decode(request.inputs), decode(request.properties), request.type
        read = self._provider.read
        state = _answer(context, read, type_, request.urn, request.id, plain(inputs), plain(outputs))
        if not state.id:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=state.id,
            properties=self._outputs(type_, state.outputs, outputs),
            inputs=encode(self._inputs(type_, state.inputs, inputs)),
        )

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self._cancel()
        return empty_pb2.Empty()

    def end(self, asked: bool) -> None:
        """Nothing runs on, no connection stays open; `asked` is whether the CLI knows all that was answered."""
        self._cancel()
        self._provider.close()
        if asked:
            self._journal.end()

    def _cancel(self) -> None:
        self._cancelled = True
        self._provider.cancel()

    def _create(self, type_: str, urn: str, news: dict[str, Any]) -> State:
        """Create, or take over what somebody began who never came to its end."""
        create = self._provider.resume if self._journal.begin(urn) else self._provider.create
        try:
            state = create(type_, urn, news)
        except PartialFailure:
            self._journal.made(urn)
            raise
        except ProviderError:
            if not self._cancelled:
                self._journal.nothing_made(urn)
            raise
        self._journal.made(urn)
        return state

    def _inputs(self, type_: str, properties: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        """Inputs with the program's marks, then those of the plugin itself."""
        marked: dict[str, Any] = marked_at(
            marked_like(properties, news), self._provider.secret_properties(type_)
        )
        return marked

    def _outputs(self, type_: str, properties: dict[str, Any], inputs: dict[str, Any]) -> Any:
        """Outputs on the wire with the plugin's own marks, then those of inputs that come back."""
        return encode(marked_like(marked_at(properties, self._provider.secret_properties(type_)), inputs))

    def _changed(
        self,
        context: grpc.ServicerContext,
        type_: str,
        news: dict[str, Any],
        method: Callable[..., State],
        *arguments: Any,
    ) -> State:
        """A call after which something may be there although it failed: the CLI records it as not whole."""
        try:
            return _answer(context, method, *arguments)
        except PartialFailure as failure:
            detail = provider_pb2.ErrorResourceInitFailed(
                id=failure.state.id,
                properties=self._outputs(type_, failure.state.outputs, news),
                reasons=failure.reasons,
            )
            _fail(context, "; ".join(failure.reasons), detail)


def _ignoring(ignored: Sequence[str], outputs: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs with what is to be ignored as the state has it.

    The CLI puts old *inputs* there, and the bridge, which compares with the state, asks for itself once more
    (`newIgnoreChanges`). Only whole properties: paths into them are the CLI's alone here.
    """
    return {**news, **{key: outputs[key] for key in ignored if outputs.get(key) is not None}}


def _answer(context: grpc.ServicerContext, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The provider's answer; its error ends the call, only a partial failure reaches the caller."""
    try:
        return method(*args, **kwargs)
    except PartialFailure:
        raise
    except ProviderError as error:
        _fail(context, str(error))


def _fail(
    context: grpc.ServicerContext, message: str, detail: provider_pb2.ErrorResourceInitFailed | None = None
) -> NoReturn:
    """End the call with an error, in the form of gRPC's rich error model where there is a detail."""
    if detail is not None:
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=message)
        status.details.add().Pack(detail)
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, message)
    raise AssertionError("abort raises")


def _checked(result: CheckResult, inputs: dict[str, Any]) -> provider_pb2.CheckResponse:
    failures = [provider_pb2.CheckFailure(property=path, reason=reason) for path, reason in result.failures]
    return provider_pb2.CheckResponse(inputs=encode(inputs), failures=failures)


def main(argv: Sequence[str]) -> NoReturn:
    """Serve the provider of a package until the CLI ends."""
    package, version, journal = argv[:3]
    serve_plugin(Plugin(factory(package, version), version, Journal(Path(journal))))


def serve_plugin(plugin: Plugin) -> NoReturn:
    """Serve until the CLI ends."""
    serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(plugin, server), plugin.end)


if __name__ == "__main__":
    main(sys.argv[1:])
