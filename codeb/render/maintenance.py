"""The page that visitors get while a project is in maintenance."""

from __future__ import annotations

from codeb.plan import ProjectPlan
from codeb.render.text import render


def maintenance_page(project: ProjectPlan) -> str:
    """The page as HTML, whole in itself. Raises ValueError when the project isn't in maintenance."""
    manifest = project.manifest
    maintenance = manifest.features.maintenance
    if maintenance is None:
        raise ValueError(f"{project.id} is not in maintenance")
    name = manifest.project.name or project.id
    return render("project/maintenance.html", name=name, message=maintenance.message)
