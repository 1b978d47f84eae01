"""A small client of GitHub's REST API (docs.github.com/rest, version 2022-11-28): the calls that `codeb ci` makes.

Reads are tried again; what makes something is sent once. The token is in a header and nowhere else.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import httpx2

from ops.ci.context import CiError, Workflow

_VERSION: Final = "2022-11-28"
_SECONDS: Final = 30.0
_WAITS: Final = (1.0, 3.0, 9.0)
_PAGE: Final = 100
_PAGES: Final = 50
_SHOWN: Final = 300
_TROUBLE: Final = frozenset({429, 500, 502, 503, 504})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SAFE_PATH: Final = re.compile(r"/[A-Za-z0-9_./~-]*")

Json = Mapping[str, Any]


class GitHub:
    """Calls on one repository.

    Raises:
        CiError: GitHub can't be reached, or said no; with what it said, never with the token.
    """

    def __init__(
        self,
        workflow: Workflow,
        *,
        repository: str = "",
        token: str = "",
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        given = token or workflow.token
        if not given:
            raise CiError("GITHUB_TOKEN is not set: give the step `env: GITHUB_TOKEN: ${{ github.token }}`")
        self.repository = repository or workflow.repository
        self._api = workflow.api_url.rstrip("/")
        self._base = f"{self._api}/repos/{self.repository}"
        self._sleep = sleep
        self._client = httpx2.Client(
            headers={
                "Authorization": f"Bearer {given}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": _VERSION,
                "User-Agent": "codeb",
            },
            timeout=_SECONDS,
            transport=transport,
        )

    def get(self, path: str, **parameters: str | int) -> Any:
        """One document."""
        return _document(self._ask("GET", path, params=parameters))

    def pages(self, path: str, key: str = "", **parameters: str | int) -> Iterator[Json]:
        """All entries of a list, page by page; `key` where the list is inside of a document."""
        for page in range(1, _PAGES + 1):
            found = self.get(path, per_page=_PAGE, page=page, **parameters)
            entries = found.get(key) if key and isinstance(found, Mapping) else found
            if not isinstance(entries, list) or not all(isinstance(each, Mapping) for each in entries):
                raise _not_understood()
            yield from entries
            if len(entries) < _PAGE:
                return

    def post(self, path: str, document: Json) -> Json:
        """Make something; sent once. Empty where GitHub answers without a document."""
        answer = self._ask("POST", path, json=dict(document))
        return _mapping(answer) if answer.content else {}

    def patch(self, path: str, document: Json) -> Json:
        """Change something."""
        return _mapping(self._ask("PATCH", path, json=dict(document)))

    def login(self) -> str:
        """Whose token this is; "" for one of an app, such as a workflow's own, which is nobody's."""
        try:
            answer = self._client.get(f"{self._api}/user")
        except httpx2.HTTPError as error:
            raise CiError(f"GitHub can't be reached (GET /user): {type(error).__name__}") from None
        found = _document(answer) if answer.status_code == httpx2.codes.OK else {}
        return str(found.get("login") or "") if isinstance(found, dict) else ""

    def download(self, path: str, largest: int) -> bytes:
        """A file that GitHub redirects to; the place it redirects to is not given the token. At most `largest` bytes.

        Raises:
            CiError: it is larger.
        """
        answer = self._ask("GET", path, follow=False)
        if answer.status_code in _REDIRECTS:
            return self._fetch(answer.headers.get("location", ""), largest)
        return _bounded(answer.content, largest)

    def _fetch(self, url: str, largest: int) -> bytes:
        try:
            with httpx2.stream("GET", url, timeout=_SECONDS, follow_redirects=False) as answer:
                if answer.status_code != httpx2.codes.OK:
                    raise CiError(f"GitHub's file storage answered {answer.status_code}")
                parts, size = [], 0
                for part in answer.iter_bytes():
                    size += len(part)
                    parts.append(part)
                    if size > largest:
                        break
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise CiError(f"GitHub's file storage can't be reached: {type(error).__name__}") from None
        return _bounded(b"".join(parts), largest)

    def _ask(self, method: str, path: str, *, follow: bool = True, **request: Any) -> httpx2.Response:
        if not _SAFE_PATH.fullmatch(path) or ".." in path:
            raise ValueError(f"{path!r} is no path of the API")
        waits = iter(_WAITS if method == "GET" else ())
        while True:
            answer, trouble = self._once(method, path, request, follow=follow)
            wait = next(waits, None)
            if answer is not None and (answer.status_code not in _TROUBLE or wait is None):
                return self._judged(method, path, answer)
            if wait is None:
                raise CiError(f"GitHub can't be reached ({method} {path}): {trouble}")
            self._sleep(wait)

    def _once(
        self, method: str, path: str, request: Mapping[str, Any], *, follow: bool
    ) -> tuple[httpx2.Response | None, str]:
        try:
            return self._client.request(method, f"{self._base}{path}", follow_redirects=follow, **request), ""
        except httpx2.HTTPError as error:
            return None, type(error).__name__

    def _judged(self, method: str, path: str, answer: httpx2.Response) -> httpx2.Response:
        if answer.status_code < httpx2.codes.BAD_REQUEST:
            return answer
        raise CiError(
            f"GitHub answered {answer.status_code} to {method} {self.repository}{path}: {_message(answer)}"
            f"{_remedy(answer.status_code)}"
        )


def _document(answer: httpx2.Response) -> Any:
    try:
        return answer.json()
    except (ValueError, RecursionError):
        raise CiError("GitHub answered with something that is no JSON") from None


def _mapping(answer: httpx2.Response) -> Json:
    found = _document(answer)
    if not isinstance(found, dict):
        raise _not_understood()
    return found


def _not_understood() -> CiError:
    return CiError("GitHub answered with something else than its documentation says")


def number_of(found: Json, key: str = "number") -> int:
    """The number by which GitHub names something in an answer. Raises CiError."""
    number = found.get(key)
    if type(number) is not int:
        raise _not_understood()
    return number


def _message(answer: httpx2.Response) -> str:
    try:
        found = answer.json()
    except ValueError:
        return "no reason"
    text = str(found.get("message", "no reason")) if isinstance(found, dict) else "no reason"
    return "".join(letter if letter.isprintable() else " " for letter in text)[:_SHOWN]


def _remedy(status: int) -> str:
    if status in (httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN, httpx2.codes.NOT_FOUND):
        return ". Check the job's `permissions:`, and that the token may see the repository"
    return ""


def _bounded(content: bytes, largest: int) -> bytes:
    if len(content) > largest:
        raise CiError(f"the file is larger than {largest >> 20} MiB")
    return content
