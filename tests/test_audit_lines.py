"""Lines are read alike forwards and backwards, of any length and in any cut."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zotify_logging.audit import lines
from zotify_logging.audit.lines import line_start, read_backward, read_forward


@settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(parts=st.lists(st.binary(max_size=40).map(lambda part: part.replace(b"\n", b""))))
def test_both_directions_see_the_lines_that_split_sees(tmp_path: Path, parts: list[bytes]) -> None:
    """Offsets, ends and completeness agree with bytes.split, whatever the size of a chunk."""
    data = b"\n".join(parts)
    path = tmp_path / "file"
    path.write_bytes(data)
    descriptor = os.open(path, os.O_RDONLY)
    chunk, lines._CHUNK = lines._CHUNK, 16
    try:
        expected = []
        offset = 0
        for index, part in enumerate(data.split(b"\n")):
            complete = index < data.count(b"\n")
            if complete or part:
                expected.append((offset, part, offset + len(part) + complete, complete))
            offset += len(part) + 1
        assert [tuple(line) for line in read_forward(descriptor, 0, len(data))] == expected
        found = [tuple(line) for line in read_backward(descriptor, 0, len(data))]
        assert found == expected[::-1]
        starts = [line[0] for line in expected]
        for position in range(len(data) + 1):
            following = [start for start in starts if start >= position]
            found_start = line_start(descriptor, position, len(data))
            assert found_start == (following[0] if following else len(data))
    finally:
        lines._CHUNK = chunk
        os.close(descriptor)


def test_an_endless_line_costs_bounded_memory(tmp_path: Path) -> None:
    """Only the first 128 KiB of a line are kept; the lines around it are whole."""
    path = tmp_path / "file"
    size = 3_000_000
    path.write_bytes(b"first\n" + b"x" * size + b"\nlast\n")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        end = path.stat().st_size
        forward = list(read_forward(descriptor, 0, end))
        backward = list(read_backward(descriptor, 0, end))
    finally:
        os.close(descriptor)
    assert forward == backward[::-1]
    assert [line.offset for line in forward] == [0, 6, 6 + size + 1]
    assert [len(line.data) for line in forward] == [5, 131_072, 4]
