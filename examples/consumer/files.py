"""What is made: files, each by a command, so that a file comes, changes and goes with the project that it is about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pulumi
from platform_stack import Project
from pulumi_command import local

WRITE = 'mkdir -p "$(dirname "$FILE")" && umask "$MASK" && cat > "$FILE.new" && mv "$FILE.new" "$FILE"'
DELETE = 'rm -f "$FILE"'
"""Names come in the environment and contents on standard input: neither is read by the shell."""


def targets_file(project: Project, folder: str) -> local.Command:
    """A file of `file_sd_configs`, by which Prometheus's blackbox exporter watches a project."""
    labels = {"project": project.id, "release": project.release, "servers": ",".join(project.servers)}
    content = json.dumps([{"targets": [project.url], "labels": labels}], indent=2)
    return _file(f"watch-{project.id}", f"{folder}/{project.id}.json", f"{content}\n")


def variables_file(
    project: str, connection: pulumi.Output[dict[str, str]], names: Sequence[str], folder: str
) -> local.Command:
    """What `podman run --env-file` takes; of mode 0600, and a secret in the state."""

    def lines(known: Mapping[str, str]) -> str:
        return "".join(f"{name}={known[name]}\n" for name in names if name in known)

    return _file(f"report-{project}", f"{folder}/{project}.env", connection.apply(lines), mask="077")


def _file(name: str, path: str, content: pulumi.Input[str], *, mask: str = "022") -> local.Command:
    return local.Command(
        name,
        create=WRITE,
        delete=DELETE,
        stdin=content,
        environment={"FILE": path, "MASK": mask},
        logging=local.Logging.NONE,
        add_previous_output_in_env=False,
    )
