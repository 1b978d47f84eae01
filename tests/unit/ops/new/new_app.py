"""A project folder with a small template, and what becomes of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ops.new import Wanted, new, place
from ops.result import Result

REPO = Path(__file__).parents[4]
SHOP = Wanted(
    "shop", "shop.lab.test", "registry.lab.test:5000/apps/shop:1.0.0", app="apps/shop", name="Tea & Cups"
)
SAID = {
    "id": "core-cms",
    "name": "Core CMS",
    "replace": ["README.md", "package-lock.json", "package.json", "src/lib/name.ts"],
    "leave": ["docs/of-the-template.md", "only"],
}
PACKAGE = {
    "name": "core-cms",
    "version": "1.0.0",
    "scripts": {"test": "vitest", "build": "next build"},
    "dependencies": {"next": "1"},
}
FILES = {
    "template.json": json.dumps(SAID),
    "package.json": json.dumps(PACKAGE),
    "package-lock.json": json.dumps({"name": "core-cms", "packages": {"": {"name": "core-cms"}, "node_modules/next": {}}}),
    "README.md": "# Core CMS\n\nIts folder is apps/core-cms.\n",
    "src/lib/name.ts": 'export const APP_NAME = "Core CMS";\n',
    "src/app/(auth)/login/page.tsx": "export default () => <p>{APP_NAME}</p>;\n",
    "src/app/coverage/page.tsx": "export default () => null;\n",
    "scripts/run.sh": "#!/bin/sh\n",
    ".env.example": "APP_TITLE=\n",
    ".gitignore": "/.env*\n",
    "docs/of-the-template.md": "Core CMS itself\n",
    "only/deep/er.txt": "core-cms\n",
    # What tools leave, and what is somebody's own:
    ".env": "NEXTAUTH_SECRET=hunter2 core-cms\n",
    ".env.local": "x",
    "node_modules/next/index.js": "core-cms",
    "src/node_modules/x.js": "core-cms",
    ".next/build": "core-cms",
    "src/generated/client.ts": "core-cms",
    ".git/config": "core-cms",
    "npm-debug.log": "core-cms",
    "test-results/.last": "core-cms",
}  # fmt: skip
MADE = {
    "package.json", "package-lock.json", "README.md", "src/lib/name.ts", "src/app/(auth)/login/page.tsx",
    "src/app/coverage/page.tsx", "scripts/run.sh",
    ".env.example", ".gitignore",
    *(f".github/workflows/{name}.yml" for name in ("ai-analysis", "build-test", "image", "preview")),
}  # fmt: skip


def fill(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def add(folder: Path, wanted: Wanted = SHOP) -> Result:
    return new(wanted, place(folder, None))


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything below a project folder but the templates: files by content, links by where they lead, folders as None."""
    found: dict[str, bytes | None] = {}
    for path in sorted(folder.rglob("*")):
        if not {folder / "templates", folder / "Pulumi.yaml"} & {path, *path.parents}:
            name = str(path.relative_to(folder))
            link = os.fsencode(os.readlink(path)) if path.is_symlink() else None
            found[name] = link or (path.read_bytes() if path.is_file() else None)
    return found


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
