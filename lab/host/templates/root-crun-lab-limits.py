"""Take the resource limits out of a container's OCI bundle; record them in /run/lab-limits/<container id>.

The lab shares one cgroup tree that has no memory, cpu or pids controller: crun would fail on these limits.
The record lets tests see what would be enforced on a real server.
"""

import json
import os
import sys

RECORDS = "/run/lab-limits"
LIMITS = ("memory", "cpu", "pids", "blockIO", "hugepageLimits", "unified")


def bundle_of(words: list[str]) -> str:
    """Folder after -b or --bundle (or in --bundle=…); the current one without it, as crun does."""
    for index, word in enumerate(words):
        if word in ("-b", "--bundle"):
            return words[index + 1]
        if word.startswith("--bundle="):
            return word.partition("=")[2]
    return "."


def main(words: list[str]) -> None:
    """Rewrite config.json of the bundle; the container's id is the last word."""
    path = os.path.join(bundle_of(words), "config.json")
    with open(path, encoding="utf-8") as source:
        config = json.load(source)
    resources = config.get("linux", {}).get("resources", {})
    taken = {name: resources.pop(name) for name in LIMITS if name in resources}
    os.makedirs(RECORDS, exist_ok=True)
    with open(os.path.join(RECORDS, words[-1]), "w", encoding="utf-8") as record:
        json.dump(taken, record)
    if taken:
        with open(path + ".new", "w", encoding="utf-8") as target:
            json.dump(config, target)
        os.replace(path + ".new", path)


main(sys.argv[1:])
