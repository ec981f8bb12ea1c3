"""The bytes of a line."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from zotify_logging.audit.chain import (
    GENESIS,
    LINE_HEAD,
    TAIL_SIZE,
    close_line,
    could_be_torn,
    parse_line,
)

COVERED = f'{{"v":1,"seq":12,"event_type":"user.login","prev":"{GENESIS}"'


def test_the_hash_covers_all_but_the_fixed_tail() -> None:
    """The tail is 75 bytes, and anybody can compute the hash from the bytes alone."""
    line, digest = close_line(COVERED)
    assert line[-1:] == b"\n"
    assert TAIL_SIZE == 75
    assert sha256(line[:-1][:-75]).hexdigest() == digest
    assert line[:-1].endswith(f',"hash":"{digest}"}}'.encode())
    parsed = parse_line(line[:-1])
    assert parsed is not None and parsed.intact
    assert (parsed.version, parsed.seq, parsed.prev, parsed.hash) == (1, 12, GENESIS, digest)


@given(cut=st.integers(min_value=1))
def test_a_cut_line_is_no_line_but_may_be_torn(cut: int) -> None:
    """Every beginning of a line is recognised as one that was never finished."""
    line = close_line(COVERED)[0][:-1]
    part = line[: 1 + cut % (len(line) - 1)]
    assert parse_line(part) is None
    assert could_be_torn(part)


@given(data=st.binary())
def test_other_bytes_are_neither(data: bytes) -> None:
    """What does not begin like a line is not excused as a torn one."""
    if not data.startswith(LINE_HEAD) and not LINE_HEAD.startswith(data):
        assert parse_line(data) is None
        assert not could_be_torn(data)
