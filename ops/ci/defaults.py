"""What `codeb ci analyse` does when nobody says otherwise; apart, as its command line is there without the extra."""

from __future__ import annotations

from typing import Final

MODEL: Final = "claude-sonnet-5-5"
MAX_TOKENS: Final = 8_000
"""Of an answer, with what the model thinks before it."""
TIMEOUT_S: Final = 120
RETRIES: Final = 3
BUDGET: Final = 24_000
"""Characters of a log, about 6,000 tokens."""
SMALLEST_BUDGET: Final = 2_000
BOT: Final = "github-actions[bot]"
"""Who writes with the `GITHUB_TOKEN` of a workflow."""
