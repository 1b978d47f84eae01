"""What the tests of this folder ask of the way from push to release."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.delivery import app_work, places, stacks, telling
from lab.delivery.flow import Delivery
from lab.delivery.github import issues
from lab.delivery.runner import Done


@dataclass
class Way:
    """The way, and what the reviewer saw each time before the yes."""

    delivery: Delivery
    seen: list[dict[str, object]] = field(default_factory=list)

    def release(self) -> tuple[str, list[Done]]:
        """A new version is pushed to the app's main; the version, and the runs that followed."""
        version = app_work.next_version()
        app_work.release(version)
        return version, self.delivery.push(places.APP)

    def served(self, kind: stacks.Kind) -> str:
        """The version that visitors of a stack get, or why there is none."""
        return telling.version(self.delivery.lab, kind, f"shop.{kind.domain}")

    def shown(self, number: int) -> str:
        """The version that a pull request's environment serves, or why there is none."""
        return telling.version(self.delivery.lab, stacks.DEV, f"shop-pr-{number}.{stacks.DEV.domain}")

    def comments(self, number: int) -> list[str]:
        """What was said on a pull request of the app."""
        return [str(one["body"]) for one in issues.comments(self.delivery.hub, places.APP, str(number))]

    def issues(self, repository: str) -> list[dict[str, object]]:
        """Issues about failed runs."""
        return issues.listed(self.delivery.hub, repository, {"labels": "build-failure,ai-analyzed"})

    def previews(self) -> set[str]:
        """The environments in the registry of dev."""
        return set(telling.outputs(stacks.DEV)["registry"].get("previews", {}))


def results(done: list[Done]) -> dict[str, str]:
    """How runs ended, by workflow; analyses that had nothing to do left out."""
    kept = [one for one in done if (one.workflow, one.conclusion) != ("ai-analysis.yml", "skipped")]
    return {f"{one.repository} {one.workflow}": one.conclusion for one in kept}
