"""What a new project is to be: what was said on the command line, what a person answers, what is taken otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

SERVICES: Final = ("database", "cache", "storage")
DATASETS: Final = ("restaurants", "listings", "posts")
"""What the template's app may have content of: values of its `APP_DATASET`, the first is its own choice."""
LAB: Final = "registry.lab.test:5000/apps/"
"""How images begin that `make lab` builds from the folders in `apps`."""

Ask = Callable[[str, str], str]
"""Asks a person a question, with what is taken when he just presses return."""


@dataclass(frozen=True)
class Wanted:
    """A new project. `without` names the data services that it does not use.

    `app` is the folder that its app is made in, as it is said to people: from the project folder on. "" makes none.
    """

    id: str
    domain: str
    image: str
    port: int = 3000
    stage: str = "production"
    without: tuple[str, ...] = ()
    name: str = ""
    app: str = ""
    dataset: str = DATASETS[0]


@dataclass(frozen=True)
class Usual:
    """What a project beside the others would have, where nobody says otherwise."""

    domain: str
    image: str


def title(project: str) -> str:
    """A name for people from an id: `my-app` is My App."""
    return " ".join(word.capitalize() for word in project.split("-"))


def completed(wanted: Wanted, usual: Usual) -> Wanted:
    """The same with what is usual where nothing is said. A project without app needs no name of its own."""
    name = wanted.name or (title(wanted.id) if wanted.app else "")
    return replace(wanted, domain=wanted.domain or usual.domain, image=wanted.image or usual.image, name=name)


def asked(wanted: Wanted, usual: Usual, ask: Ask) -> Wanted:
    """The same with what is missing asked for. An app from the template uses all services, so that nobody is asked."""
    name = wanted.name
    if wanted.app and not name:
        name = ask("Name for people", title(wanted.id))
    domain = wanted.domain or ask("Domain, without https://", usual.domain)
    image = wanted.image or ask("Image, with its tag", usual.image)
    without = list(wanted.without)
    for service in SERVICES if not wanted.app else ():
        if (
            service not in without
            and ask(f"Does it use the platform's {service}? (y/n)", "y")[:1].lower() == "n"
        ):
            without.append(service)
    return replace(wanted, name=name, domain=domain, image=image, without=tuple(without))
