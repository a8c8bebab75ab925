"""What the functions below refuse, in the one error shape."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError as BadValues
from rest_framework import status
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError

from accounts.api.fields import refuse
from departments.edit import Refused
from runs.sentences import sentence

# How the API names what a model names otherwise.
NAMES = {"parent": "parent_id", "department": "department_id", "__all__": "non_field_errors"}


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT


@contextmanager
def saying_why() -> Iterator[None]:
    """Refused and Django's ValidationError as 400 about a field, or 409."""
    try:
        yield
    except Refused as no:
        said = sentence(no.code, no.params)
        if no.field:
            raise refuse(NAMES.get(no.field, no.field), no.code, said) from no
        raise Conflict(said, no.code) from no
    except BadValues as bad:
        raise ValidationError(
            {
                NAMES.get(name, name): [
                    ErrorDetail(text, error.code or "invalid") for error in errors for text in error.messages
                ]
                for name, errors in bad.error_dict.items()
            }
        ) from bad
