#!/usr/bin/env python3
"""A `codeb` that only writes down how it was called: one JSON line a call, in CODEB_CALLS.

CODEB_ANSWERS is a JSON object: beginning of a command line → outputs of the step. CODEB_FAILS is the beginning of one that
fails.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

words = " ".join(sys.argv[1:])
call = {
    "words": sys.argv[1:],
    "environment": dict(os.environ),
    "folder": str(Path.cwd()),
    "commit": subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip(),
    "event": json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text()),
}
with Path(os.environ["CODEB_CALLS"]).open("a") as calls:
    calls.write(json.dumps(call) + "\n")
print(f"codeb {words}", flush=True)
for begin, outputs in json.loads(os.environ.get("CODEB_ANSWERS", "{}")).items():
    if words.startswith(begin):
        with Path(os.environ["GITHUB_OUTPUT"]).open("a") as stream:
            stream.writelines(f"{name}={value}\n" for name, value in outputs.items())
fails = os.environ.get("CODEB_FAILS")
sys.exit(1 if fails and words.startswith(fails) else 0)
