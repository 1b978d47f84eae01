"""The resource monitor that the Pulumi SDK talks to, as an object in the same process.

Method names and messages are those of the `ResourceMonitor` and `Engine` gRPC services. Methods are called from the
SDK's executor threads and block until the step is done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import engine_pb2, resource_pb2

from lab.engine import urn as urns
from lab.engine import wire
from lab.engine.deployment import Deployment, Registered, Stopped
from lab.engine.errors import EngineError, Unsupported
from lab.engine.events import Events
from lab.engine.goal import Goal, Inheritance, from_request
from lab.engine.provider import ProviderError
from lab.engine.registry import INTERNAL
from lab.engine.resource import Resource
from lab.engine.run import Run
from lab.engine.values import PropertyMap, contains_asset, plain

_FEATURES: Final = (
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACEMENT_TRIGGER,
    resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
    # Announced so that the SDK sends them and they can be refused by name:
    resource_pb2.RESOURCE_MONITOR_FEATURE_TRANSFORMS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_INVOKE_TRANSFORMS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_PARAMETERIZATION,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_HOOKS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ERROR_HOOKS,
)
_RESULTS: Final = {
    "success": resource_pb2.Result.SUCCESS,
    "fail": resource_pb2.Result.FAIL,
    "skip": resource_pb2.Result.FAIL,
}
_GET_RESOURCE: Final = "pulumi:pulumi:getResource"


class MonitorError(grpc.RpcError):  # type: ignore[misc]
    """What a call over gRPC would fail with."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self._code, self._details = code, details

    def code(self) -> grpc.StatusCode:
        """The gRPC status."""
        return self._code

    def details(self) -> str:
        """The message."""
        return self._details


def _shutting_down() -> MonitorError:
    return MonitorError(grpc.StatusCode.UNAVAILABLE, "resource monitor shut down")


