"""What each process of an application tells the others: its handlers, in a small file of its own.

``<folder>/<pid>.json``, replaced every two seconds and at the end; ``zotify-logs stats`` and
``GET /api/logs/handlers`` read all of them. Any application can publish::

    from zotify_logging.published import publish_statistics

    publish_statistics("/var/lib/myapp/run")
"""

from .handler_reports import describe_handlers
from .process import ProcessMark
from .publisher import Publisher, publish_statistics
from .run_file import RunFile, WorkerReport, read_reports
from .sums import sum_of

__all__ = [
    "ProcessMark",
    "Publisher",
    "RunFile",
    "WorkerReport",
    "describe_handlers",
    "publish_statistics",
    "read_reports",
    "sum_of",
]
