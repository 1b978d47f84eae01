"""Options of resources inside a component of the fleet."""

from __future__ import annotations

from typing import Any

import pulumi


def inside(
    component: pulumi.Resource, opts: pulumi.ResourceOptions | None, **more: Any
) -> pulumi.ResourceOptions:
    """The component as parent and the hooks that the component was declared with, which its children don't inherit."""
    return pulumi.ResourceOptions(parent=component, hooks=opts.hooks if opts else None, **more)