class Monitor:
    """Registers what the program asks for."""

    def __init__(self, run: Run, deployment: Deployment, disabled_defaults: frozenset[str]) -> None:
        self._run, self._deployment, self._disabled = run, deployment, disabled_defaults
        self._inheritance = Inheritance()

    # The ResourceMonitor service

    def GetDeploymentInfo(self, request: Any) -> Any:
        """Which features this engine has."""
        return resource_pb2.DeploymentInfo(supportedFeatures=_FEATURES)

    def SupportsFeature(self, request: Any) -> Any:
        """For SDKs that ask feature by feature."""
        return resource_pb2.SupportsFeatureResponse(
            hasSupport=request.id in ("secrets", "resourceReferences")
        )

    def RegisterResource(self, request: Any) -> Any:
        """Create, update or keep a resource; blocks until that is done."""
        return _answer_errors(lambda: self._register(request))

    def RegisterResourceOutputs(self, request: Any) -> Any:
        """Outputs of a component or the stack."""
        return _answer_errors(lambda: self._register_outputs(request))

    def ReadResource(self, request: Any) -> Any:
        """Read something that exists; blocks until that is done."""
        return _answer_errors(lambda: self._read(request))

    def Invoke(self, request: Any) -> Any:
        """Call a function: only looking up resources of this run is known."""
        return _answer_errors(lambda: self._invoke(request))

    def SignalAndWaitForShutdown(self, request: Any) -> Any:
        """The program is done."""
        return empty_pb2.Empty()

    def Call(self, request: Any) -> NoReturn:
        """Not supported."""
        _refuse(f"method calls ({request.tok})")

    def ExistsResource(self, request: Any) -> NoReturn:
        """Not supported."""
        _refuse("checks whether a resource exists")

    def RegisterPackage(self, request: Any) -> NoReturn:
        """Not supported."""
        _refuse(f"parameterized packages ({request.name})")

    def RegisterStackTransform(self, request: Any) -> NoReturn:
        """Not supported."""
        _refuse("stack transforms")

    def RegisterStackInvokeTransform(self, request: Any) -> NoReturn:
        """Not supported."""
        _refuse("invoke transforms")

    def RegisterResourceHook(self, request: Any) -> NoReturn:
        """Not supported."""
        _refuse("resource hooks")

    def RegisterErrorHook(self, request: Any) -> NoReturn:
        """Not supported."""
        _refuse("error hooks")

    # How it is done

    def _register(self, request: Any) -> Any:
        goal = from_request(request)
        self._inheritance.inherit(goal)
        if goal.custom:
            if contains_asset(goal.properties):
                raise Unsupported(f"assets as inputs ({goal.type} {goal.name})")
            self._settle_provider(goal)
        registered = self._deployment.register(goal)
        resource = registered.resource
        if registered.result == "success":
            self._inheritance.settled(resource.urn, goal)
        outputs = self._visible(registered) if goal.custom else {}
        return resource_pb2.RegisterResourceResponse(
            urn=resource.urn,
            id=resource.id,
            object=wire.to_struct(outputs),
            result=_RESULTS[registered.result],
            unknown=registered.unknown,
        )

    def _visible(self, registered: Registered) -> PropertyMap:
        return registered.resource.outputs if registered.result == "success" else {}

    def _settle_provider(self, goal: Goal) -> None:
        if goal.type.count(":") != 2:
            raise EngineError(f"{goal.type!r} is not a type of a custom resource (package:module:type)")
        if not urns.is_provider_type(goal.type):
            goal.provider = goal.provider or self._default(goal.type, goal.version, goal.plugin_url)
            return
        if goal.version or goal.plugin_url:
            internal = {"pluginDownloadURL": goal.plugin_url} if goal.plugin_url else {}
            goal.properties[INTERNAL] = internal
        if goal.version:
            goal.properties["version"] = goal.version

    def _default(self, type_: str, version: str, plugin_url: str) -> str:
        package = urns.package_of(type_)
        if package != "pulumi" and self._disabled & {package, "*"}:
            raise EngineError(
                f"Default provider for '{package}' disabled. '{type_}' must use an explicit provider."
            )
        return self._deployment.default_provider(package, version, plugin_url.rstrip("/"))

    def _register_outputs(self, request: Any) -> Any:
        self._deployment.set_outputs(request.urn, wire.from_struct(request.outputs))
        return empty_pb2.Empty()

    def _read(self, request: Any) -> Any:
        if request.packageRef:
            raise Unsupported(f"parameterized packages ({request.type} {request.name})")
        goal = Goal(
            type=request.type,
            name=request.name,
            custom=True,
            properties=wire.from_struct(request.properties),
            parent=request.parent,
            provider=request.provider,
            dependencies=list(dict.fromkeys(request.dependencies)),
            additional_secret_outputs=list(request.additionalSecretOutputs),
        )
        goal.provider = goal.provider or self._default(goal.type, request.version, request.pluginDownloadURL)
        registered = self._deployment.read(goal, request.id)
        return resource_pb2.ReadResourceResponse(
            urn=registered.resource.urn,
            properties=wire.to_struct(self._visible(registered)),
            id=registered.resource.id,
            result=_RESULTS[registered.result],
        )

    def _invoke(self, request: Any) -> Any:
        if request.tok != _GET_RESOURCE:
            raise Unsupported(f"function calls ({request.tok})")
        urn = plain(wire.from_struct(request.args)).get("urn")
        resource = self._run.news.get(urn) or self._run.reads.get(urn)
        if resource is None:
            raise EngineError(f"unknown resource {urn}")
        return resource_pb2.ResourceInvokeResponse(**{"return": wire.to_struct(_description(resource))})


def _description(resource: Resource) -> PropertyMap:
    return {
        "urn": resource.urn,
        "id": resource.id,
        "provider": resource.provider,
        "state": resource.outputs,
    }


def _answer_errors(call: Callable[[], Any]) -> Any:
    """Errors as the SDK expects them: gRPC errors."""
    try:
        return call()
    except Stopped as error:
        raise _shutting_down() from error
    except (EngineError, ProviderError) as error:
        raise MonitorError(grpc.StatusCode.UNKNOWN, str(error)) from error


def _refuse(feature: str) -> NoReturn:
    raise MonitorError(grpc.StatusCode.UNIMPLEMENTED, str(Unsupported(feature)))


class EngineLog:
    """The part of the engine service that the SDK uses: messages of the program."""

    def __init__(self, events: Events) -> None:
        self._tell = {
            engine_pb2.INFO: events.info,
            engine_pb2.WARNING: events.warning,
            engine_pb2.ERROR: events.error,
        }

    def Log(self, request: Any) -> Any:
        """Show a message; debug messages are dropped."""
        tell = self._tell.get(request.severity)
        if tell is not None and not request.ephemeral:
            tell(request.message, request.urn)
        return empty_pb2.Empty()

    def RequirePulumiVersion(self, request: Any) -> Any:
        """Accepted: this engine follows one version of Pulumi."""
        return empty_pb2.Empty()
