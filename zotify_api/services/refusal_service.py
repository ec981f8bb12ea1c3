"""Writes refused requests to the audit trail."""

from __future__ import annotations

import logging

from zotify_api.concealment import mask_keys
from zotify_api.security.refusal_log import Refusal
from zotify_logging import audit_event

__all__ = ["write_refusal"]

_logger = logging.getLogger(__name__)


def write_refusal(refusal: Refusal, count: int) -> None:
    """Write one ``auth.denied`` that stands for ``count`` requests; never raises.

    The answer to the client is a refusal either way; a trail that cannot be written is reported in
    the system log.
    """
    details: dict[str, object] = {
        "kind": refusal.kind,
        "count": count,
        "method": refusal.method,
        "path": mask_keys(refusal.path),
    }
    if refusal.scope is not None:
        details["scope"] = refusal.scope
    try:
        audit_event(
            "auth.denied",
            outcome="failure",
            reason=refusal.kind,
            user_id=refusal.key_name,
            actor_type="anonymous" if refusal.key_name is None else "user",
            source_ip=refusal.address,
            request_id=refusal.request_id,
            details=details,
        )
    except Exception:  # a refusal that cannot be told must not keep later ones from it
        _logger.exception("auth.denied could not be written to the audit trail")
