"""How Terraform's SDK waits (`retry.StateChangeConf`, `retry.RetryContext`): first delay, growing steps, a limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from lab.providers.vultr.api import Api, ApiError

FIRST_S: Final = 10.0
STEP_S: Final = 3.0
LONGEST_S: Final = 10.0
LIMIT_S: Final = 3600.0
"""Of the waits together, before the pace: how long the calls themselves take does not count here."""

RETRY_STEP_S: Final = 0.5
DELETE_LIMIT_S: Final = 19 * 60.0
CREATE_LIMIT_S: Final = 59 * 60.0


def until(
    api: Api, look: Callable[[], str], target: str, pending: tuple[str, ...], step_s: float = STEP_S
) -> None:
    """Look until it is as it is to be; the first time after ten seconds.

    Raises:
        ApiError: looking failed, it is something else, or it stays as it is for an hour.
    """
    api.wait(FIRST_S)
    waited = FIRST_S
    for step in _steps(step_s):
        now = look()
        if now == target:
            return
        if now not in pending:
            raise ApiError(f"unexpected state '{now}', wanted target '{target}'. last error: %!s(<nil>)")
        if waited + step > LIMIT_S:
            raise ApiError(
                f"timeout while waiting for state to become '{target}' (last state: '{now}', timeout: 1h0m0s)"
            )
        api.wait(step)
        waited += step


def again_while(
    api: Api,
    attempt: Callable[[], object],
    words: str,
    prefix: str,
    otherwise: str = "",
    limit_s: float = DELETE_LIMIT_S,
) -> None:
    """Attempt until it succeeds, as long as the refusal holds these words.

    Raises:
        ApiError: another refusal with `otherwise` before it, or, after the limit, the last one with `prefix`.
    """
    waited = 0.0
    for step in _steps(RETRY_STEP_S):
        try:
            attempt()
        except ApiError as error:
            if words not in str(error):
                raise ApiError(f"{otherwise}{error}") from error
            if waited + step > limit_s:
                raise ApiError(f"{prefix}{error}") from error
        else:
            return
        api.wait(step)
        waited += step


def _steps(first_s: float) -> Iterator[float]:
    step = first_s
    while True:
        yield min(step, LONGEST_S)
        step *= 2
