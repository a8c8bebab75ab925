"""Figures for Prometheus, read from the database when asked for: no process keeps counts of its own."""

from django.db.models import Count, Max, Min, QuerySet
from django.utils import timezone
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from accounts.models import Organisation
from runs.choices import State
from runs.models import Alarm, Outbox, Run
from sales.freshness import freshness


def exposition(organisations: QuerySet[Organisation]) -> bytes:
    """Runs by kind and state, the oldest queued run, and how far each source lies behind."""
    registry = CollectorRegistry()
    runs = Gauge("salesforecast_runs", "Runs in the ledger", ["organisation", "kind", "state"], registry=registry)
    oldest = Gauge(
        "salesforecast_oldest_queued_seconds",
        "Age of the oldest queued run that is due",
        ["organisation"],
        registry=registry,
    )
    finished = Gauge(
        "salesforecast_last_finished_timestamp_seconds", "When a kind of run last ended well",
        ["organisation", "kind"], registry=registry,
    )  # fmt: skip
    behind = Gauge(
        "salesforecast_source_days_behind", "Business dates missing up to yesterday", ["organisation", "connection"],
        registry=registry,
    )  # fmt: skip
    alarms = Gauge("salesforecast_alarms", "Alarms that stand", ["organisation", "code"], registry=registry)
    messages = Gauge(
        "salesforecast_messages", "Messages about alarms that did not go out", ["organisation", "status"],
        registry=registry,
    )  # fmt: skip
    now = timezone.now()
    for organisation in organisations:
        name = organisation.name
        ledger = Run.objects.filter(organisation=organisation).order_by()
        for kind, state, count in ledger.values_list("kind", "state").annotate(Count("pk")):
            runs.labels(name, kind, state).set(count)
        due = ledger.filter(state=State.QUEUED, not_before__lte=now).aggregate(first=Min("not_before"))["first"]
        oldest.labels(name).set((now - due).total_seconds() if due else 0)
        for kind, ended in ledger.filter(state=State.DONE).values_list("kind").annotate(Max("finished_at")):
            finished.labels(name, kind).set(ended.timestamp())
        standing = Alarm.objects.filter(organisation=organisation, ended_at=None).order_by()
        for code, count in standing.values_list("code").annotate(Count("pk")):
            alarms.labels(name, code).set(count)
        unsent = Outbox.objects.filter(alarm__organisation=organisation).exclude(status=Outbox.Status.SENT).order_by()
        for status, count in unsent.values_list("status").annotate(Count("pk")):
            messages.labels(name, status).set(count)
        for source in freshness(organisation):
            if source.days_behind is not None:
                behind.labels(name, source.connection.name).set(source.days_behind)
    return generate_latest(registry)
