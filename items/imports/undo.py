"""An import taken back."""

from accounts.models import User
from items.files.refusals import BadFile
from items.models import ImportJob
from items.undo import undo_job
from runs.choices import State, Trigger
from runs.ledger import Work, open_run
from runs.models import Run
from runs.registry import Outcome


def start_undo(job: ImportJob, *, user: User | None, trigger: str = Trigger.PAGE) -> Run:
    """Open the run that takes an import back. Raises BadFile for one that is not over, or was taken back."""
    if job.undone_at:
        raise BadFile("import_undone_already")
    if job.run is None or not job.run.finished:
        raise BadFile("import_not_finished")
    run, _created = open_run(
        "undo_import",
        organisation=job.organisation,
        unit=str(job.pk),
        trigger=trigger,
        started_by=user,
        params={"job": str(job.pk)},
    )
    return run


def undo_import(work: Work) -> Outcome:

    job = ImportJob.objects.select_related("connection").get(pk=work.run.params["job"])
    undone = undo_job(job, run=work.run)
    counts = {"removed": undone.removed, "restored": undone.restored, "kept_lines": undone.kept}
    if not undone.kept:
        return Outcome(counts=counts)
    return Outcome(State.PARTIAL, counts, [{"code": "import_changed_since", "params": {"rows": undone.kept}}])
