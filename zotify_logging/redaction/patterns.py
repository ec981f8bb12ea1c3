"""What a secret looks like in text: its shape, or the name in front of it.

Every pattern here is linear in the text: possessive or bounded repeats only, and none that starts
again inside what it has just walked over.

Clean text pays for a few single-character searches; see :func:`without_patterns`.
"""

from __future__ import annotations

import base64
import binascii
import re

__all__ = ["REDACTED", "without_patterns"]

REDACTED = "[REDACTED]"
"""What stands in the place of a secret."""

# An unquoted value: punctuation followed at once by a letter still belongs to it, unless a new
# `name=` begins there. A backslash takes its neighbour along, so that escaped quotes stay whole.
_RUN = r"""(?: (?: [^\s,;&"'}\])\\]++ | \\[^"'] | \\\Z )++
           (?: [,;&"'}\])] (?= \w ) (?! [\w.\-]{1,64}+ \s{0,3} [=:] )
               (?: [^\s,;&"'}\])\\]++ | \\[^"'] | \\\Z )++ )*+ )"""
_PARAMETER = r"""[\w\-]{1,64}+ = (?: "[^"]*+"? | [^\s,"']*+ )"""

# JSON in JSON (`once`), and in JSON again (`twice`): there a backslash of the value is four, eight,
# and a quote of its own has one more in front of it than the quote that ends it.
_PAIR = re.compile(rf"""(?ix)
    ( (?: pass(?:words?|wd|phrase) | pwd | secrets? | token
        | (?:api|access|private|secret|signing)[_\-.\ ]?keys? | credentials?
        | authorization | (?P<cookie> cookies? ) )
      (?P<name_quote> \\{{0,7}}["'] )? \s{{0,3}} (?:=>|[=:]) \s{{0,3}} )
    (?! \[REDACTED\] (?: [\s,;&"'}}\])\\] | \Z ) )
    (?: (?: [a-z_]\w{{0,30}}+\( )? [bru]{{0,2}}
        (?: (?P<once> \\["'] ) [\s\S]*? (?: (?<!\\)(?:\\{{4}})*+(?P=once) | \Z )
          | (?P<twice> \\{{3}}["'] ) [\s\S]*? (?: (?<!\\)(?:\\{{8}})*+(?P=twice) | \Z )
          | (?P<escaped> \\{{1,7}}["'] ) [\s\S]*? (?: (?<!\\)(?P=escaped) | \Z )
          | (?P<double> " ) [^"\\]*+ (?: \\[\s\S][^"\\]*+ )*+ (?: " | \\?\Z )
          | (?P<single> ' ) [^'\\]*+ (?: \\[\s\S][^'\\]*+ )*+ (?: ' | \\?\Z ) )
      | (?: (?(cookie) (?= [^\s;,"'=]++ = )
                [^\s;,"'=]++ = (?: "[^"]*+"? | [^\s;,"']*+ )
                (?: ; \s{{0,3}} [^\s;,"'=:]++ (?: = (?: "[^"]*+"? | [^\s;,"']*+ ) )? )*+
              | (?: digest | hawk | oauth | signature | aws4-hmac-sha256 | scram-sha-\d{{1,3}} )
                \s{{1,3}} {_PARAMETER} (?: ,\s{{0,3}} {_PARAMETER} )*+ )
          | [\[{{(] [^\]}})"']*+ (?: "[^"]*+"? [^\]}})"']*+ | '[^']*+'? [^\]}})"']*+ )*+ [\]}})]?
          | (?: (?: bearer | basic | digest | token | negotiate | ntlm | dpop ) \s{{1,3}} )?
            {_RUN}
        ) {_RUN}? )
    """)
_PAIR_STEMS = ("pass", "pwd", "secret", "token", "key", "credential", "authorization", "cookie")

