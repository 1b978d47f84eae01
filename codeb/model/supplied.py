"""`codeb:projectSecrets`: the values of the variables that `environment.secrets` of the manifests name.

No error shows a value. A value is any text without NUL, line breaks included: it arrives byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from codeb import names
from codeb.model.manifest import Manifest
from codeb.model.problems import Problem, SettingsErrors, path_text
from codeb.model.shapes import LONGEST_VALUE, not_a_value

KEY: Final = "projectSecrets"
_SET: Final = "pulumi config set --secret --path"
_LAB: Final = " (in the lab: in the shell that `make lab-env` opens)"


@dataclass(frozen=True)
class Supplied:
    """Project → variable → value, and what is worth a look, in words: what nobody asks for, what is empty."""

    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()


def parse_supplied(
    data: object,
    manifests: Iterable[Manifest],
    stack: str = "<stack>",
    previews: Mapping[str, str] | None = None,
) -> Supplied:
    """The supplied secrets of these manifests' projects.

    `previews` are the preview environments among them, each with its project. They have secrets of their own: the code of
    a pull request may be anybody's, so it is given nothing of the project's.

    Raises:
        SettingsErrors: every secret that is missing, and every value and mapping of a wrong shape, without its value.
    """
    listed = list(manifests)
    keys = _keys(listed, previews or {})
    wanted: dict[str, frozenset[str]] = {}
    for each in listed:
        key = keys[each.id]
        wanted[key] = wanted.get(key, frozenset()) | frozenset(each.environment.secrets)
    if data is None:
        data = {}
    if not isinstance(data, Mapping):
        raise SettingsErrors([_not_a_mapping(stack, ())])
    problems = [
        problem
        for project in {*data, *wanted}
        for problem in _problems(data, wanted, str(project), stack, _asker(str(project), previews or {}))
    ]
    if problems:
        raise SettingsErrors(problems)
    given = {key: {name: data[key][name] for name in found} for key, found in wanted.items() if found}
    values = {
        each.id: {name: given[keys[each.id]][name] for name in each.environment.secrets}
        for each in listed
        if each.environment.secrets
    }
    return Supplied(values, (*_unused(data, wanted, previews or {}), *_empty(given)))


def _keys(manifests: Iterable[Manifest], previews: Mapping[str, str]) -> dict[str, str]:
    """Where in the configuration the secrets of each project are."""
    return {
        each.id: names.preview_secrets(previews[each.id]) if each.id in previews else each.id
        for each in manifests
    }


def _asker(key: str, previews: Mapping[str, str]) -> str:
    """Whose manifest names the secrets of a key, in words."""
    of = next((project for project in previews.values() if names.preview_secrets(project) == key), None)
    return key if of is None else f"{of}, for its preview environments,"


def place(*keys: str) -> str:
    """Where a secret is, as errors, the manual and `pulumi config --path` write it."""
    return f"codeb:{path_text((KEY, *keys))}"


def setting(*keys: str) -> str:
    """The command that sets a secret, for any shell that has the stack's Pulumi (the lab's: `make lab-env`)."""
    return f"{_SET} '{place(*keys)}'"


def _problems(
    data: Mapping[str, object], wanted: Mapping[str, frozenset[str]], project: str, stack: str, asker: str
) -> Iterator[Problem]:
    given = data.get(project, {})
    if not isinstance(given, Mapping):
        yield _not_a_mapping(stack, (project,))
        return
    for name in sorted(wanted.get(project, frozenset()) - given.keys()):
        cause = f"is missing, and environment.secrets of {asker} names it"
        yield _problem(stack, (project, name), cause, f"Run `{setting(project, name)}`{_LAB}.")
    for name, value in given.items():
        if wrong := wrong_value(value):
            remedy = f"Set it again with `{setting(project, str(name))}`{_LAB}."
            yield _problem(stack, (project, str(name)), wrong, remedy)


def wrong_value(value: object) -> str | None:
    """What is wrong with a secret's value, None for nothing; shows nothing of it."""
    if isinstance(value, bool):
        return "is true or false without quotes, not text"
    if isinstance(value, int | float):
        return "is a number without quotes, not text"
    if not isinstance(value, str):
        return "is not text"
    return not_a_value(value, LONGEST_VALUE)


def _not_a_mapping(stack: str, keys: tuple[str, ...]) -> Problem:
    example = setting(*(keys or ("<id>",)), "NAME")
    remedy = f"Remove it (`pulumi config rm --path '{place(*keys)}'`), then set each secret with `{example}`."
    return _problem(stack, keys, "is not a mapping of names to values", remedy)


def _problem(stack: str, keys: tuple[str, ...], cause: str, remedy: str) -> Problem:
    return Problem(f"Pulumi.{stack}.yaml", 0, 0, place(*keys), cause, remedy)


def _unused(
    data: Mapping[str, Mapping[str, object]],
    wanted: Mapping[str, frozenset[str]],
    previews: Mapping[str, str],
) -> Iterator[str]:
    """Secrets that no manifest names: left where they are, as their project may come back, but said."""
    for project in sorted(data):
        unused = sorted(map(str, data[project].keys() - wanted.get(project, frozenset())))
        if project not in wanted and any(project == names.preview_secrets(each) for each in wanted):
            continue  # of preview environments, of which there is none now
        if project not in wanted:
            remedy = f"correct the id, or remove it with `pulumi config rm --path '{place(project)}'`"
            yield f"{place(project)} is not used, as no manifest has this id: {remedy}."
        elif unused:
            remedy = f"name it in environment.secrets of {_asker(project, previews)} if its app is to get it"
            yield f"{place(project)} is used but for {', '.join(unused)}: {remedy}."


def _empty(values: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """An app may want an empty text; mostly the command whose output was piped in has failed."""
    for project, secrets in sorted(values.items()):
        for name in sorted(name for name, value in secrets.items() if not value):
            yield f"{place(project, name)} is empty: set it again with `{setting(project, name)}` if it should not be."
