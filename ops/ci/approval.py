"""Whether a person has approved this run for an environment, as GitHub tells it.

A job that names an environment runs at once when the environment has no required reviewers, and GitHub makes an environment
that isn't there without any. So the run's own list of reviews is asked: docs.github.com/rest/actions/workflow-runs, "Get the
review history for a workflow run".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ops.ci.context import CiError, Workflow
from ops.ci.github import GitHub

_LOGIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}")


def environment_name(text: str) -> str:
    """The name of an environment. Raises CiError."""
    if not _NAME.fullmatch(text):
        raise CiError(
            "--environment: write the name of one of the repository's environments, for example production"
        )
    return text


def approver(github: GitHub, workflow: Workflow, environment: str) -> str:
    """Who approved this run for the environment. Raises CiError when nobody has."""
    if not workflow.run_id:
        raise CiError("GITHUB_RUN_ID is not set: nobody can have approved a run that isn't one")
    found = github.get(f"/actions/runs/{workflow.run_id}/approvals")
    for review in found if isinstance(found, list) else []:
        if isinstance(review, Mapping) and _approves(review, environment):
            user = review.get("user")
            login = str(user.get("login") or "") if isinstance(user, Mapping) else ""
            if _LOGIN.fullmatch(login):
                return login
    raise CiError(
        f"nobody has approved this run for the environment {environment}: nothing is deployed. In the repository's "
        f"Settings > Environments > {environment} turn on Required reviewers and let nobody bypass them, give the job "
        f"`environment: {environment}`, and run it again"
    )


def _approves(review: Mapping[str, object], environment: str) -> bool:
    environments = review.get("environments")
    names = [
        each.get("name")
        for each in (environments if isinstance(environments, list) else [])
        if isinstance(each, Mapping)
    ]
    return review.get("state") == "approved" and environment in names
