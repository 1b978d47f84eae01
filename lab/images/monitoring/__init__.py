"""The programs of monitoring, built from pinned Go modules: one each, since their dependencies don't go together."""
