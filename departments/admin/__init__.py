from departments.admin.access import ApiKeyAdmin, MembershipAdmin
from departments.admin.calendar import ClosureAdmin, EventAdmin, HolidayAdmin
from departments.admin.changes import ChangeAdmin
from departments.admin.connections import ConnectionAdmin
from departments.admin.tree import DepartmentAdmin

__all__ = [
    "ApiKeyAdmin",
    "ChangeAdmin",
    "ClosureAdmin",
    "ConnectionAdmin",
    "DepartmentAdmin",
    "EventAdmin",
    "HolidayAdmin",
    "MembershipAdmin",
]
