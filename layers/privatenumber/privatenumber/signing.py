"""Signatures of the platform, both schemes, both directions (auth.md §2 to §6).

Two headers carry a signature: ``Authorization`` names the scheme, ``X-AKSK`` or ``X-WSSE`` the token.
The digest covers nonce and time only, so a valid one proves who sent, not what was sent. Emitted headers
have one fixed form; accepted ones follow the tolerant grammar of auth.md §2.2. Nothing here logs.
"""

import base64
import hashlib
import hmac
import re
import secrets as random_source
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

CONTENT_TYPE: Final = "application/json;charset=UTF-8"
MAX_NONCE: Final = 128


class Scheme(StrEnum):
    """The current scheme (AKSK, an HMAC) and the legacy one (WSSE, a hash). The value is the wire word."""

    AKSK = "AKSK"
    WSSE = "WSSE"

    @property
    def token_header(self) -> str:
        """Name of the header that carries this scheme's token."""
        return f"X-{self.value}"


class Problem(StrEnum):
    """What is wrong with a signature's headers: a member per check of auth.md §4 steps 4 to 14, in order."""

    AUTHORIZATION_MISSING = "authorization_missing"
    SCHEME_UNKNOWN = "scheme_unknown"
    REALM_MISSING = "realm_missing"
    REALM_WRONG = "realm_wrong"
    PROFILE_MISSING = "profile_missing"
    PROFILE_WRONG = "profile_wrong"
    TYPE_MISSING = "type_missing"
    TYPE_WRONG = "type_wrong"
    TOKEN_HEADER_MISSING = "token_header_missing"  # noqa: S105 - the name of a defect, no credential
    USERNAME_TOKEN_MISSING = "username_token_missing"  # noqa: S105 - the name of a defect, no credential
    USERNAME_MISSING = "username_missing"
    NONCE_MISSING = "nonce_missing"
    CREATED_MISSING = "created_missing"
    CREATED_MALFORMED = "created_malformed"
    DIGEST_MISSING = "digest_missing"


class SignatureError(Exception):
    """Headers that carry no readable signature. ``scheme`` is None as long as none was recognised."""

    def __init__(self, problem: Problem, scheme: Scheme | None = None) -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.scheme = scheme


@dataclass(frozen=True, slots=True)
class Token:
    """A signature as read from headers; nothing in it has been verified yet.

    ``created`` is the text as received, because the digest covers that text. ``announced`` tells whether
    ``Authorization`` named the same scheme; pushes without it are tolerated (auth.md §6 step 3).
    """

    scheme: Scheme
    username: str
    digest: str = field(repr=False)
    nonce: str
    created: str
    announced: bool = True


_WORD: Final = re.compile(r"[ \t]*([A-Za-z]+)(?=[ \t]|$)")
_PART: Final = re.compile(r'(?<![\w-])([\w-]+)[ \t]*=[ \t]*"([^"]*)"', re.ASCII)
_CREATED: Final = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?Z", re.ASCII)


def new_nonce() -> str:
    """32 lower-case hexadecimal characters from the system's cryptographic source; one per attempt."""
    return random_source.token_hex(16)


