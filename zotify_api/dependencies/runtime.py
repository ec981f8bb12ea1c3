"""Everything that a running API consists of, opened and closed in one place."""

from __future__ import annotations

import errno
import os
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from zotify_api.db.config_store import ConfigStore
from zotify_api.db.database import Database
from zotify_api.db.job_table import JobTable
from zotify_api.db.key_store import KeyStore
from zotify_api.db.track_store import TrackStore
from zotify_api.security.api_key import ChosenKey
from zotify_api.security.key_ring import KeyRing
from zotify_api.security.refusal_log import RefusalLog
from zotify_api.security.wrong_key_limit import WrongKeyLimit
from zotify_api.services.audit_service import AuditService
from zotify_api.services.config_service import ConfigService
from zotify_api.services.control_service import APPLICATION, REVISION, ControlService
from zotify_api.services.handlers_service import HandlersService
from zotify_api.services.health_service import HealthService
from zotify_api.services.job_log_service import JobLogService
from zotify_api.services.job_service import JobService
from zotify_api.services.key_service import KeyService
from zotify_api.services.logging_service import (
    AUDIT_HANDLER,
    start_logging,
)
from zotify_api.services.refusal_service import write_refusal
from zotify_api.services.stream_service import StreamService
from zotify_api.services.sync_service import SyncService
from zotify_api.settings import Settings
from zotify_logging import LoggingService, register_secret
from zotify_logging.published import Publisher

__all__ = ["Runtime", "installed_version", "open_runtime"]

_FLUSH_TIMEOUT = 0.4
_JOBS_TIMEOUT = 0.5


def installed_version() -> str:
    """Return the distribution's version; a source tree that was never installed has none."""
    try:
        return version("zotify-logging")
    except PackageNotFoundError:
        return "0+source"


@dataclass(frozen=True)
class Runtime:
    """The parts of a running API; ``first_key`` is set only by the start that made it."""

    settings: Settings
    logs: LoggingService
    database: Database
    key_ring: KeyRing
    keys: KeyService
    refusals: RefusalLog
    wrong_keys: WrongKeyLimit
    config: ConfigService
    jobs: JobService
    sync: SyncService
    streams: StreamService
    audit: AuditService
    job_logs: JobLogService
    health: HealthService
    control: ControlService
    handlers: HandlersService
    publisher: Publisher
    started: float
    first_key: str | None

    def begin(self) -> None:
        """Begin to serve: apply what was changed at run time, and publish to the other workers.

        Raises:
            OSError: the folder of the reports cannot be written.
        """
        self.control.start()
        self.publisher.start()

    def close(self) -> None:
        """Cancel jobs, write what is pending, flush and close; takes about a second at most."""
        self.streams.close()
        self.control.close()
        self.jobs.shutdown(_JOBS_TIMEOUT)
        self.refusals.write_due(everything=True)
        self.audit.close()
        self.job_logs.close()
        self.logs.flush(_FLUSH_TIMEOUT)
        self.publisher.close()
        self.logs.shutdown(_FLUSH_TIMEOUT)
        self.database.close()


def open_runtime(settings: Settings, *, make_first_key: bool = True) -> Runtime:
    """Create the data folder, open logs and database, and make the first key if none was ever made.

    Raises:
        OSError: the data folder cannot be used; names the setting and the cure.
        ConfigurationError: logging cannot be set up.
        DatabaseError: the database cannot be opened.
    """
    _make_data_dir(settings)
    chosen = None
    if settings.api_key is not None:
        register_secret(settings.api_key.get_secret_value())
        chosen = ChosenKey(settings.api_key.get_secret_value())
    logs = start_logging(settings)
    try:
        database = Database(settings.own_database_url)
    except BaseException:
        logs.shutdown(_FLUSH_TIMEOUT)
        raise
    store = KeyStore(database)
    keys = KeyService(store)
    first_key = None
    if make_first_key and chosen is None:
        first_key = keys.ensure_first(settings.admin_key_file)
        if first_key is not None:
            register_secret(first_key)
    config = ConfigService(ConfigStore(database))
    jobs = JobService(JobTable(database), settings.run_dir, logs)
    job_logs = JobLogService(settings.job_database_url)
    streams = StreamService(settings)
    health = HealthService(
        logs,
        {
            "the database": database.ping,
            "the system log": streams.ping,
            "the audit trail": logs.get(AUDIT_HANDLER).ping,
            "the job-log database": job_logs.ping,
        },
        probed=(AUDIT_HANDLER,),
    )

    def reported() -> dict[str, object]:
        return {REVISION: control.revision}

    publisher = Publisher(settings.run_dir, APPLICATION, extra=reported)
    control = ControlService(logs, settings.control_file, settings.run_dir, publisher.publish)
    return Runtime(
        settings=settings,
        logs=logs,
        database=database,
        key_ring=KeyRing(store, chosen),
        keys=keys,
        refusals=RefusalLog(write_refusal),
        wrong_keys=WrongKeyLimit(settings.wrong_keys_per_minute),
        config=config,
        jobs=jobs,
        sync=SyncService(config, jobs, TrackStore(database)),
        streams=streams,
        audit=AuditService(settings.audit_trail),
        job_logs=job_logs,
        health=health,
        control=control,
        handlers=HandlersService(settings.run_dir, control),
        publisher=publisher,
        started=time.monotonic(),
        first_key=first_key,
    )


def _make_data_dir(settings: Settings) -> None:
    folder = settings.data_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        settings.logs_dir.mkdir(mode=0o700, exist_ok=True)
        settings.run_dir.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"ZOTIFY_DATA_DIR (--data-dir): {str(folder)!r} cannot be the data folder:"
            f" {error.strerror}; name a folder that user {os.geteuid()} may make and write to"
        ) from error
