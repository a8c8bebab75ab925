"""WHERE AND WHEN: departments, where their figures come from, the calendar, and who may see which of them."""

import datetime as dt
import uuid

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from encrypted_fields.fields import EncryptedTextField

from accounts.models import Membership, Organisation
from accounts.validators import validate_currency, validate_time_zone
from departments.choices import Kind, Measure, Segment
from departments.querysets import (
    CalendarQuerySet,
    ChangeQuerySet,
    ConnectionQuerySet,
    DepartmentQuerySet,
)

BEGINNING = dt.date(1900, 1, 1)
# What a source says of a department. A person who wants it otherwise says so: `Department.overridden`.
SOURCE_FIELDS = ("name", "type", "parent", "code", "taxpayer_id_number")


class Connection(models.Model):
    """One configured source: an iiko server, the 1C service, a push client."""

    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="connections", verbose_name=_("organisation")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.IIKO)
    name = models.CharField(_("name"), max_length=100)
    url = models.URLField(_("address"), max_length=300, blank=True)
    login = models.CharField(_("login"), max_length=100, blank=True)
    password = EncryptedTextField(_("password"), blank=True, null=True)
    api_key = EncryptedTextField(_("API key"), blank=True, null=True)
    auth_header = models.CharField(_("header of the API key"), max_length=60, blank=True, default="X-API-Key")
    measure = models.CharField(_("total sales are"), max_length=10, choices=Measure, default=Measure.REVENUE)
    include_returns = models.BooleanField(
        _("count returned receipts"), default=True, help_text=_("Off: returned receipts are left out altogether")
    )
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        blank=True,
        help_text=_("Empty: the organisation's"),
        validators=[validate_time_zone],
    )
    is_active = models.BooleanField(_("active"), default=True)
    checked_at = models.DateTimeField(_("checked"), null=True, blank=True, editable=False)
    facts = models.JSONField(default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "name"], name="departments_connection_name_once"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone_name(self) -> str:
        return self.time_zone or self.organisation.time_zone


class SourceSession(models.Model):
    """The one token of a server, shared by all workers, and the lock that keeps questions one at a time."""

    server = models.CharField(max_length=200, unique=True)
    token = EncryptedTextField(blank=True, null=True)
    obtained_at = models.DateTimeField(null=True, blank=True)
    locked_by = models.CharField(max_length=120, blank=True)
    locked_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("source session")
        verbose_name_plural = _("source sessions")

    def __str__(self) -> str:
        return self.server


