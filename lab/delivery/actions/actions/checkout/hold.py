"""GitHub holds the jobs of protected environments; here each job asks before it does anything.

CODEB_LAB_HOLD_URL answers with JSON: `{"approved": true}` lets the job go on, `{"approved": false}` has it wait, and
`{"approved": false, "rejected": true}` fails it, as a reviewer's no does.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.parse
import urllib.request
from typing import Final

_PAUSE_S: Final = 0.5
_TIMEOUT_S: Final = 60


def main() -> int:
    """Wait until a person has answered; the exit status of the step."""
    job = os.environ["GITHUB_JOB"]
    about = {"repository": os.environ["GITHUB_REPOSITORY"], "run_id": os.environ["GITHUB_RUN_ID"], "job": job}
    url = f"{os.environ['CODEB_LAB_HOLD_URL']}?{urllib.parse.urlencode(about)}"
    waits = False
    while True:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as stream:  # noqa: S310 the lab's own server
            answer = json.load(stream)
        if answer["approved"] is True:
            return 0
        if answer.get("rejected") is True:
            print(f"::error::a person refused {job}")
            return 1
        if not waits:
            print(f"{job} waits for a person", flush=True)
        waits = True
        time.sleep(_PAUSE_S)


if __name__ == "__main__":
    sys.exit(main())
