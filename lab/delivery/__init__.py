"""From a push to a release on this machine: GitHub's workflows by act, with stand-ins for what GitHub and others serve."""
