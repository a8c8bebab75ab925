"""WHO: the organisation (tenant), people and service users, their roles, and API keys."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework_api_key.models import AbstractAPIKey, APIKeyManager

from accounts.querysets import OrganisationQuerySet
from accounts.roles import Role
from accounts.validators import validate_currency, validate_time_zone


class Organisation(models.Model):
    """The tenant. Every root table carries it and every unique key contains it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=200, unique=True)
    country = models.CharField(
        _("country"), max_length=2, default="KZ", help_text=_("ISO code; decides the public holidays")
    )
    currency = models.CharField(_("currency"), max_length=3, default="KZT", validators=[validate_currency])
    time_zone = models.CharField(_("time zone"), max_length=64, default="Asia/Almaty", validators=[validate_time_zone])
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = OrganisationQuerySet.as_manager()

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """A person, or a service user that stands behind API keys."""

    is_service = models.BooleanField(_("service user"), default=False, help_text=_("Signs in by API key only"))

    class Meta(AbstractUser.Meta):
        verbose_name = _("user")  # type: ignore[assignment]
        verbose_name_plural = _("users")  # type: ignore[assignment]


class Membership(models.Model):
    """A user's role in an organisation. Which departments it covers: `departments.DepartmentScope`."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("user"))
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("organisation")
    )
    role = models.CharField(_("role"), max_length=20, choices=Role, default=Role.STAFF)
    all_departments = models.BooleanField(_("all departments"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["organisation", "user"], name="accounts_membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"


class ApiKeyManager(APIKeyManager):
    def get_usable_keys(self) -> models.QuerySet["ApiKey"]:
        """Each with all that a request asks of it: its user, organisation and memberships, in two statements."""
        keys = super().get_usable_keys().select_related("user", "organisation")
        return keys.prefetch_related("user__memberships")


class ApiKey(AbstractAPIKey):
    """A credential of a service user: stored hashed, shown once, expiring, revocable."""

    objects = ApiKeyManager()  # type: ignore[misc]

    # The library's own fields, by names in both languages.
    prefix = models.CharField(_("prefix"), max_length=8, unique=True, editable=False)
    created = models.DateTimeField(_("created"), auto_now_add=True, db_index=True)
    name = models.CharField(
        _("name"), max_length=50, help_text=_("Who or what uses the key; others may be called the same.")
    )
    revoked = models.BooleanField(
        _("revoked"), default=False, blank=True, help_text=_("A revoked key is refused. It cannot be given back.")
    )

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys", verbose_name=_("user"))
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="api_keys", verbose_name=_("organisation")
    )
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    per_minute = models.PositiveIntegerField(_("requests per minute"), null=True, blank=True)
    per_hour = models.PositiveIntegerField(_("requests per hour"), null=True, blank=True)
    per_day = models.PositiveIntegerField(_("requests per day"), null=True, blank=True)

    class Meta(AbstractAPIKey.Meta):
        abstract = False
        verbose_name = _("API key")  # type: ignore[assignment]
        verbose_name_plural = _("API keys")  # type: ignore[assignment]

    @property
    def usable(self) -> bool:
        return not self.revoked and (self.expiry_date is None or self.expiry_date > timezone.now())