class Department(models.Model):
    """A branch, or a node of the tree above it. The id is ours and never changes.

    `overridden`: names of fields of SOURCE_FIELDS that a person keeps otherwise than the source has them.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="departments", verbose_name=_("organisation")
    )
    parent = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="children", verbose_name=_("part of")
    )
    type = models.CharField(_("type"), max_length=30, default="DEPARTMENT")
    name = models.CharField(_("name"), max_length=300)
    code = models.CharField(_("code"), max_length=60, blank=True)
    code_tco = models.CharField(_("1C code"), max_length=60, blank=True)
    taxpayer_id_number = models.CharField(_("taxpayer id"), max_length=20, blank=True)
    company = models.CharField(_("legal entity"), max_length=300, blank=True)
    segment_type = models.CharField(_("segment"), max_length=20, choices=Segment, default=Segment.RESTAURANT)
    season_start_date = models.DateField(_("season starts"), null=True, blank=True)
    season_end_date = models.DateField(_("season ends"), null=True, blank=True)
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        blank=True,
        help_text=_("Empty: the organisation's"),
        validators=[validate_time_zone],
    )
    currency = models.CharField(
        _("currency"),
        max_length=3,
        blank=True,
        help_text=_("Empty: the organisation's"),
        validators=[validate_currency],
    )
    opened_on = models.DateField(_("opened"), null=True, blank=True)
    closed_on = models.DateField(_("closed"), null=True, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    overridden = models.JSONField(_("kept by hand"), default=list, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)
    synced_at = models.DateTimeField(_("synchronised"), null=True, blank=True)

    objects = DepartmentQuerySet.as_manager()

    class Meta:
        db_table = "departments"
        verbose_name = _("department")
        verbose_name_plural = _("departments")
        ordering = ["name", "id"]
        permissions = [("sync_departments", "Can synchronise departments")]
        indexes = [models.Index(fields=["organisation", "type"], name="departments_by_type")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raises ValidationError for a tree that would bite its tail and for dates that are the wrong way round."""
        for first, last, code in (
            ("season_start_date", "season_end_date", _("The season ends before it starts.")),
            ("opened_on", "closed_on", _("The branch closes before it opens.")),
        ):
            begins, ends = getattr(self, first), getattr(self, last)
            if begins and ends and ends < begins:
                raise ValidationError({last: ValidationError(code, "reversed")})
        above, seen = self.parent, {self.pk}
        while above is not None:
            if above.pk in seen:
                raise ValidationError(
                    {
                        "parent": ValidationError(
                            _("A department cannot be part of itself or of what lies below it."), "cycle"
                        )
                    }
                )
            seen.add(above.pk)
            above = above.parent

    @cached_property
    def zone_name(self) -> str:
        return self.time_zone or self.organisation.time_zone

    @cached_property
    def money(self) -> str:
        """The currency of its figures."""
        return self.currency or self.organisation.currency

    def named_by(self) -> "SourceDepartment | None":
        """Which source has the say over SOURCE_FIELDS; the books only add to what a till names."""
        return self.sources.exclude(connection__kind=Kind.ONEC).select_related("connection").first()


class SourceDepartment(models.Model):
    """What a source calls a department: the only place that knows a source's ids."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="source_departments", verbose_name=_("connection")
    )
    external_id = models.CharField(_("id at the source"), max_length=80)
    department = models.ForeignKey(
        Department,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="sources",
        verbose_name=_("department"),
    )
    external_parent_id = models.CharField(_("parent's id at the source"), max_length=80, blank=True)
    name = models.CharField(_("name at the source"), max_length=300, blank=True)
    type = models.CharField(_("type"), max_length=30, blank=True)
    code = models.CharField(_("code"), max_length=60, blank=True)
    taxpayer_id = models.CharField(_("taxpayer id"), max_length=20, blank=True)
    company = models.CharField(_("legal entity"), max_length=300, blank=True)
    valid_from = models.DateField(_("valid from"), default=BEGINNING)
    valid_to = models.DateField(_("valid to"), null=True, blank=True)
    seen_at = models.DateTimeField(_("last seen"), null=True, blank=True)

    class Meta:
        verbose_name = _("department at a source")
        verbose_name_plural = _("departments at sources")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "connection", "external_id", "valid_from"],
                name="departments_source_id_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.external_id


class Authority(models.Model):
    """Whose observations of a department are published from a date on; all others are checks."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    department = models.ForeignKey(
        Department, on_delete=models.CASCADE, related_name="authorities", verbose_name=_("department")
    )
    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="authorities", verbose_name=_("connection")
    )
    from_date = models.DateField(_("from"), default=BEGINNING)

    class Meta:
        verbose_name = _("authority")
        verbose_name_plural = _("authorities")
        ordering = ["department", "from_date"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "department", "from_date"], name="departments_authority_once_per_date"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.department}: {self.connection}"


class DepartmentScope(models.Model):
    """A department, with what lies below it, that a membership covers."""

    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="scopes")
    department = models.ForeignKey(Department, on_delete=models.CASCADE, related_name="+", verbose_name=_("department"))

    class Meta:
        verbose_name = _("scope")
        verbose_name_plural = _("scopes")
        constraints = [
            models.UniqueConstraint(fields=["membership", "department"], name="departments_scope_once"),
        ]

    def __str__(self) -> str:
        return str(self.department)


