"""Pulumi's gRPC services as the SDK has them, imported without the rest of the SDK, which takes three times as long.

To be imported before anything else of `pulumi`; whoever imports this module can't use the SDK in the same process.
"""

from __future__ import annotations

import importlib.util
import sys
import types


def _bare(name: str) -> None:
    """A package of the SDK whose `__init__` is not run; its modules can be imported all the same."""
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise ImportError(f"{name} is not installed", name=name)
    module = types.ModuleType(name)
    module.__path__ = list(spec.submodule_search_locations or ())
    sys.modules[name] = module


if "pulumi" not in sys.modules:
    _bare("pulumi")
    _bare("pulumi.runtime")

from pulumi.runtime.proto import (  # noqa: E402 (after the bare packages)
    LanguageRuntimeServicer,
    ResourceProviderServicer,
    language_pb2,
    language_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

__all__ = [
    "LanguageRuntimeServicer",
    "ResourceProviderServicer",
    "language_pb2",
    "language_pb2_grpc",
    "plugin_pb2",
    "provider_pb2",
    "provider_pb2_grpc",
    "status_pb2",
]
