"""Rewrites references to renamed resources: whoever named the old URN, named the new one from now on."""

from __future__ import annotations

from typing import Any

from lab.engine import urn as urns

Document = dict[str, Any]


def normalize(documents: list[Document]) -> list[Document]:
    """The same resources in the same order, without aliases and with every reference to the current URNs.

    A child that has not been registered yet under its renamed parent is renamed with it, as in Pulumi.
    """
    renamed = _renamed(documents)
    if not renamed:
        return documents
    return [_rewrite(document, renamed) for document in documents]


def _renamed(documents: list[Document]) -> dict[str, str]:
    renamed: dict[str, str] = {}
    for document in documents:
        for alias in document.get("aliases", ()):
            renamed[alias] = document["urn"]
        parent = renamed.get(document.get("parent", ""))
        if parent and not urns.is_root_stack(parent):
            renamed[document["urn"]] = _below(parent, document["urn"])
    return {old: new for old, new in renamed.items() if old != new}


def _below(parent: str, urn: str) -> str:
    stack, project, _, name = urn.removeprefix("urn:pulumi:").split("::", 3)
    return urns.make(stack, project, urns.qualified_type(parent), urns.type_of(urn), name)


def _rewrite(document: Document, renamed: dict[str, str]) -> Document:
    result = {key: value for key, value in document.items() if key != "aliases"}
    result["urn"] = renamed.get(document["urn"], document["urn"])
    for key in ("parent", "deletedWith"):
        if key in result:
            result[key] = renamed.get(result[key], result[key])
    for key in ("dependencies", "replaceWith"):
        if key in result:
            result[key] = _all(result[key], renamed)
    if "propertyDependencies" in result:
        result["propertyDependencies"] = {
            name: _all(items, renamed) for name, items in result["propertyDependencies"].items()
        }
    if "provider" in result:
        urn, _, id_ = result["provider"].rpartition("::")
        result["provider"] = f"{renamed.get(urn, urn)}::{id_}"
    return result


def _all(items: list[str], renamed: dict[str, str]) -> list[str]:
    return [renamed.get(urn, urn) for urn in items]
