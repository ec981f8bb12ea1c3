"""Finds audit events, and audits that somebody looked."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from zotify_api.models.audit_query_params import (
    AuditIntegrity,
    AuditPageInfo,
    AuditQueryParams,
)
from zotify_api.security.scopes import Principal
from zotify_logging import audit_event
from zotify_logging.audit import AuditPage, AuditQuery, AuditReader
from zotify_logging.clock import parse_instant
from zotify_logging.exceptions import AuditError

__all__ = ["AuditAnswer", "AuditService"]

_logger = logging.getLogger(__name__)

_MAX_READERS = 1000


class AuditAnswer:
    """One page with what the reply says about it."""

    def __init__(self, page: AuditPage, info: AuditPageInfo, integrity: AuditIntegrity) -> None:
        self.page = page
        self.info = info
        self.integrity = integrity

    def trailer(self) -> bytes:
        """Return the last line of an NDJSON reply; a reply without it was cut."""
        trailer = {
            "type": "end",
            "page": self.info.model_dump(),
            "integrity": self.integrity.model_dump(),
        }
        return json.dumps(trailer, separators=(",", ":")).encode("ascii") + b"\n"


class AuditService:
    """Reads the trail at ``path``; thread-safe.

    Args:
        path: the trail's live file.
        monotonic: seconds, replaceable for tests.
    """

    def __init__(self, path: Path, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._reader = AuditReader(path)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        # Per key: when its last audit.read was written, and how many reads it has not told yet.
        self._reads: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def find(self, parameters: AuditQueryParams, reader: Principal) -> AuditAnswer:
        """Return one page; the read itself is audited, at most once a minute per key.

        Raises:
            ParameterError: a value that cannot be; it names the parameter.
            MalformedCursorError: ``after`` is not a cursor of this trail and these filters.
            StaleCursorError: what ``after`` leads to is gone.
            AuditUnreadableError: the trail cannot be read.
        """
        query = _query(parameters)
        page = self._reader.query(query)
        head = self._reader.head()
        self._note_read(parameters, reader)
        info = AuditPageInfo(
            next_after=page.next_after,
            has_more=page.has_more,
            limit=parameters.limit,
            order=parameters.order,
            as_of_seq=page.as_of_seq,
            complete_through=page.complete_through,
            index="scan",
        )
        integrity = AuditIntegrity(chain_id=head.chain_id, head_seq=head.seq, head_hash=head.hash)
        return AuditAnswer(page, info, integrity)

    def close(self) -> None:
        """Write the reads that are still untold."""
        with self._lock:
            untold = [(name, count) for name, (_, count) in self._reads.items() if count]
            self._reads.clear()
        for name, count in untold:
            _audit_read(name, count, {})

    def _note_read(self, parameters: AuditQueryParams, reader: Principal) -> None:
        now = self._monotonic()
        with self._lock:
            told_at, untold = self._reads.get(reader.name, (float("-inf"), 0))
            due = now - told_at >= 60.0
            self._reads[reader.name] = (now, 0) if due else (told_at, untold + 1)
            self._reads.move_to_end(reader.name)
            forgotten = self._reads.popitem(last=False) if len(self._reads) > _MAX_READERS else None
        if forgotten is not None and forgotten[1][1]:
            _audit_read(forgotten[0], forgotten[1][1], {})
        if due:
            filters = parameters.model_dump(exclude_unset=True, exclude={"after", "format"})
            _audit_read(reader.name, untold + 1, filters)


def _audit_read(name: str, count: int, filters: dict[str, object]) -> None:
    try:
        audit_event(
            "audit.read",
            user_id=name,
            target=("audit_trail", "audit"),
            outcome="success",
            details={"filters": filters, "reads": count},
        )
    except AuditError:
        _logger.exception("audit.read could not be written to the audit trail")


def _query(parameters: AuditQueryParams) -> AuditQuery:
    since, until = parameters.since, parameters.until
    return AuditQuery(
        event_types=tuple(parameters.event_type),
        user_id=parameters.user_id,
        outcome=parameters.outcome,
        source_ip=parameters.source_ip,
        request_id=parameters.request_id,
        target_type=parameters.target_type,
        target_id=parameters.target_id,
        since_us=None if since is None else parse_instant("since", since),
        until_us=None if until is None else parse_instant("until", until),
        seq_from=parameters.seq_from,
        seq_to=parameters.seq_to,
        q=parameters.q,
        order=parameters.order,
        limit=parameters.limit,
        after=parameters.after,
    )