class Holiday(models.Model):
    """A named day of the calendar. The same `key` marks the same feast in every year."""

    class Effect(models.TextChoices):
        FEAST = "feast", _("feast")
        DAY_OFF = "day_off", _("moved day off")
        WORKDAY = "workday", _("moved working day")
        PERIOD = "period", _("period (Ramadan, school break)")

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="holidays")
    date = models.DateField(_("date"))
    key = models.CharField(_("feast"), max_length=100, help_text=_("The same every year"))
    name = models.CharField(_("name"), max_length=200)
    effect = models.CharField(_("effect"), max_length=10, choices=Effect, default=Effect.FEAST)
    known_from = models.DateField(_("known from"), default=BEGINNING)

    objects = CalendarQuerySet.as_manager()

    class Meta:
        verbose_name = _("holiday")
        verbose_name_plural = _("holidays")
        ordering = ["date"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "date", "key"], name="departments_holiday_once"),
        ]

    def __str__(self) -> str:
        return f"{self.date:%d.%m.%Y} {self.name}"


class Closure(models.Model):
    """Days on which a department is known not to sell."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    department = models.ForeignKey(
        Department, on_delete=models.CASCADE, related_name="closures", verbose_name=_("department")
    )
    first = models.DateField(_("first day"))
    last = models.DateField(_("last day"), null=True, blank=True, help_text=_("Empty: until further notice"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    known_from = models.DateField(_("known from"), default=timezone.localdate)

    objects = CalendarQuerySet.as_manager()

    class Meta:
        verbose_name = _("closure")
        verbose_name_plural = _("closures")
        ordering = ["-first"]
        constraints = [
            models.CheckConstraint(
                condition=Q(last__isnull=True) | Q(last__gte=F("first")), name="departments_closure_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.department} {self.first:%d.%m.%Y}"


class Event(models.Model):
    """A promotion or an event known in advance, of one department or of all of them."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    department = models.ForeignKey(
        Department,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="events",
        verbose_name=_("department"),
        help_text=_("Empty: all of them"),
    )
    kind = models.CharField(_("kind"), max_length=60, default="promo", help_text=_("The same word for like events"))
    name = models.CharField(_("name"), max_length=200)
    first = models.DateField(_("first day"))
    last = models.DateField(_("last day"))
    strength = models.FloatField(
        _("strength"), default=1.0, validators=[MinValueValidator(0.0), MaxValueValidator(100.0)]
    )
    known_from = models.DateField(_("known from"), default=timezone.localdate)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )

    objects = CalendarQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["-first"]
        constraints = [
            models.CheckConstraint(condition=Q(last__gte=F("first")), name="departments_event_in_order"),
        ]

    def __str__(self) -> str:
        return self.name


class Change(models.Model):
    """A department or a row of the calendar that a person added, changed or deleted: what it was, what it is.

    `before` and `after` hold the columns that changed, all of them where the row was added or deleted. `row` is an id
    that may no longer exist, as `department` may be gone: nothing is ever taken from this history.
    """

    class What(models.TextChoices):
        ADDED = "added", _("added")
        CHANGED = "changed", _("changed")
        DELETED = "deleted", _("deleted")

    class Of(models.TextChoices):
        DEPARTMENT = "department", _("department")
        HOLIDAY = "holiday", _("holiday")
        CLOSURE = "closure", _("closure")
        EVENT = "event", _("event")

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(_("of"), max_length=12, choices=Of)
    row = models.CharField(max_length=40)
    department = models.ForeignKey(
        Department, on_delete=models.DO_NOTHING, null=True, blank=True, related_name="+", db_constraint=False
    )
    name = models.CharField(_("name"), max_length=300)
    what = models.CharField(_("what was done"), max_length=8, choices=What)
    before = models.JSONField(_("was"), null=True, blank=True)
    after = models.JSONField(_("became"), null=True, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("by whom"),
    )
    at = models.DateTimeField(_("when"), auto_now_add=True)

    objects = ChangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        ordering = ["-id"]
        indexes = [models.Index(fields=["organisation", "kind", "row"], name="departments_change_of_row")]

    def __str__(self) -> str:
        return self.name
