"""What a server has of monitoring: exporters and a collector everywhere, and with the role what keeps and shows it all."""

from codeb.render.watched.whole import on_disk, watched_files

__all__ = ["on_disk", "watched_files"]