def created_text(moment: datetime) -> str:
    """``yyyy-MM-dd'T'HH:mm:ss'Z'`` in UTC, the only form ever sent."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def digest(scheme: Scheme, secret: str, nonce: str, created: str) -> str:
    """The PasswordDigest of auth.md §3: Base64 over the raw 32 bytes."""
    key, message = _bytes(secret), _bytes(nonce + created)
    if scheme is Scheme.AKSK:
        raw = hmac.digest(key, message, hashlib.sha256)
    else:
        raw = hashlib.sha256(message + key).digest()
    return base64.b64encode(raw).decode("ascii")


def sign(scheme: Scheme, app_key: str, secret: str, *, created: datetime, nonce: str) -> dict[str, str]:
    """The three headers of one request or push. The order of parts is fixed: some receivers rely on it."""
    stamp = created_text(created)
    return {
        "Content-Type": CONTENT_TYPE,
        "Authorization": f'{scheme} realm="SDP",profile="UsernameToken",type="Appkey"',
        scheme.token_header: f'UsernameToken Username="{app_key}",'
        f'PasswordDigest="{digest(scheme, secret, nonce, stamp)}",Nonce="{nonce}",Created="{stamp}"',
    }


def read_request_token(
    headers: Mapping[str, str], *, schemes: Collection[Scheme], strict: bool = False
) -> Token:
    """Read the signature of an API request: ``Authorization`` decides the scheme.

    Raises SignatureError for the first failing check in the order of auth.md §4, steps 4 to 14.
    """
    authorization = _header(headers, "Authorization")
    if not authorization:
        raise SignatureError(Problem.AUTHORIZATION_MISSING)
    scheme = _scheme(authorization, schemes, strict)
    if scheme is None:
        raise SignatureError(Problem.SCHEME_UNKNOWN)
    _check_authorization(scheme, _parts(authorization, strict), strict)
    text = _header(headers, scheme.token_header)
    if not text:
        raise SignatureError(Problem.TOKEN_HEADER_MISSING, scheme)
    token = _read_token(scheme, text, strict)
    created_moment(token, strict=strict)
    if not token.digest:
        raise SignatureError(Problem.DIGEST_MISSING, scheme)
    return token


def read_push_token(
    headers: Mapping[str, str], *, schemes: Collection[Scheme], strict: bool = False
) -> Token:
    """Read the signature of a push: the token header decides the scheme, AKSK when both are there.

    auth.md §6, steps 2 and 3. The form of ``created`` is left to :func:`created_moment`. A missing or
    different ``Authorization`` only clears ``announced``, unless ``strict``. Raises SignatureError.
    """
    present = [s for s in Scheme if s in schemes and _header(headers, s.token_header)]
    if not present:
        raise SignatureError(Problem.TOKEN_HEADER_MISSING)
    scheme = present[0]
    authorization = _header(headers, "Authorization")
    announced = _scheme(authorization, (scheme,), strict) is scheme
    token = _read_token(scheme, _header(headers, scheme.token_header), strict, announced=announced)
    if not token.digest:
        raise SignatureError(Problem.DIGEST_MISSING, scheme)
    if strict and not announced:
        raise SignatureError(
            Problem.SCHEME_UNKNOWN if authorization else Problem.AUTHORIZATION_MISSING, scheme
        )
    return token


def created_moment(token: Token, *, strict: bool = False) -> datetime:
    """The moment of a token, aware UTC. A fraction of a second is tolerated unless ``strict`` (auth.md §2.3).

    Raises SignatureError(CREATED_MALFORMED).
    """
    found = _CREATED.fullmatch(token.created)
    if found is None or (strict and found[2]):
        raise SignatureError(Problem.CREATED_MALFORMED, token.scheme)
    try:
        moment = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    except ValueError:
        raise SignatureError(Problem.CREATED_MALFORMED, token.scheme) from None
    return moment.replace(microsecond=int((found[2] or "0").ljust(6, "0")[:6]))


def matches(token: Token, secrets: Iterable[str]) -> bool:
    """Whether the digest is right for one of the secrets.

    Every secret is tried and compared in constant time, so the answer's timing tells neither bytes nor which.
    """
    given = _bytes(token.digest)
    right = False
    for secret in secrets:
        wanted = _bytes(digest(token.scheme, secret, token.nonce, token.created))
        right |= hmac.compare_digest(wanted, given)
    return right


def within(created: datetime, now: datetime, tolerance_s: int) -> bool:
    """Whether two moments differ by at most ``tolerance_s`` seconds, in either direction (auth.md §7)."""
    return abs(created - now) <= timedelta(seconds=tolerance_s)


def _check_authorization(scheme: Scheme, parts: Mapping[str, str], strict: bool) -> None:
    expected = (
        ("realm", "SDP", Problem.REALM_MISSING, Problem.REALM_WRONG),
        ("profile", "UsernameToken", Problem.PROFILE_MISSING, Problem.PROFILE_WRONG),
    )
    for name, value, missing, wrong in expected:
        if name not in parts:
            raise SignatureError(missing, scheme)
        if parts[name] != value:
            raise SignatureError(wrong, scheme)
    kind = parts.get("type")
    if kind is None:
        # A known misspelling of the part's name still carries the right value (auth.md §2.2).
        if strict or "Appkey" not in parts.values():
            raise SignatureError(Problem.TYPE_MISSING, scheme)
    elif not (kind == "Appkey" or (not strict and kind.lower() in {"appkey", "app_key"})):
        raise SignatureError(Problem.TYPE_WRONG, scheme)


def _read_token(scheme: Scheme, text: str, strict: bool, *, announced: bool = True) -> Token:
    """Steps 10 to 13: the word, then Username, Nonce and Created present; an absent digest is left empty."""
    word = _WORD.match(text)
    if word is None or not _same(word[1], "UsernameToken", strict):
        raise SignatureError(Problem.USERNAME_TOKEN_MISSING, scheme)
    parts = _parts(text, strict)
    wanted = ("Username", "Nonce", "Created", "PasswordDigest")
    username, nonce, created, given = (parts.get(name if strict else name.lower(), "") for name in wanted)
    if not username:
        raise SignatureError(Problem.USERNAME_MISSING, scheme)
    if not _nonce_readable(nonce, strict):
        raise SignatureError(Problem.NONCE_MISSING, scheme)
    if not created:
        raise SignatureError(Problem.CREATED_MISSING, scheme)
    return Token(scheme, username, given, nonce, created, announced)


def _nonce_readable(nonce: str, strict: bool) -> bool:
    if not 0 < len(nonce) <= MAX_NONCE:
        return False
    return not strict or (nonce.isascii() and nonce.isalnum())


def _parts(text: str, strict: bool) -> dict[str, str]:
    """The quoted parts by name; unquoted ones are not seen, of repeated ones the first counts."""
    parts: dict[str, str] = {}
    for name, value in _PART.findall(text):
        parts.setdefault(name if strict else name.lower(), value)
    return parts


def _scheme(authorization: str, schemes: Collection[Scheme], strict: bool) -> Scheme | None:
    word = _WORD.match(authorization)
    if word is None:
        return None
    return next((scheme for scheme in Scheme if scheme in schemes and _same(word[1], scheme, strict)), None)


def _same(word: str, wanted: str, strict: bool) -> bool:
    return word == wanted or (not strict and word.lower() == wanted.lower())


def _header(headers: Mapping[str, str], name: str) -> str:
    """A header by its name in any case; absent and blank are the same."""
    wanted = name.lower()
    return next((value.strip() for key, value in headers.items() if key.lower() == wanted), "")


def _bytes(text: str) -> bytes:
    # A lone surrogate can arrive in a JSON-encoded header; it must compare as wrong, not fail.
    return text.encode("utf-8", "surrogatepass")
