"""Ambient fields: bound here, inherited by tasks, carried into threads by wrap."""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest
import structlog.contextvars
from opentelemetry import trace

from zotify_logging import JobIdError, JsonFormatter, bind, bound, job_context, unbind, wrap
from zotify_logging.context import ContextExecutor, check_job_id, current_context
from zotify_logging.event_loops import runs_event_loop
from zotify_logging.exceptions import ParameterError


@pytest.fixture(autouse=True)
def empty() -> Iterator[None]:
    yield
    unbind(*current_context())
    structlog.contextvars.clear_contextvars()


def test_bind_and_unbind() -> None:
    """Bound fields stay until they are unbound; unknown names do no harm."""
    bind(user_id=1, request_id="r")
    unbind("user_id", "never")
    assert dict(current_context()) == {"request_id": "r"}


def test_bound_restores_what_was_before() -> None:
    """Also when the block raises."""
    bind(user_id=1)
    with pytest.raises(KeyError):
        with bound(user_id=2, job_id="j"):
            assert dict(current_context()) == {"user_id": 2, "job_id": "j"}
            raise KeyError
    assert dict(current_context()) == {"user_id": 1}


def test_a_block_that_ends_in_another_context_raises_nothing() -> None:
    """Web frameworks enter and leave a generator in different copies of the context."""

    def dependency() -> Iterator[None]:
        with bound(user_id=1):
            yield

    generator = dependency()
    contextvars.copy_context().run(next, generator)
    contextvars.copy_context().run(next, generator, None)
    assert dict(current_context()) == {}


def test_threads_start_empty_unless_wrapped() -> None:
    """wrap() carries a copy: what the thread binds stays there."""
    seen: list[dict[str, object]] = []

    def run(name: str) -> None:
        seen.append(dict(current_context()))
        bind(mine=name)

    with bound(user_id=1):
        for target in (run, wrap(run)):
            thread = threading.Thread(target=target, args=("t",))
            thread.start()
            thread.join(10)
        assert seen == [{}, {"user_id": 1}]
        assert dict(current_context()) == {"user_id": 1}


def test_a_wrapped_function_starts_afresh_each_time() -> None:
    """Called while another call is under way, too: no call sees what another has bound."""
    seen: list[dict[str, object]] = []

    def run(depth: int) -> None:
        seen.append(dict(current_context()))
        bind(depth=depth)
        if depth:
            wrapped(depth - 1)

    with bound(user_id=1):
        wrapped = wrap(run)
    wrapped(1)
    wrapped(0)
    assert seen == [{"user_id": 1}] * 3


def test_tasks_inherit_and_keep_to_themselves() -> None:
    """Two tasks at once see their own fields."""

    async def task(number: int) -> dict[str, object]:
        with bound(number=number):
            await asyncio.sleep(0)
            return dict(current_context())

    async def main() -> list[dict[str, object]]:
        assert runs_event_loop()
        return list(await asyncio.gather(task(1), task(2)))

    with bound(user_id=1):
        assert asyncio.run(main()) == [{"user_id": 1, "number": n} for n in (1, 2)]
    assert not runs_event_loop()


def test_jobs_nest_without_inheriting_the_type() -> None:
    """An inner job does not pass for one of the outer's type."""
    with job_context("a", job_type="sync"):
        assert dict(current_context()) == {"job_id": "a", "attempt": 1, "job_type": "sync"}
        with job_context("b", attempt=2):
            assert dict(current_context()) == {"job_id": "b", "attempt": 2}
        assert current_context()["job_type"] == "sync"


@pytest.mark.parametrize("job_id", ["", "a/b", "x" * 256, None, 5])
def test_a_job_id_that_breaks_the_rule_is_refused(job_id: object) -> None:
    """The message holds the value and the rule."""
    with pytest.raises(JobIdError, match="1 to 255 characters"):
        check_job_id(job_id)


@pytest.mark.parametrize("attempt", [0, -1, 2**31, "2", None])
def test_an_attempt_that_breaks_the_rule_is_refused(attempt: int) -> None:
    """Rather than counted as the first one later."""
    with (
        pytest.raises(ParameterError, match="attempt: .*whole number from 1"),
        job_context("a", attempt=attempt),
    ):
        pytest.fail("the block must not begin")


def test_structlog_fields_are_read_and_ours_win() -> None:
    """What structlog's contextvars hold is context too."""
    structlog.contextvars.bind_contextvars(theirs=1, user_id="theirs")
    with bound(user_id="ours"):
        assert dict(current_context()) == {"theirs": 1, "user_id": "ours"}


def test_an_executor_carries_the_context_of_the_submitter() -> None:
    """Each call has a copy of its own, whether submitted or mapped, and however old the thread."""

    def run(name: str) -> dict[str, object]:
        seen = dict(current_context())
        bind(mine=name)
        return seen

    with ContextExecutor(ThreadPoolExecutor(1)) as executor:
        assert executor.submit(run, "first").result(10) == {}
        with bound(request_id="r1"):
            assert executor.submit(run, name="second").result(10) == {"request_id": "r1"}
            calls = executor.map(run, "ab")
        with bound(request_id="r2"):
            assert list(calls) == [{"request_id": "r1"}] * 2
            assert dict(current_context()) == {"request_id": "r2"}
    with pytest.raises(RuntimeError, match="shutdown"):
        executor.submit(run, "late")


def test_an_executor_is_shut_down_as_it_is_told() -> None:
    """Calls that have not begun are cancelled, if that is wanted."""
    gate = threading.Event()
    executor = ContextExecutor(ThreadPoolExecutor(1))
    first = executor.submit(gate.wait, 10)
    second = executor.submit(int)
    executor.shutdown(wait=False, cancel_futures=True)
    assert second.cancelled()
    gate.set()
    assert first.result(10)


def test_an_executor_of_processes_is_refused() -> None:
    """A context cannot be pickled: better said at once than by each call."""
    with ProcessPoolExecutor(1) as pool, pytest.raises(TypeError, match="other processes"):
        ContextExecutor(pool)


def test_the_current_span_is_on_the_record() -> None:
    """As W3C Trace Context writes its ids; what was bound by hand wins."""
    ids = trace.SpanContext(0xABC, 0xDEF, is_remote=False)
    record = logging.makeLogRecord({"msg": "m"})
    with trace.use_span(trace.NonRecordingSpan(ids)):
        line = json.loads(JsonFormatter().format(record))
        assert (line["trace_id"], line["span_id"]) == ("abc".rjust(32, "0"), "def".rjust(16, "0"))
        with bound(trace_id="mine"):
            assert current_context()["trace_id"] == "mine"
    assert "trace_id" not in json.loads(JsonFormatter().format(record))


def test_a_span_without_valid_ids_adds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the invalid span nor a tracer that fails, nor OpenTelemetry half imported."""
    with trace.use_span(trace.INVALID_SPAN):
        assert dict(current_context()) == {}
    monkeypatch.delattr(trace, "get_current_span")
    assert dict(current_context()) == {}
