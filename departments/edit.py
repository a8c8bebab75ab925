"""A person adds, changes or deletes a department."""

import uuid
from typing import Any

from django.db import transaction
from django.db.models import CASCADE

from accounts.models import Organisation, User
from departments.changes import as_kept, note
from departments.models import SOURCE_FIELDS, Department


class Refused(Exception):
    """`code` and `params` of a sentence; `field`: which one it is about, if one."""

    def __init__(self, code: str, *, field: str | None = None, **params: Any) -> None:
        super().__init__(code)
        self.code, self.field, self.params = code, field, params


@transaction.atomic
def create_department(organisation: Organisation, values: dict[str, Any], *, by: User | None) -> Department:
    """Raises Django's ValidationError for values that make no sense."""
    department = Department(organisation=organisation, **values)
    department.full_clean()
    department.save(force_insert=True)
    note(department, before=None, by=by)
    return department


@transaction.atomic
def change_department(department: Department, values: dict[str, Any], *, by: User | None) -> Department:
    """Set the fields named in `values`. Raises ValidationError, and Refused where a source has the say.

    A source has the say over SOURCE_FIELDS of what it names, but for those that `overridden` lists.
    """
    stored = Department.objects.select_for_update().get(pk=department.pk)
    before = as_kept(stored)
    for name, value in values.items():
        setattr(stored, name, value)
    stored.overridden = sorted(set(stored.overridden))
    if unknown := set(stored.overridden) - set(SOURCE_FIELDS):
        raise Refused("not_of_source", field="overridden", names=", ".join(sorted(unknown)), known=_listed())
    source = stored.named_by()
    for name in SOURCE_FIELDS if source else ():
        attname = "parent_id" if name == "parent" else name
        moved = attname in before and before[attname] != _plain(getattr(stored, attname))
        if moved and name not in stored.overridden:
            raise Refused("owned_by_source", field=name, name=name, source=source.connection.name)  # type: ignore[union-attr]
    stored.full_clean()
    stored.save()
    note(stored, before=before, by=by)
    return stored


@transaction.atomic
def delete_department(department: Department, *, by: User | None) -> None:
    """Raises Refused if anything would go with it, or a source would bring it back."""
    if (code_and_params := why_kept(department)) is not None:
        code, params = code_and_params
        raise Refused(code, **params)
    before = as_kept(department)
    note(department, before=before, by=by, gone=True)
    department.delete()


def why_kept(department: Department) -> tuple[str, dict[str, Any]] | None:
    """Code and parameters of the sentence why the department may not be deleted; None if it may."""
    if held := _held(department):
        return "department_has_rows", {"department": department.name, "what": ", ".join(held)}
    if source := department.named_by():
        return "department_at_source", {"department": department.name, "source": source.connection.name}
    if below := department.children.count():
        return "department_has_children", {"department": department.name, "n": below}
    return None


def _held(department: Department) -> list[str]:
    """What of other floors belongs to the department and would vanish with it, in words."""
    found = []
    for relation in department._meta.get_fields(include_hidden=True):
        model = relation.related_model
        if not relation.auto_created or not (relation.one_to_many or relation.one_to_one):
            continue
        if model._meta.app_label == department._meta.app_label or relation.on_delete is not CASCADE:  # type: ignore[union-attr]
            continue
        if model._default_manager.filter(**{relation.field.name: department}).exists():  # type: ignore[union-attr]
            found.append(str(model._meta.verbose_name_plural))  # type: ignore[union-attr]
    return sorted(found)


def _listed() -> str:
    return ", ".join(SOURCE_FIELDS)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, uuid.UUID) else value
