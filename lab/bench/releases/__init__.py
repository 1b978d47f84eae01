"""Releases under load: nothing fails, nothing drops, a rollback takes a second."""
