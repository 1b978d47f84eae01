"""All manifests of a stack: read, validated one by one, then checked against each other and the settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from pydantic import ValidationError

from codeb.model.clashes import Claimant, clashes
from codeb.model.document import Document, read_document
from codeb.model.findings import findings
from codeb.model.manifest import Manifest
from codeb.model.problems import ManifestErrors, Problem
from codeb.model.settings import Settings

_MOST_PROBLEMS_A_FILE = 50


@dataclass(frozen=True)
class ManifestSource:
    """One manifest as it was found: the path for messages, and its text."""

    path: str
    text: str | bytes


@dataclass(frozen=True)
class Manifests:
    """Valid manifests that get along with each other, in order of id."""

    projects: tuple[Manifest, ...]
    files: Mapping[str, str]
    """File of each project, by id; for messages."""
    derived: Mapping[str, str] = field(default_factory=dict)
    """Those that no file has as they are: id → id of the project whose manifest each is made from."""

    def __iter__(self) -> Iterator[Manifest]:
        return iter(self.projects)

    def __len__(self) -> int:
        return len(self.projects)

    def __getitem__(self, project_id: str) -> Manifest:
        """The manifest with this id; raises KeyError."""
        for manifest in self.projects:
            if manifest.id == project_id:
                return manifest
        raise KeyError(project_id)


@dataclass(frozen=True)
class Derived:
    """A manifest that is made from the one of `project`; `file` is what messages call it, `otherwise` a further remedy."""

    file: str
    project: str
    value: dict[str, Any]
    otherwise: str


def load_manifests(sources: Sequence[ManifestSource], settings: Settings | None = None) -> Manifests:
    """Validated manifests from their texts; with `settings` also checked against the stack's hosts and pools.

    Raises:
        ManifestErrors: every problem of all the sources, those between two files included.
    """
    problems: list[Problem] = []
    claimants: list[Claimant] = []
    manifests: list[tuple[str, Manifest]] = []
    for source in sources:
        try:
            document = read_document(source.path, source.text)
        except ManifestErrors as error:
            problems += error.problems
            continue
        manifest = _validated(document, problems, claimants)
        manifests += [(source.path, manifest)] if manifest else []
    problems += clashes(claimants, settings)
    if problems:
        raise ManifestErrors(problems)
    manifests.sort(key=lambda pair: pair[1].id)
    return Manifests(
        tuple(manifest for _, manifest in manifests), {manifest.id: path for path, manifest in manifests}
    )


def with_derived(manifests: Manifests, derived: Sequence[Derived], settings: Settings) -> Manifests:
    """`manifests` and those made from them, checked as files are: by themselves and against all others.

    Raises:
        ManifestErrors: every problem of those that were made.
    """
    problems: list[Problem] = []
    claimants = [_claimant(Document(manifests.files[each.id], {}, {}, {}), each) for each in manifests]
    made: dict[str, Manifest] = {}
    for each in derived:
        manifest = _validated(Document(each.file, each.value, {}, {}), problems, claimants)
        made |= {each.file: manifest} if manifest else {}
    problems += clashes(claimants, settings)
    if problems:
        otherwise = {each.file: f" {each.otherwise}" for each in derived}
        raise ManifestErrors(
            replace(problem, remedy=problem.remedy + otherwise.get(problem.file, "")) for problem in problems
        )
    return Manifests(
        tuple(sorted((*manifests, *made.values()), key=lambda manifest: manifest.id)),
        {**manifests.files, **{manifest.id: file for file, manifest in made.items()}},
        {**manifests.derived, **{made[each.file].id: each.project for each in derived}},
    )


def _validated(document: Document, problems: list[Problem], claimants: list[Claimant]) -> Manifest | None:
    """The manifest, None when it has problems; it claims what it can in either case."""
    try:
        manifest = Manifest.model_validate(document.value)
    except ValidationError as error:
        problems += _first(document, error)
        claimants.append(_salvaged(document))
        return None
    claimants.append(_claimant(document, manifest))
    return manifest


def _claimant(document: Document, manifest: Manifest) -> Claimant:
    return Claimant(document, *(getattr(manifest, name) for name in Claimant.SECTIONS))


def _first(document: Document, error: ValidationError) -> Iterator[Problem]:
    for found in islice(findings(error, Manifest), _MOST_PROBLEMS_A_FILE):
        yield document.problem(found.path, found.cause, found.remedy, on_key=found.on_key)
    if error.error_count() > _MOST_PROBLEMS_A_FILE:
        rest = error.error_count() - _MOST_PROBLEMS_A_FILE
        yield Problem(document.file, 0, 0, "", f"has {rest} more problems", "Put the others right first.")


def _salvaged(document: Document) -> Claimant:
    """What a manifest with errors still claims: the sections that are valid on their own."""
    sections = []
    for name in Claimant.SECTIONS:
        model = Manifest.model_fields[name].annotation
        try:
            sections.append(model.model_validate(document.value.get(name, {})))  # type: ignore[union-attr]
        except ValidationError:
            sections.append(None)
    return Claimant(document, *sections)
