"""``control.json`` by itself: what is believed, what is kept, and who waits for whom."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waiting import wait_until

from zotify_api.services.control_file import (
    MAX_BYTES,
    MAX_ITEMS,
    ControlFile,
    ControlFileError,
    ControlFullError,
    ControlItem,
    ControlState,
)

ITEM = ControlItem(kind="handler", name="system", setting="level", permanent="ERROR")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Private to its owner, replaced as a whole; nothing is there before."""
    file = ControlFile(tmp_path / "control.json")
    assert (file.read(), file.identity()) == (ControlState(), None)
    state = ControlState().changed(ITEM, 5)
    file.write(state)
    first = file.identity()
    assert (file.read(), file.path.stat().st_mode & 0o777) == (state, 0o600)
    file.write(state.changed(ITEM, 4))
    assert file.read().revision == 6  # it only ever grows
    assert file.identity() != first
    assert os.listdir(tmp_path) == ["control.json"]


def test_any_name_is_read_back(tmp_path: Path) -> None:
    """Of a logger that is named in another script, or with a picture."""
    file = ControlFile(tmp_path / "control.json")
    named = ITEM.model_copy(update={"kind": "logger", "name": "schlüssel.😀.\x7f"})
    file.write(ControlState().changed(named, 5))
    assert file.read().items == (named,)


def test_a_file_that_was_refused_is_looked_at_again_when_its_mode_is_put_right(
    tmp_path: Path,
) -> None:
    """A change of the mode alone is a change."""
    file = ControlFile(tmp_path / "control.json")
    file.write(ControlState().changed(ITEM, 5))
    file.path.chmod(0o666)
    refused = file.identity()

    def seen() -> bool:
        file.path.chmod(0o600)
        return file.identity() != refused

    wait_until(seen, 5)


def test_what_is_over_is_dropped_with_the_next_change() -> None:
    """Temporary values past their end, and settings that are back as configured."""
    brief = ITEM.model_copy(update={"permanent": None, "temporary": "DEBUG", "until_us": 100})
    state = ControlState().changed(brief, 50)
    assert [item.in_force(99) for item in state.items] == [("DEBUG", 100)]
    assert [item.in_force(100) for item in state.items] == [(None, None)]
    other = ITEM.model_copy(update={"name": "audit"})
    assert state.changed(other, 100).items == (other,)
    back = other.model_copy(update={"permanent": None})
    assert state.changed(other, 60).changed(back, 60).items == (brief,)


def test_a_full_state_takes_no_more_and_says_so() -> None:
    """What is there can be changed and ended all the same, and what is over makes room."""
    named = [ITEM.model_copy(update={"name": f"n{number}"}) for number in range(MAX_ITEMS)]
    full = ControlState(items=tuple(named))
    with pytest.raises(ControlFullError, match=f"{MAX_ITEMS} settings of changes"):
        full.changed(ITEM, 5)
    other = named[0].model_copy(update={"permanent": "DEBUG"})
    assert len(full.changed(other, 5).items) == MAX_ITEMS
    ended = full.changed(named[0].model_copy(update={"permanent": None}), 5)
    assert len(ended.changed(ITEM, 6).items) == MAX_ITEMS
    brief = named[0].model_copy(update={"permanent": None, "temporary": "INFO", "until_us": 10})
    assert len(full.changed(brief, 5).changed(ITEM, 10).items) == MAX_ITEMS


def test_a_state_is_never_longer_than_is_read_back(tmp_path: Path) -> None:
    """Names of 255 characters, each of them twelve bytes in the file."""
    file = ControlFile(tmp_path / "control.json")
    long = [ITEM.model_copy(update={"name": "😀" * 252 + f"{number:03}"}) for number in range(90)]
    state = ControlState()
    with pytest.raises(ControlFullError, match=f"{MAX_BYTES} bytes of changes"):
        for item in long:
            state = state.changed(item, 5)
    assert len(state.items) > 80
    file.write(state)
    assert file.read() == state


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Invalid JSON"),
        ("[]", "Input should be an object"),
        ('{"version": 2}', "version"),
        ('{"version": 1, "class": "x"}', "class: Extra inputs"),
        ('{"items": [{"kind": "handler", "name": "x", "setting": "filename"}]}', "setting"),
        (
            '{"items": [{"kind": "logger", "name": "x", "setting": "level", "permanent": "LOU"}]}',
            "permanent",
        ),
        (
            '{"items": [{"kind": "handler", "name": "x", "setting": "level", "permanent": true}]}',
            "wrong type",
        ),
        ('{"revision": -1}', "is wrong at revision"),
        (
            '{"items": [{"kind": "handler", "name": "x", "setting": "level", "temporary": "INFO",'
            f' "until_us": {10**30}}}]}}',
            "is wrong at items.0.until_us",
        ),
        ("[" * 100_000, "Invalid JSON"),
        (" " * (MAX_BYTES + 1), "longer than"),
    ],
)
def test_another_form_is_not_believed(tmp_path: Path, text: str, said: str) -> None:
    """The message says what is wrong with it."""
    file = ControlFile(tmp_path / "control.json")
    file.path.write_text(text)
    file.path.chmod(0o600)
    with pytest.raises(ControlFileError, match=said):
        file.read()


def test_other_kinds_of_files_and_owners_are_not_believed(tmp_path: Path) -> None:
    """Links, pipes, folders, and what others can write."""
    file = ControlFile(tmp_path / "control.json")
    real = tmp_path / "real.json"
    real.write_text("{}")
    file.path.symlink_to(real)
    with pytest.raises(ControlFileError, match="cannot be read"):
        file.read()
    file.path.unlink()
    os.mkfifo(file.path, 0o600)
    with pytest.raises(ControlFileError, match="no regular file"):
        file.read()
    file.path.unlink()
    file.path.mkdir()
    with pytest.raises(ControlFileError, match="no regular file"):
        file.read()
    file.path.rmdir()
    file.path.write_text("{}")
    file.path.chmod(0o620)
    with pytest.raises(ControlFileError, match="can be written by others"):
        file.read()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "name", "items", "revision", "x"]), inner),
        max_leaves=8,
    )
)
def test_any_json_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, value: object
) -> None:
    """Never anything else."""
    file = ControlFile(tmp_path_factory.mktemp("control") / "control.json")
    file.path.write_text(json.dumps(value))
    file.path.chmod(0o600)
    try:
        assert isinstance(file.read(), ControlState)
    except ControlFileError as error:
        assert str(error)


def test_two_workers_change_it_one_after_the_other(tmp_path: Path) -> None:
    """The second one waits, and says so if that takes too long."""
    one, other = (ControlFile(tmp_path / "control.json") for _ in range(2))
    with one.locked(1.0), pytest.raises(TimeoutError, match="held by another worker"):
        with other.locked(0.05):
            raise AssertionError("both have the lock")
    with other.locked(0.05):
        pass
