"""The library scan as a job: every audio file becomes a line, and a track if it can be read."""

from __future__ import annotations

import logging

from zotify_api.db.track_store import TrackStore, display_path
from zotify_api.services.config_service import ConfigService
from zotify_api.services.job_service import JobHandle, JobService
from zotify_api.services.scan_service import UnreadableAudioError, find_audio, read_facts

__all__ = ["NoLibraryError", "SyncService"]

_logger = logging.getLogger("zotify_api.jobs.sync")


class NoLibraryError(Exception):
    """The library folder is not set, or is gone."""


class SyncService:
    """Starts library scans."""

    def __init__(self, config: ConfigService, jobs: JobService, tracks: TrackStore) -> None:
        self._config = config
        self._jobs = jobs
        self._tracks = tracks

    def start(self) -> str:
        """Start a scan of the configured folder and return the job's id.

        Raises:
            NoLibraryError: there is no folder to scan.
            JobRunningError: a scan is running already.
        """
        root = self._config.current().library_path
        if root is None:
            raise NoLibraryError("library_path is not set; PATCH /api/config sets it")
        return self._jobs.start("sync", lambda handle: self._scan(handle, root))

    def _scan(self, handle: JobHandle, root: str) -> str:
        files = []
        troubles = 0
        for finding in find_audio(root):
            handle.check()
            if finding.problem is None:
                files.append(finding.path)
            else:
                troubles += 1
                _warn(finding.path, finding.problem)
        handle.found = len(files)
        for done, path in enumerate(files, start=1):
            handle.check()
            try:
                facts = read_facts(path)
            except UnreadableAudioError as error:
                handle.failed += 1
                _warn(path, str(error))
            else:
                new = self._tracks.upsert(facts)
                handle.stored += 1
                shown = display_path(path)
                _logger.info(
                    "%s: %s",
                    "added" if new else "refreshed",
                    shown,
                    extra={"path": shown, "title": facts.title},
                )
            handle.advance(100.0 * done / len(files))
        said = f"{handle.found} audio files, {handle.stored} stored, {handle.failed} unreadable"
        return said + (f", {troubles} places not looked at" if troubles else "")


def _warn(path: str, problem: str) -> None:
    shown = display_path(path)
    _logger.warning("skipped: %s: %s", shown, problem, extra={"path": shown, "problem": problem})
