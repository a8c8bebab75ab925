"""Who brings item sales."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from departments.choices import Kind
from departments.models import Connection, Department
from items.choices import Grain, MadeFor
from items.models.fields import HOUR
from items.querysets import OrganisationRows


class ItemSource(models.Model):
    """What a connection knows of item sales, and what is expected of it.

    `has_money`, `has_hours`: whether its lines carry amounts and instants; what a source does not know stays NULL.
    `expected_by`: the local hour by which yesterday should have been delivered; empty: nobody waits for it.
    `made_for`: what the product made it for, found again whatever a person calls the connection; empty: a person did.
    `client`: the API key or person that delivers it over HTTP, found again likewise.
    `kept_from`: lines of earlier dates were cleaned up, see `items.retention`.
    """

    connection = models.OneToOneField(
        Connection, on_delete=models.CASCADE, primary_key=True, related_name="items", verbose_name=_("connection")
    )
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")
    grain = models.CharField(_("grain"), max_length=12, choices=Grain, default=Grain.LINE)
    has_money = models.BooleanField(_("knows amounts"), default=True)
    has_hours = models.BooleanField(_("knows hours"), default=True)
    creates_products = models.BooleanField(
        _("creates unknown products"), default=False, help_text=_("Off: what names an unknown product is refused")
    )
    department = models.ForeignKey(
        Department,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("department"),
        help_text=_("Of sales that name none"),
    )
    expected_by = models.PositiveSmallIntegerField(
        _("expected by hour"), null=True, blank=True, validators=HOUR, help_text=_("Empty: not expected")
    )
    made_for = models.CharField(max_length=12, choices=MadeFor, blank=True, editable=False)
    client = models.CharField(max_length=80, blank=True, editable=False)
    kept_from = models.DateField(null=True, blank=True, editable=False)

    objects = OrganisationRows.as_manager()

    class Meta:
        verbose_name = _("source of item sales")
        verbose_name_plural = _("sources of item sales")
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "made_for"], condition=~Q(made_for=""), name="items_source_made_once"
            ),
            models.UniqueConstraint(
                fields=["organisation", "client", "grain"], condition=~Q(client=""), name="items_source_client_once"
            ),
        ]

    def __str__(self) -> str:
        return str(self.connection)

    @property
    def is_observed(self) -> bool:
        """Whether what its lines come to is published. Of an iiko server its own sums are; its lines only check them."""
        return self.has_money and self.grain == Grain.LINE and self.connection.kind == Kind.PUSH
