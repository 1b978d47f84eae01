"""Pulumi ComponentResources: resources, no arithmetic."""
