"""Job logs piece by piece: any number of lines in flat memory, and a mark when it broke off."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol

from anyio import to_thread

from zotify_api.models.job import Job
from zotify_api.models.job_log_query import JobLogLine, JobLogQuery, JobLogSummary
from zotify_logging.clock import format_us, parse_instant
from zotify_logging.exceptions import JobLogError
from zotify_logging.jobs import JobLine, JobLogReader, JobPage, JobRow
from zotify_logging.sanitizing import escape_line

__all__ = ["JobLogForm", "JobLogService", "OpenJobLog", "form_of"]

_BATCH = 1000
_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}


@dataclass(frozen=True)
class _Ending:
    job: JobLogSummary
    next_after: int | None
    next_before: int | None
    has_more: bool
    complete: bool
    error: dict[str, str] | None = None

    def mapping(self) -> dict[str, object]:
        result: dict[str, object] = {
            "next_after": self.next_after,
            "next_before": self.next_before,
            "has_more": self.has_more,
            "complete": self.complete,
        }
        if self.error is not None:
            result["error"] = self.error
        return result


class JobLogForm(Protocol):
    """How a job log is written down."""

    media_type: str

    def head(self, job: JobLogSummary) -> bytes:
        """Return what comes before the first line."""

    def line(self, line: JobLine, *, first: bool) -> bytes:
        """Return one line."""

    def end(self, ending: _Ending) -> bytes:
        """Return what comes after the last line."""


class _JsonForm:
    media_type = "application/json"

    def head(self, job: JobLogSummary) -> bytes:
        return b'{"job":' + job.model_dump_json().encode() + b',"items":['

    def line(self, line: JobLine, *, first: bool) -> bytes:
        return (b"" if first else b",") + _item(line).model_dump_json().encode()

    def end(self, ending: _Ending) -> bytes:
        return b"]," + json.dumps(ending.mapping())[1:].encode() + b"\n"


class _NdjsonForm:
    media_type = "application/x-ndjson"

    def head(self, job: JobLogSummary) -> bytes:
        return b'{"type":"job","job":' + job.model_dump_json().encode() + b"}\n"

    def line(self, line: JobLine, *, first: bool) -> bytes:
        return b'{"type":"log",' + _item(line).model_dump_json().encode()[1:] + b"\n"

    def end(self, ending: _Ending) -> bytes:
        lines = b""
        if ending.error is not None:
            lines = json.dumps({"type": "error", **ending.error}).encode() + b"\n"
        return lines + json.dumps({"type": "end", **ending.mapping()}).encode() + b"\n"


class _TextForm:
    media_type = "text/plain; charset=utf-8"

    def head(self, job: JobLogSummary) -> bytes:
        return b""

    def line(self, line: JobLine, *, first: bool) -> bytes:
        text = f"{line.timestamp} {line.level} {line.logger} {line.message}"
        if line.exc_text:
            text += "\n" + line.exc_text
        return (escape_line(text) + "\n").encode("utf-8", "backslashreplace")

    def end(self, ending: _Ending) -> bytes:
        said = f"complete={str(ending.complete).lower()}"
        if ending.next_after is not None:
            said += f" next_after={ending.next_after}"
        if ending.next_before is not None:
            said += f" next_before={ending.next_before}"
        if ending.error is not None:
            said += f" error={ending.error['title']}"
        return f"-- zotify: end {said} --\n".encode()


_FORMS: dict[str, JobLogForm] = {"json": _JsonForm(), "ndjson": _NdjsonForm(), "text": _TextForm()}


def form_of(name: str) -> JobLogForm:
    """Return the form ``json``, ``ndjson`` or ``text``."""
    return _FORMS[name]


class OpenJobLog:
    """A job log whose first page was read, so that what can be refused was refused."""

    def __init__(
        self, query: JobLogQuery, first: JobPage, read: Callable[[int, int | None, int], JobPage]
    ) -> None:
        self._query = query
        self._first = first
        self._read = read

    async def pieces(self, form: JobLogForm) -> AsyncIterator[bytes]:
        """Yield the reply; a failure midway closes it properly and says so."""
        query, page = self._query, self._first
        job = _summary(page.job)
        after, before = query.after or 0, query.before
        left = query.limit
        yield form.head(job)
        first = True
        while True:
            piece = bytearray()
            for line in page.items:
                piece += form.line(line, first=first)
                first = False
            if page.items and query.order == "asc":
                after = page.items[-1].seq
            elif page.items:
                before = page.items[-1].seq
            if piece:
                yield bytes(piece)
            if left is not None:
                left -= len(page.items)
            if not page.has_more or left == 0:
                break
            count = _BATCH if left is None else min(_BATCH, left)
            try:
                page = await to_thread.run_sync(self._read, after, before, count)
            except JobLogError:
                yield form.end(self._ending(page, after, before, broken=True))
                return
        yield form.end(self._ending(page, after, before))

    def _ending(
        self, page: JobPage, after: int, before: int | None, *, broken: bool = False
    ) -> _Ending:
        """Say how to go on from what was sent, whose last lines are those of ``page``."""
        descending = self._query.order == "desc"
        error = None
        if broken:
            way = "before" if descending else "after"
            error = {"title": "Unavailable", "detail": f"the job log broke off; resume by {way}"}
        more = page.has_more or broken
        # What the caller's own bound has kept out is left as well.
        if descending:
            cut_off = after > 0
        else:
            cut_off = before is not None and before <= page.job.last_seq
        return _Ending(
            job=_summary(page.job),
            next_after=None if descending else after,
            next_before=before if descending and more else None,
            has_more=more,
            # Closed when the last page was read: nothing can come after it.
            complete=page.complete and not broken and not cut_off,
            error=error,
        )


class JobLogService:
    """Reads job logs at ``url``; thread-safe.

    Args:
        url: SQLAlchemy URL of the job-log database.
    """

    def __init__(self, url: str) -> None:
        self._reader = JobLogReader(url)

    def open(self, job_id: str, query: JobLogQuery) -> OpenJobLog:
        """Read the first page; belongs in a worker thread.

        Raises:
            UnknownJobError: nothing was ever logged under that id.
            JobLogUnavailableError: the database does not answer.
            ParameterError: a time that cannot be read.
        """
        since = None if query.since is None else parse_instant("since", query.since)
        until = None if query.until is None else parse_instant("until", query.until)

        def read(after: int, before: int | None, count: int) -> JobPage:
            return self._reader.page(
                job_id,
                after=after,
                before=before,
                limit=count,
                level_no=0 if query.level is None else _LEVELS[query.level],
                since_us=since,
                until_us=until,
                logger=query.logger,
                q=query.q,
                attempt=query.attempt,
                order=query.order,
            )

        count = _BATCH if query.limit is None else min(_BATCH, query.limit)
        return OpenJobLog(query, read(query.after or 0, query.before, count), read)

    @staticmethod
    def without_lines(job: Job, query: JobLogQuery) -> OpenJobLog:
        """Return the log of a job that exists, and of which no line is stored yet."""
        row = JobRow(
            job_id=job.job_id,
            job_type=job.type,
            status=job.status,
            progress=job.progress,
            last_seq=0,
            attempt=1,
            warn_count=0,
            error_count=0,
            dropped_count=0,
            first_us=None,
            last_us=None,
            closed_us=None,
            purged_us=None,
            created_us=0,
        )
        page = JobPage(row, [], query.after or 0, False)
        return OpenJobLog(query, page, lambda after, before, count: page)

    def ping(self) -> None:
        """Read something trivial.

        Raises:
            JobLogUnavailableError: the database does not answer.
        """
        self._reader.jobs(limit=1)

    def close(self) -> None:
        """Close the connections."""
        self._reader.close()


def _time(us: int | None) -> str | None:
    return None if us is None else format_us(us)


def _summary(job: JobRow) -> JobLogSummary:
    return JobLogSummary(
        id=job.job_id,
        type=job.job_type,
        status=job.status,
        progress=job.progress,
        attempt=job.attempt,
        first=_time(job.first_us),
        last=_time(job.last_us),
        closed=_time(job.closed_us),
        warn_count=job.warn_count,
        error_count=job.error_count,
        dropped_count=job.dropped_count,
    )


def _item(line: JobLine) -> JobLogLine:
    return JobLogLine(
        seq=line.seq,
        uid=line.uid,
        timestamp=line.timestamp,
        level=line.level,
        logger=line.logger,
        message=line.message,
        exception=line.exc_text,
        extra=line.extra,
        attempt=line.attempt,
        source=line.source,
        truncated=line.orig_bytes > 0,
    )
