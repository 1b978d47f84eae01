"""What secrets look like: tokens by the prefixes that their issuers document, keys, headers, URLs, and values behind names.

Every expression is bounded, so that a hostile line costs no more than an honest one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_TOKENS: Final = re.compile(
    r"gh[pousr]_[A-Za-z0-9_.-]{16,}"  # GitHub
    r"|github_pat_[A-Za-z0-9_]{20,}"
    r"|gl(?:pat|dt|rt|cbt|ptt|soat)-[A-Za-z0-9_.-]{16,}"  # GitLab
    r"|\b(?:AKIA|ASIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA|ABIA|ACCA)[A-Z0-9]{16}\b"  # AWS
    r"|xox[a-z]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}"  # Slack
    r"|\bsk-(?:ant-)?[A-Za-z0-9_-]{20,}"  # Anthropic and others
    r"|\b[srp]k_(?:live|test)_[A-Za-z0-9]{16,}|\bwhsec_[A-Za-z0-9+/=]{16,}"  # Stripe
    r"|\bnpm_[A-Za-z0-9]{30,}|\bpypi-[A-Za-z0-9_-]{16,}|\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{16,}"
    r"|\bpul-[0-9a-f]{40}\b"  # Pulumi
    r"|\bAIza[A-Za-z0-9_-]{35}|\bya29\.[A-Za-z0-9_.-]{20,}|\bGOCSPX-[A-Za-z0-9_-]{20,}"  # Google
    r"|\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"  # SendGrid
    r"|\bhv[sbr]\.[A-Za-z0-9_-]{20,}|\bdo[opr]_v1_[0-9a-f]{64}|\bhf_[A-Za-z0-9]{30,}"
    r"|\b(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[A-Z0-9]{36}\b"  # Vultr
    r"|\bAGE-SECRET-KEY-1[0-9A-Z]{40,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"  # JSON web tokens
)
_PRIVATE_KEY: Final = re.compile(
    r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)"
    r"(?:(?:(?!-----BEGIN )[\s\S]){0,20000}?(?=-----END )|(?:(?:\s|\\[nr]){0,4}[^\n]{0,60}?[A-Za-z0-9+/]{24,}={0,2}){0,400})"
)
_WEBHOOK: Final = re.compile(
    r"(hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/(?=[A-Za-z0-9/_+-]{6})|://[^\s/]{1,200}/hooks/(?=[a-z0-9]{20})"
    r"|discord(?:app)?\.com/api/webhooks/)[A-Za-z0-9/_+-]+"
)
_LOGIN: Final = re.compile(
    r"(://[^\s:/@\"'<>]{0,200}:)(?:[^\s/\"'<>]{1,500}|(?!\d{1,5}/)[^\s\"'<>]{1,200})(?=@)"
)
_SQL: Final = re.compile(
    r"\b((?:password|identified\s{1,3}by)\s{1,3}(E?'))(?:[^'\n]|''){1,4000}(?=')", re.IGNORECASE
)
_USER: Final = re.compile(
    r"((?<![\w-])(?:-u|--user)(?:\s{1,3}|=)[\"']?[^\s:\"'/]{1,100}:)(?!\d{1,6}\b)[^\s\"']{4,500}"
    r"|((?<![\w-])sshpass\s{1,3}-p\s{0,3})[^\s\"'][^\s]{3,500}"
)
_SCHEME: Final = r"(?:bearer|basic|token|digest|negotiate|apikey|aws4-hmac-sha256)"
_HEADER: Final = re.compile(
    rf"((?:authorization|x-api-key|x-auth-token|private-token|x-vault-token)\\?[\"']?\s{{0,3}}[:=]\s{{0,3}}\\?[\"']?)"
    rf"(?:({_SCHEME}\s{{1,3}})[^\n\"'\\]{{4,4000}}|[^\s\"'\\]{{12,4000}})",
    re.IGNORECASE,
)
_COOKIE: Final = re.compile(
    r"\b((?:set-)?cookie\\?[\"']?: {0,3}\\?[\"']?)(?=[^\n=]{1,200}=)[^\n]{4,4000}", re.IGNORECASE
)
_BEARER: Final = re.compile(r"\b(bearer\s{1,3})[A-Za-z0-9._~+/-]{16,4000}=*", re.IGNORECASE)
_NAME: Final = (
    r"(?<!unexpected )(?<!invalid )(?:pass(?:word|wd|phrase)|pwd|(?<=[_-])(?:pass|auth)\b|secret|token"
    r"|credentials?|cookie|signature|\bsig|webhook[_-]?url|(?<![a-z])dsn"
    r"|(?:api|access|private|secret|auth|signing|encryption|account|master|session|shared|license)[_-]?key"
    r"|connection[_-]?string)"
    r"(?:[_-]?(?:key|base|hash|value|base64|b64|id|[0-9]{1,3})){0,2}"
)
_QUOTED: Final = re.compile(
    rf"({_NAME}\\?[\"']?\]?\s{{0,3}}(?:=>|:=|=|:)\s{{0,3}})(\\?[\"'`])((?:(?!\2)[^\n]){{4,4000}}?)(?=\2)",
    re.IGNORECASE,
)
_TIGHT: Final = re.compile(rf"({_NAME}(?:=|%3D))([^\s\"'`,;&<>(){{}}\[\]|]{{1,4000}})", re.IGNORECASE)
_LOOSE: Final = re.compile(
    rf"({_NAME}\\?[\"']?(?:\s{{1,3}}=\s{{1,3}}|\s{{0,3}}:=\s{{0,3}}|\s?=>\s{{1,3}}|:\s{{0,3}}))([^\s\"'`,;&<>(){{}}\[\]|]{{6,4000}})",
    re.IGNORECASE,
)
_ELEMENT: Final = re.compile(rf"(<[\w.:-]{{0,60}}?{_NAME}>)[^<\n]{{4,4000}}(?=</)", re.IGNORECASE)
_OPTION: Final = re.compile(
    rf"((?<![\w-])--[a-z-]{{0,40}}{_NAME}\s{{1,3}})([^\s\"'`-][^\s\"'`]{{5,4000}})", re.IGNORECASE
)
_LINE: Final = re.compile(
    rf"^([ \t]{{0,40}}[\w.-]{{0,60}}?{_NAME}: )([^\s\"'`{{}}\[\]()<>]{{8,4000}})$",
    re.IGNORECASE | re.MULTILINE,
)
_NO_SECRET: Final = re.compile(
    r"\*+|\$.*|%.*%|string|number|boolean|bigint|symbol|object|undefined|null|none|nil|any|unknown|never|void|true|false|yes|no"
    r"|required|missing|invalid|expired|empty|redacted|\[?secret\]?|\[?redacted\]?|[0-9]{1,6}|(?:process\.env|secrets|env|inputs)\..*",
    re.IGNORECASE,
)
_CODE: Final = re.compile(r"[A-Za-z_$][\w$]*(?:\??\.[A-Za-z_$][\w$]*)+")


def mask(text: str, by: str) -> str:
    """The text with what looks like a secret replaced."""
    text = _PRIVATE_KEY.sub(rf"\g<1>{by}", text)
    text = _TOKENS.sub(by, text)
    text = _WEBHOOK.sub(rf"\g<1>{by}", text)
    text = _LOGIN.sub(rf"\g<1>{by}", text)
    text = _SQL.sub(rf"\g<1>{by}", text)
    text = _USER.sub(lambda found: (found[1] or found[2]) + by, text)
    text = _ELEMENT.sub(rf"\g<1>{by}", text)
    text = _HEADER.sub(lambda found: found[1] + (found[2] or "") + by, text)
    text = _COOKIE.sub(rf"\g<1>{by}", text)
    text = _BEARER.sub(rf"\g<1>{by}", text)
    text = _QUOTED.sub(lambda found: found[0] if _open(found[3]) else found[1] + found[2] + by, text)
    text = _behind(_TIGHT, _says_nothing, text, by)
    text = _behind(_OPTION, _a_word, text, by)
    text = _behind(_LINE, _says_nothing, text, by)
    return _behind(_LOOSE, _a_word, text, by)


def _behind(form: re.Pattern[str], is_open: Callable[[str], bool], text: str, by: str) -> str:
    return form.sub(lambda found: found[0] if is_open(found[2]) else found[1] + by, text)


def _open(value: str) -> bool:
    return bool(_NO_SECRET.fullmatch(value.strip()))


def _says_nothing(value: str) -> bool:
    """Whether what is assigned is no secret: a type, a reference to a variable, code that gets it."""
    return _open(value) or bool(_CODE.fullmatch(value))


def _a_word(value: str) -> bool:
    """Whether it is one of a sentence, as in `token: Unexpected`, or code."""
    bare = value.rstrip(".:!?")
    mixed = any(c.isdigit() for c in bare) and any(c.isalpha() for c in bare)
    return _says_nothing(bare) or not mixed
