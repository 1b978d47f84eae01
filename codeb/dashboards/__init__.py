"""Grafana's dashboards as code, by Grafana's own SDK: its types say what a dashboard may be.

They are made when a stack is rendered; nothing made of them is kept in git. `stores` says how Grafana calls what it asks;
all else needs `grafana-foundation-sdk` (pure Python, 0.2 s to load), which the program has and plain `codeb` does without.
"""