_CREDENTIALS = re.compile(r"(?i)\b((?:bearer|basic)\s{1,3})([a-z0-9._~+/\-]{8,}+=*+)")
# To the last `@`, because people forget to escape the one in their password.
_USERINFO = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]{0,32}+://)[^\s/?#\"']{1,512}(?=@)")
# One start in each run of the alphabet, or `eyJ-eyJ-eyJ-` would be walked again and again.
_JWT = re.compile(
    r"(?<![A-Za-z0-9_\-])((?:[A-Za-z0-9_]{1,32}-){0,3})"
    r"eyJ[A-Za-z0-9_\-]{5,}+\.[A-Za-z0-9_\-]{5,}+(?:\.[A-Za-z0-9_\-]*+){0,3}"
)
_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}(?:PRIVATE KEY|CERTIFICATE|SECRET)[A-Z0-9 ]{0,40}-----"
    r"[\s\S]*?(?:-----END [A-Z0-9 ]{0,80}-----|\Z)"
)
_PREFIXED = re.compile(r"""(?x)
    \b(?: gh[pousr]_[A-Za-z0-9]{20,} | github_pat_[A-Za-z0-9_]{20,} | glpat-[A-Za-z0-9_\-]{16,}
        | xox[abeoprs]-[A-Za-z0-9\-]{10,}
        | [srp]k[_\-](?:live|test|proj|ant)[_\-][A-Za-z0-9_\-]{12,}
        | sk-[A-Za-z0-9]{20,} | (?:AKIA|ASIA)[A-Z0-9]{16,} | AIza[A-Za-z0-9_\-]{30,}
        | npm_[A-Za-z0-9]{30,} | pypi-[A-Za-z0-9_\-]{40,}
        | SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,} )
    """)


def _replace_pair(match: re.Match[str]) -> str:
    # The value's quotes stay, or it gets the name's: a line of JSON stays JSON.
    marks = match.group("once", "twice", "escaped", "double", "single", "name_quote")
    quote_mark = next(filter(None, marks), "")
    return f"{match[1]}{quote_mark}{REDACTED}{quote_mark}"


def _replace_credentials(match: re.Match[str]) -> str:
    value = match[2]
    if (
        len(value) >= 24
        or value.endswith("=")
        or (any(map(str.isdigit, value)) and any(map(str.isalpha, value)))
        or re.search("[a-z][A-Z]", value)
        or _is_user_and_password(value)
    ):
        return f"{match[1]}{REDACTED}"
    return match[0]  # "basic authentication" and its like


def _is_user_and_password(value: str) -> bool:
    try:
        return b":" in base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except binascii.Error:
        return False


def without_patterns(text: str) -> str:
    """Return ``text`` without what looks like a secret; the same object if nothing does."""
    # Each pattern is tried only on text that has a character it cannot do without: `in` on one
    # character is a memchr, a regular expression over the whole text costs twenty times that.
    if "-----BEGIN" in text:  # first: as the value of a pair, only its first word would go
        text = _PEM.sub(REDACTED, text)
    if "=" in text or ":" in text:
        lower = text.lower()
        for stem in _PAIR_STEMS:
            if stem in lower:
                text = _PAIR.sub(_replace_pair, text)
                break
        if "://" in text and "@" in text:
            text = _USERINFO.sub(rf"\1{REDACTED}", text)
    if "earer" in text or "asic" in text or "EARER" in text or "ASIC" in text:
        text = _CREDENTIALS.sub(_replace_credentials, text)
    if "eyJ" in text:
        text = _JWT.sub(rf"\1{REDACTED}", text)
    if "-" in text:
        if "sk-" in text or "xox" in text or "glpat-" in text or "pypi-" in text or "k-" in text:
            text = _PREFIXED.sub(REDACTED, text)
    if "_" in text and ("gh" in text or "npm_" in text or "k_" in text):
        text = _PREFIXED.sub(REDACTED, text)
    if "AKIA" in text or "ASIA" in text or "AIza" in text or "SG." in text:
        text = _PREFIXED.sub(REDACTED, text)
    return text
