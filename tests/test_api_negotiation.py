"""The form of an answer by ``Accept``."""

from __future__ import annotations

import pytest

from zotify_api.dependencies.negotiation import choose_form
from zotify_api.errors import ProblemError

OFFERS = {
    "text/plain": "text",
    "application/x-ndjson": "ndjson",
    "application/json": "ndjson",
    "text/event-stream": "sse",
}


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, "text"),
        ("", "text"),
        ("*/*", "text"),
        ("text/*", "text"),
        ("text/event-stream", "sse"),
        ("TEXT/Event-Stream", "sse"),
        ("application/json", "ndjson"),
        ("application/x-ndjson;q=0.5, text/event-stream;q=0.9", "sse"),
        ("text/html, */*;q=0.1", "text"),
        ("*/*;q=0.1, application/json", "ndjson"),
        ("text/plain;q=0, */*", "ndjson"),
        ("text/plain; charset=utf-8", "text"),
    ],
)
def test_the_best_liked_form_is_chosen(accept: str | None, form: str) -> None:
    """q-values count, the most specific range decides, the offer's order breaks ties."""
    assert choose_form(accept, OFFERS) == form


@pytest.mark.parametrize("accept", ["image/png", "text/html", "*/*;q=0", "nonsense", "a;q=x"])
def test_nothing_acceptable_is_406(accept: str) -> None:
    """The answer lists what there is."""
    with pytest.raises(ProblemError) as caught:
        choose_form(accept, OFFERS)
    assert caught.value.status == 406
    assert "text/event-stream" in caught.value.detail
