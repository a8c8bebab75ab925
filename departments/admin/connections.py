from typing import Any, ClassVar
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminPasswordWidget

from accounts.formats import count
from accounts.pages import HouseAdmin, ReadOnly, back_to, page_organisation, signed_in
from departments.admin.matching import MatchingView
from departments.check import KIND as CHECK
from departments.check import start_check
from departments.choices import NAMING_KINDS, Kind
from departments.connect import check_url
from departments.findings import findings
from departments.models import Connection, SourceDepartment
from departments.signals import connection_added
from departments.sync import start_sync
from runs.choices import State, Trigger
from runs.pages import latest_box, latest_boxes
from runs.sentences import sentence

SECRETS = ("password", "api_key")
KEEP = _("Never shown. Leave empty to keep what is stored.")


class ConnectionForm(forms.ModelForm):
    """Secrets go in and never come out; a new address needs them typed again, else they could be sent elsewhere."""

    class Meta:
        help_texts: ClassVar = {"url": _("For example https://chain.iiko.it; of 1C http://host:5555/v1.")}

    password = forms.CharField(label=_("Password"), required=False, help_text=KEEP, widget=UnfoldAdminPasswordWidget())
    api_key = forms.CharField(
        label=capfirst(_("API key")), required=False, help_text=KEEP, widget=UnfoldAdminPasswordWidget()
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        stored = Connection.objects.filter(pk=self.instance.pk).first() if self.instance.pk else None
        kind, url = values.get("kind"), values.get("url") or ""
        moved = stored is not None and urlsplit(stored.url).netloc != urlsplit(url).netloc
        for name in SECRETS:
            if not values.get(name) and stored is not None:
                values[name] = getattr(stored, name)
                if moved and values[name]:
                    self.add_error(name, gettext("The address is another one: enter this again."))
        if kind and kind != Kind.PUSH and "url" in values:
            try:
                check_url(url)
            except ValidationError as error:
                self.add_error("url", error)
        if kind == Kind.IIKO and not settings.IIKO_API_LOGIN and not (values.get("login") and values.get("password")):
            self.add_error("login", gettext("An iiko server needs a login and a password."))
        return values


class SourceDepartmentInline(ReadOnly, TabularInline):
    model = SourceDepartment
    extra = 0
    per_page = 20
    tab = True
    fields = ["name", "department", "external_id", "type", "seen_at"]
    readonly_fields = fields
    verbose_name_plural = _("Departments of the server")


@admin.register(Connection)
class ConnectionAdmin(HouseAdmin):
    form = ConnectionForm
    list_display = ["name", "kind", "url", "is_active", "says", "checked_at"]
    list_filter = [("kind", ChoicesDropdownFilter), ("is_active", BooleanRadioFilter)]
    search_fields = ["name", "url"]
    actions = ["check_chosen", "synchronise_chosen"]
    actions_submit_line = ["save_and_check", "save_and_synchronise"]
    readonly_fields = ["found", "checked_at"]
    inlines = [SourceDepartmentInline]
    conditional_fields: ClassVar = {
        "url": "kind != 'push'",
        "login": "kind == 'iiko'",
        "password": "kind == 'iiko'",
        "api_key": "kind == 'onec'",
        "auth_header": "kind == 'onec'",
        "measure": "kind != 'onec'",
        "include_returns": "kind == 'iiko'",
    }
    list_before_template = "departments/connections_before.html"
    change_form_outer_before_template = "departments/connection_before.html"
    fieldsets = [
        (None, {"fields": ["organisation", "name", "kind", "is_active"]}),
        (_("Server"), {"fields": ["url", "login", "password", "api_key", "auth_header", "time_zone"]}),
        (_("Figures"), {"fields": ["measure", "include_returns"]}),
        (_("Last check"), {"fields": ["found", "checked_at"]}),
    ]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "url":  # an address without a scheme: a password is not sent in the clear by omission
            options["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **options)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("matching/", wrap(MatchingView.as_view(model_admin=self)), name="departments_matching"),
            path("<int:pk>/check/", wrap(require_POST(self.check_one)), name="departments_check"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {**(extra_context or {}), "boxes": latest_boxes(request, CHECK)})

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        context = {"show_save_and_add_another": False, "show_save_and_continue": False}
        if object_id and object_id.isdecimal():
            context |= self._last_check(request, int(object_id))
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **context})

    def _last_check(self, request: HttpRequest, pk: int) -> dict[str, Any]:
        """The box of the check that runs or ran lately, and whether departments are to be synchronised next."""
        box = self._box(request, pk) if self.get_queryset(request).filter(pk=pk).exists() else None
        good = box is not None and box["run"].state == State.DONE
        unnamed = good and not SourceDepartment.objects.filter(connection=pk).exists()
        return {"box": box, "synchronise_next": unnamed and self.has_sync_permission(request)}

    def _box(self, request: HttpRequest, pk: int) -> dict[str, Any] | None:
        return latest_box(request, CHECK, unit=str(pk))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """What the last check found belongs to one that was checked, and is not said twice beside the check's own box."""
        (title, first), *others, last_check = super().get_fieldsets(request, obj)
        if obj is None:
            first = first | {"description": _("It is checked as soon as it is saved.")}
        sets = [(title, first), *others]
        if obj is None or not obj.checked_at:
            return sets
        box = self._box(request, obj.pk)
        said_above = box is not None and box["run"].state not in (State.FAILED, State.CANCELLED)
        return sets if said_above else [*sets, last_check]

    @display(description=_("server says"))
    def says(self, connection: Connection) -> str:
        facts = connection.facts
        if "objects" in facts:
            number = facts["objects"]
            said = ngettext("%(n)s object of 1C", "%(n)s objects of 1C", number) % {"n": count(number)}
            return said + ", " + gettext("legal entities: %(n)s") % {"n": count(facts["companies"])}
        if "departments" not in facts:
            return gettext("not checked yet")
        number = facts["departments"]
        parts = [ngettext("%(n)s department", "%(n)s departments", number) % {"n": count(number)}]
        if facts.get("free_slots") is not None:
            parts.append(gettext("free licence slots: %(n)s") % {"n": facts["free_slots"]})
        if facts.get("fields_missing"):
            parts.append(gettext("reports lack: %(names)s") % {"names": ", ".join(facts["fields_missing"])})
        return ", ".join(parts)

    @display(description=_("server says"))
    def found(self, connection: Connection) -> str:
        """What the last check found, line by line."""
        lines = format_html_join("", '<li class="sf-{}">{}</li>', findings(connection))
        return format_html('<ul class="sf-sentences">{}</ul>', lines)

    def save_model(self, request: HttpRequest, obj: Connection, form: Any, change: bool) -> None:
        if {"kind", "url", "login", "auth_header", *SECRETS} & set(form.changed_data):
            obj.facts, obj.checked_at = {}, None
        super().save_model(request, obj, form, change)
        if not change:
            connection_added.send(sender=Connection, connection=obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What a source said would go with it. One that has said something is switched off instead."""
        allowed = super().has_delete_permission(request, obj)
        return allowed and obj is not None and not obj.source_departments.exists()

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, set[str], Any]:
        """What other parts keep of one connection comes and goes with it: nobody needs a right of its own for that."""
        gone, counts, needed, protected = super().get_deleted_objects(objs, request)
        own = {one.related_model._meta.verbose_name for one in Connection._meta.related_objects if one.one_to_one}
        return gone, counts, needed - own, protected

    def has_sync_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("departments.sync_departments")

    @admin.action(description=_("Check the connection"), permissions=["change"])
    def check_chosen(self, request: HttpRequest, connections: QuerySet[Connection]) -> None:
        for connection in connections.select_related("organisation"):
            self._check(request, connection)

    def check_one(self, request: HttpRequest, pk: int) -> HttpResponse:
        connection = get_object_or_404(self.get_queryset(request).select_related("organisation"), pk=pk)
        if not self.has_change_permission(request, connection):
            raise PermissionDenied
        self._check(request, connection)
        return redirect(back_to(request, self._page_of(connection)))

    @admin.action(description=_("Synchronise departments"), permissions=["sync"])
    def synchronise_chosen(self, request: HttpRequest, connections: QuerySet[Connection]) -> HttpResponse | None:
        return self._synchronise(request, list(connections))

    @action(description=_("Save and check"), permissions=["change"])
    def save_and_check(self, request: HttpRequest, connection: Connection) -> None:
        self._check(request, connection)

    @action(description=_("Save and synchronise departments"), permissions=["sync"])
    def save_and_synchronise(self, request: HttpRequest, connection: Connection) -> None:
        self._synchronise(request, [connection])

    def response_add(self, request: HttpRequest, obj: Connection, post_url_continue: str | None = None) -> HttpResponse:
        """A new connection is checked at once, on its own page: what is wrong with it is put right there."""
        if obj.kind not in NAMING_KINDS:
            return super().response_add(request, obj, post_url_continue)  # type: ignore[no-any-return]
        self._check(request, obj)
        return redirect(self._page_of(obj))

    def response_change(self, request: HttpRequest, obj: Connection) -> HttpResponse:
        if "departments_connection_save_and_check" in request.POST:
            return redirect(self._page_of(obj))
        return super().response_change(request, obj)  # type: ignore[no-any-return]

    @staticmethod
    def _page_of(connection: Connection) -> str:
        return reverse("admin:departments_connection_change", args=[connection.pk])

    def _check(self, request: HttpRequest, connection: Connection) -> None:
        if connection.kind in NAMING_KINDS:
            start_check(connection, trigger=Trigger.PAGE, started_by=signed_in(request))
            return
        said = gettext("%(name)s: a push client comes by itself, there is nothing to check.")
        self.message_user(request, said % {"name": connection.name}, messages.WARNING)

    def _synchronise(self, request: HttpRequest, connections: list[Connection]) -> HttpResponse | None:
        naming = [one for one in connections if one.kind in NAMING_KINDS and one.is_active]
        if not naming:
            self.message_user(request, sentence("no_connections"), messages.ERROR)
            return None
        start_sync(
            organisation=page_organisation(request),
            connections=naming,
            trigger=Trigger.PAGE,
            started_by=signed_in(request),
        )
        self.message_user(request, gettext("Synchronisation started: its progress stands above the departments."))
        return redirect("admin:departments_department_changelist")
