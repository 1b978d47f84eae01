"""A made-up Prometheus: what the agent of the server that watches answers when it is asked how busy the others were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lab.bench.nowhere import answer_file
from lab.host.cache import write_atomically

EVERY_S: Final = 15
SAMPLES: Final = 21


def answer(answers: Path, address: str, cpu: Mapping[str, float], now: float) -> None:
    """Each server had so many percent to do in the five minutes up to `now`; `address` is the one that watches."""
    found = [
        {"resultType": "scalar", "result": [now, ""]},
        {"resultType": "matrix", "result": [_series(name, value, now) for name, value in cpu.items()]},
        {"resultType": "vector", "result": []},
    ]
    texts = [{"status": 200, "text": json.dumps({"status": "success", "data": each})} for each in found]
    file = answer_file(answers, address)
    write_atomically(file, json.dumps({**json.loads(file.read_text()), "answers": texts}))


def _series(name: str, cpu: float, now: float) -> dict[str, Any]:
    values = [[now - EVERY_S * number, str(cpu)] for number in range(SAMPLES)]
    return {"metric": {"server": name}, "values": values}
