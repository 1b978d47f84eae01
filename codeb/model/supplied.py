"""The values of the variables that `environment.secrets` of the manifests name: from `codeb:projectSecrets`, or, for each
project that the stack's vault has, from there.

No error shows a value. A value is any text without NUL, line breaks included: it arrives byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from codeb import names
from codeb.model.manifest import Manifest
from codeb.model.problems import Problem, SettingsErrors
from codeb.model.secret_places import IN_THE_LAB, Configured, InVault, Place, as_name, place, setting
from codeb.model.secret_places import KEY as KEY
from codeb.model.shapes import LONGEST_VALUE, not_a_value


@dataclass(frozen=True)
class Supplied:
    """Project → variable → value, and what is worth a look, in words: what nobody asks for, what is empty."""

    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Vaulted:
    """What the vault at `address` has below `mount`: secrets by the keys of `wanted_keys`; no entry for what it lacks."""

    address: str
    mount: str
    values: Mapping[str, Mapping[str, object]] = field(default_factory=dict, repr=False)


_NO_VAULT: Final = Vaulted("", "")


def wanted_keys(manifests: Iterable[Manifest], previews: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Under which keys there have to be secrets, `shop`, `shop-pr`; those of projects that name none are left out."""
    listed = list(manifests)
    keys = _keys(listed, previews or {})
    return tuple(sorted({keys[each.id] for each in listed if each.environment.secrets}))


def parse_supplied(
    data: object,
    manifests: Iterable[Manifest],
    stack: str = "<stack>",
    previews: Mapping[str, str] | None = None,
    vaulted: Vaulted = _NO_VAULT,
) -> Supplied:
    """The supplied secrets of these manifests' projects: `data` is that of the configuration.

    `previews` are the preview environments among them, each with its project. They have secrets of their own: the code of
    a pull request may be anybody's, so it is given nothing of the project's.

    Raises:
        SettingsErrors: every secret that is missing, and every value and mapping of a wrong shape, without its value.
    """
    listed = list(manifests)
    whole = Configured(stack, "")
    if data is None:
        data = {}
    if not isinstance(data, Mapping):
        raise SettingsErrors([_not_a_mapping(whole)])
    keys = _keys(listed, previews or {})
    wanted: dict[str, frozenset[str]] = {}
    for each in listed:
        key = keys[each.id]
        wanted[key] = wanted.get(key, frozenset()) | frozenset(each.environment.secrets)
    sources = _Sources(stack, data, vaulted)
    problems = [
        problem
        for key in map(str, {*data, *wanted})
        for problem in _problems(
            sources.given(key),
            wanted.get(key, frozenset()),
            sources.place(key),
            _asker(key, previews or {}),
        )
    ]
    if problems:
        raise SettingsErrors(problems)
    given: dict[str, dict[str, str]] = {}
    for key, found in wanted.items():
        secrets = sources.given(key)
        if found and isinstance(secrets, Mapping):
            given[key] = {name: secrets[name] for name in found}
    values = {
        each.id: {name: given[keys[each.id]][name] for name in each.environment.secrets}
        for each in listed
        if each.environment.secrets
    }
    return Supplied(values, (*_unused(sources, wanted, previews or {}), *_empty(sources, given)))


@dataclass(frozen=True)
class _Sources:
    """Of each project's secrets all are in one place: the vault's are not mixed with the configuration's."""

    stack: str
    configured: Mapping[str, object] = field(repr=False)
    vaulted: Vaulted

    def place(self, key: str) -> Place:
        """Where they are; where there are none, the vault is where they are to go."""
        if key in self.vaulted.values or (self.vaulted.address and key not in self.configured):
            return InVault(self.stack, key, self.vaulted.address, self.vaulted.mount)
        return Configured(self.stack, key)

    def given(self, key: str) -> object:
        return self.vaulted.values[key] if key in self.vaulted.values else self.configured.get(key, {})


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


def _problems(given: object, wanted: frozenset[str], where: Place, asker: str) -> Iterator[Problem]:
    if not isinstance(given, Mapping):
        yield _not_a_mapping(where)
        return
    for name in sorted(wanted - given.keys()):
        cause = f"is missing, and environment.secrets of {asker} names it"
        yield where.problem(name, cause, f"Run {where.remedy(name)}.")
    for name, value in given.items():
        if isinstance(where, InVault) and name not in wanted:
            continue  # a vault's path may have more, for others
        if wrong := wrong_value(value):
            yield where.problem(str(name), wrong, f"Set it again with {where.remedy(str(name))}.")


def wrong_value(value: object) -> str | None:
    """What is wrong with a secret's value, None for nothing; shows nothing of it."""
    if isinstance(value, bool):
        return "is true or false without quotes, not text"
    if isinstance(value, int | float):
        return "is a number without quotes, not text"
    if not isinstance(value, str):
        return "is not text"
    return not_a_value(value, LONGEST_VALUE)


def _not_a_mapping(where: Place) -> Problem:
    keys = (where.key,) if isinstance(where, Configured) and where.key else ()
    example = setting(*(keys or ("<id>",)), "NAME")
    remedy = f"Remove it (`pulumi config rm --path '{place(*keys)}'`), then set each secret with `{example}`."
    return where.problem("", "is not a mapping of names to values", remedy)


def _unused(
    sources: _Sources, wanted: Mapping[str, frozenset[str]], previews: Mapping[str, str]
) -> Iterator[str]:
    """Secrets that no manifest names: left where they are, as their project may come back, but said."""
    for key in sorted(map(str, {*sources.configured, *sources.vaulted.values})):
        if key not in wanted and any(key == names.preview_secrets(each) for each in wanted):
            continue  # of preview environments, of which there is none now
        remove = f"remove it with `pulumi config rm --path '{place(key)}'`"
        if key not in wanted:
            yield f"{place(key)} is not used, as no manifest has this id: correct the id, or {remove}."
            continue
        where, given = sources.place(key), sources.given(key)
        if isinstance(where, InVault) and key in sources.configured:
            yield f"{place(key)} is not used, as the vault has {where.of('')}: {remove}."
        if isinstance(given, Mapping) and (unused := sorted(map(str, given.keys() - wanted[key]))):
            remedy = f"name it in environment.secrets of {_asker(key, previews)} if its app is to get it"
            yield f"{where.of('')} is used but for {', '.join(map(as_name, unused))}: {remedy}."


def _empty(sources: _Sources, values: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """An app may want an empty text; mostly the command whose output was piped in has failed."""
    for key, secrets in sorted(values.items()):
        where = sources.place(key)
        for name in sorted(name for name, value in secrets.items() if not value):
            remedy = where.remedy(name).removesuffix(IN_THE_LAB)
            yield f"{where.of(name)} is empty: set it again with {remedy} if it should not be."
