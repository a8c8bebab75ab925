"""What a person wants to know of a new model: whether it is better than the one before, and when the next one is made."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.formats import percent
from accounts.pages import page_organisation
from forecasting.choices import VersionState
from forecasting.models import ModelVersion
from runs.choices import State
from runs.models import Run
from runs.timetable import TRAINING, next_start

HELD = 0.8  # the share of days an 80 % interval should hold
SAME = 0.0005  # a difference that no shown figure tells
# What is shown of both, and how far off a figure is: less is better.
FIGURES: list[tuple[str, Any, Any]] = [
    ("wape", _("Mean miss (WAPE)"), lambda value: value),
    ("wape_1_7", _("First seven days"), lambda value: value),
    ("bias", _("Bias"), abs),
    # xgettext:no-python-format
    ("coverage80", _("80 % intervals held"), lambda value: abs(value - HELD)),
]


def served_before(version: ModelVersion) -> ModelVersion | None:
    """The version that served when this one began to."""
    if version.activated_at is None:
        return None
    earlier = ModelVersion.objects.filter(organisation=version.organisation_id, state=VersionState.RETIRED)
    return earlier.filter(activated_at__lt=version.activated_at).order_by("-activated_at").first()


def changes(version: ModelVersion, before: ModelVersion) -> list[dict[str, Any]]:
    """{"what", "was", "became", "tone", "verdict"} of each figure that both were measured by."""
    found = []
    for name, what, off in FIGURES:
        old, new = before.metrics.get(name), version.metrics.get(name)
        if old is None or new is None:
            continue
        gain = off(old) - off(new)
        tone, verdict = ("success", _("better")) if gain > 0 else ("warning", _("worse"))
        if abs(gain) < SAME:
            tone, verdict = "default", _("the same")
        signed = name == "bias"
        shown = {"was": percent(old, signed=signed), "became": percent(new, signed=signed)}
        found.append({"what": what, **shown, "tone": tone, "verdict": verdict})
    return found


def training_times(request: HttpRequest) -> dict[str, Any]:
    """{"next_training", "zone", "took"}: when training begins by itself next, and how long the last one took."""
    organisation = page_organisation(request)
    zone = ZoneInfo(organisation.time_zone)
    coming = next_start(TRAINING)
    done = Run.objects.filter(organisation=organisation, kind="train", state=State.DONE)
    last = done.exclude(started_at=None).exclude(finished_at=None).order_by("-id").first()
    took = last.finished_at - last.started_at if last and last.finished_at and last.started_at else None
    return {
        "next_training": coming.astimezone(zone) if coming else None,
        "zone": zone.key,
        "took": _lasted(took) if took is not None else "",
    }


def _lasted(time: dt.timedelta) -> str:
    seconds = max(round(time.total_seconds()), 1)
    return f"{seconds // 60}:{seconds % 60:02}"
