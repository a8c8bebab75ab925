"""What was kept for imports goes when nobody needs it any more."""

import datetime as dt

from django.conf import settings
from django.db.models import Q

from items.choices import JobStatus
from items.models import ImportChunk, ImportJob
from runs import clock

NEVER_STARTED = dt.timedelta(days=1)


def tidy() -> int:
    """Forget files of imports that ended long ago, and imports that were never started; returns how many pieces."""
    ImportJob.objects.filter(run=None, status=JobStatus.PENDING, created_at__lt=clock.now() - NEVER_STARTED).delete()
    old = clock.now() - dt.timedelta(days=settings.IMPORT_FILE_DAYS)
    ended = Q(job__completed_at__lt=old) | Q(job__completed_at=None, job__run__finished_at__lt=old)
    return ImportChunk.objects.filter(ended).delete()[0]
