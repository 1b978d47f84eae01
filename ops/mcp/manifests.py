"""`validate_manifest` and `plan_manifest`: a text, or a file of the manifests' folder; nothing is written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from mcp.server.mcpserver.exceptions import ToolError

from codeb.model import (
    DocumentErrors,
    ManifestErrors,
    Manifests,
    ManifestSource,
    Problem,
    Settings,
    load_manifests,
    parse_settings,
    read_sources,
    read_stack_file,
)
from codeb.model.document import read_document
from codeb.plan import Plan, PlanError, ProjectPlan, cost_line, make_plan, merged
from ops.checks import check
from ops.mcp.answers import Place, Planned, Validated
from ops.mcp.untrusted import plain, refused, untrusted
from ops.mcp.world import World
from ops.pulumi import PulumiError
from ops.tree import manifests_folder

PROPOSED: Final = "(proposed)"
"""File of a manifest that was given as text."""
_FILE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.ya?ml")
_MOST_PROBLEMS: Final = 50


def validate(world: World, stack: str, text: str, path: str) -> Validated:
    """The given manifest among all others of the stack; without one, all of them."""
    sources, file = _sources(world, stack, text, path)
    found = check(sources, stack, world.folder, complete=True)
    if found.problems:
        return _wrong(_about(found.problems, file))
    hints = [str(hint) for hint in found.hints if file in ("", hint.file)]
    ids = [each.id for each in found.manifests if file in ("", found.manifests.files[each.id])]
    return Validated(ok=True, projects=ids, problems=[], said=untrusted(hints))


def plan(world: World, stack: str, text: str, path: str) -> Planned:
    """What the given manifest's project would be given, with the stack's registry as it is."""
    if not text and not path:
        raise ToolError("give the manifest's text, or its path")
    sources, file = _sources(world, stack, text, path)
    outputs, known = _known(world, stack)
    try:
        settings = _settings(world, stack)
        manifests, registry = load_manifests(sources, settings), outputs.get("registry")
        run = merged(manifests, settings, registry)
        made = make_plan(settings, run.manifests, registry, run.kept)
    except (DocumentErrors, PlanError) as error:
        return Planned(ok=False, compared_with_registry=known, said=untrusted(str(error).splitlines()))
    project = made.project(_id_of(manifests, file))
    return _planned(made, project, outputs.get("costs"), known=known)


def facts(project: ProjectPlan) -> dict[str, Any]:
    """What a project is given, as answers say it."""
    return {
        "project": project.id,
        "domain": project.domain,
        "port": project.ports.app,
        "port_internal": project.ports.internal,
        "redis": str(project.cache) if project.cache else "",
        "database": project.database.name if project.database else "",
        "buckets": [bucket.name for bucket in project.buckets],
        "servers": list(project.servers),
    }


def _planned(made: Plan, project: ProjectPlan, costs: object, *, known: bool) -> Planned:
    about = [note for note in made.notes if project.id in note]
    return Planned(
        ok=True,
        **facts(project),
        cost=cost_line(made.costs, costs),
        compared_with_registry=known,
        said=untrusted(about),
    )


def _sources(world: World, stack: str, text: str, path: str) -> tuple[list[ManifestSource], str]:
    """All manifests with the given one among them, in place of the one with its id, and the given one's file."""
    if text and path:
        raise ToolError("give the manifest's text or its path, not both")
    world.refuse_strays(stack)
    folder = manifests_folder(world.folder, stack)
    try:
        found = [_relative(source, world.folder) for source in read_sources(folder)]
    except ManifestErrors as error:
        if not text:
            raise refused("the manifests can't be read", _first(error)) from None
        found = []
    if text:
        proposed = ManifestSource(PROPOSED, text)
        wanted = _claimed_id(proposed)
        return [*_others(found, wanted), proposed], PROPOSED
    return found, _file(folder, world.folder, path) if path else ""


def _first(error: DocumentErrors) -> str:
    """The first problem, when it is about files and not about what is in them."""
    return str(error.problems[0]) if error.problems else ""


def _file(folder: Path, project: Path, path: str) -> str:
    """The file as messages have it. Raises ToolError for anything that is no manifest of the folder."""
    shown = os.path.relpath(folder, project)
    name = path.removeprefix("./").removeprefix(f"{shown}/")
    file = folder / name
    if not _FILE.fullmatch(name) or not file.is_file():
        raise ToolError(
            f"that is no manifest in {shown}/: write a file's name such as shop.yaml, without folders"
        )
    return os.path.relpath(file, project)


def _relative(source: ManifestSource, folder: Path) -> ManifestSource:
    return replace(source, path=os.path.relpath(source.path, folder))


def _others(sources: Sequence[ManifestSource], wanted: str) -> Iterator[ManifestSource]:
    return (source for source in sources if not wanted or _claimed_id(source) != wanted)


def _claimed_id(source: ManifestSource) -> str:
    """The id that a manifest gives itself, "" when it can't be read that far."""
    try:
        project = read_document(source.path, source.text).value.get("project")
    except ManifestErrors:
        return ""
    return str(project.get("id", "")) if isinstance(project, dict) else ""


def _id_of(manifests: Manifests, file: str) -> str:
    return next(each.id for each in manifests if manifests.files[each.id] == file)


def _settings(world: World, stack: str) -> Settings:
    file = read_stack_file(world.folder / f"Pulumi.{stack}.yaml", stack)
    return parse_settings(file.settings, stack)


def _known(world: World, stack: str) -> tuple[dict[str, Any], bool]:
    try:
        return dict(world.outputs(stack)), True
    except PulumiError:
        return {}, False


def _about(problems: Sequence[Problem], file: str) -> list[Problem]:
    """The given manifest's own problems; all when it has none, as then others stand in its way."""
    own = [problem for problem in problems if problem.file == file]
    return own or list(problems)


def _wrong(problems: Sequence[Problem]) -> Validated:
    shown = problems[:_MOST_PROBLEMS]
    places = [Place(file=_named(problem.file), line=problem.line, column=problem.column) for problem in shown]
    return Validated(ok=False, projects=[], problems=places, said=untrusted(str(each) for each in shown))


def _named(file: str) -> str:
    return file if file == PROPOSED else plain(file)
