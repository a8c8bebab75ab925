from items.choices import JobStatus
from items.models import ImportJob
from runs.choices import State

_BY_RUN = {
    State.QUEUED: JobStatus.PENDING,
    State.RUNNING: JobStatus.PROCESSING,
    State.DONE: JobStatus.COMPLETED,
    State.PARTIAL: JobStatus.COMPLETED,
    State.FAILED: JobStatus.FAILED,
    State.CANCELLED: JobStatus.FAILED,
}


def status_of(job: ImportJob) -> JobStatus:
    """The state of the import: that of its run, which may have ended without a word of its own."""
    if job.status in (JobStatus.COMPLETED, JobStatus.FAILED) or job.run is None:
        return JobStatus(job.status)
    return _BY_RUN[State(job.run.state)]
