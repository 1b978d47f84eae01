"""Whoever asked, asked for by several threads at once, as a pipeline and its source do."""

from __future__ import annotations

import subprocess
import sys

ASK = """
import threading
from agent.real.asker import RealAsker
asker, wrong = RealAsker(), []
asker.watch()
def ask():
    try:
        for _ in range(8_000):
            asker.gone()
    except RuntimeError as error:
        wrong.append(error)
threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
raise SystemExit(str(wrong[0]) if wrong else 0)
"""


def test_a_pipeline_and_its_source_may_ask_at_the_same_time() -> None:
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
