"""What went wrong at a source, said so that a person knows what to do. `source` is the connection's name."""

from django.utils.translation import gettext_lazy as _

SENTENCES = {
    "unreachable": _("%(source)s: the server %(host)s cannot be reached. Check the address and the network."),
    "timeout": _("%(source)s: the server %(host)s did not answer in time. It will be asked again."),
    "tls": _("%(source)s: no secure connection to %(host)s. Check the certificate and the address."),
    "wrong_password": _("%(source)s: the server refused login and password. Enter them again in the connection."),
    "wrong_key": _(
        "%(source)s: the 1C service refused the API key. Enter it again in the connection, and see that the service expects it in the header %(header)s. %(text)s"
    ),
    "bad_header": _(
        "%(source)s: the API key, or the name of its header (%(header)s), holds signs that HTTP cannot carry. Enter them again without spaces and line breaks."
    ),
    "onec_not_found": _(
        "%(source)s: the 1C service has nothing at %(path)s. Enter the address up to the version, for example http://host:5555/v1."
    ),
    "onec_not_json": _("%(source)s: the answer is not JSON. Is this the address of a 1C exchange service?"),
    "onec_bad_data": _(
        "%(source)s: the list of 1C objects makes no sense (%(what)s). Nothing of it was used; show this to whoever looks after 1C."
    ),
    "empty_object_list": _(
        "%(source)s: the 1C service sent an empty list. Nothing was changed; ask whoever looks after 1C whether its exchange runs."
    ),
    "row_of_the_chain": _("This concerns the whole chain, and you see some branches only: name one of them."),
    "object_unknown": _("“%(text)s” is no object of 1C. Choose one from the list."),
    "object_matched": _("“%(object)s” is matched with %(department)s already. Undo that first."),
    "department_matched": _("%(department)s is matched with “%(object)s” already. Undo that first."),
    "no_licence": _(
        "%(source)s: all licence slots of the server are taken. Close an unused iikoOffice session or ask for one more slot."
    ),
    "module_blocked": _(
        "%(source)s: the API module is blocked in the server's licence. Ask your iiko partner: %(text)s"
    ),
    "no_right": _("%(source)s: the login lacks a right on the server. Grant it in iikoOffice: %(text)s"),
    "not_found": _("%(source)s: the server has nothing at %(path)s. Check the address; it usually ends in /resto."),
    "refused": _("%(source)s: the server refused the question (%(status)s): %(text)s"),
    "server_error": _("%(source)s: an error inside the server (%(status)s): %(text)s"),
    "too_many_requests": _("%(source)s: the server asks for fewer questions. It will be asked again later."),
    "not_json": _("%(source)s: the answer is not JSON. Is this the address of an iiko server?"),
    "html": _("%(source)s: a web page came instead of data; the server is restarting, or a proxy stands between."),
    "truncated": _("%(source)s: the answer was cut off on the way. Nothing of it was used."),
    "bad_data": _("%(source)s: the answer makes no sense (%(what)s). Nothing of it was used."),
    "unknown_field": _("%(source)s: this server's reports lack the fields %(fields)s."),
    "empty_body": _("%(source)s: the answer was empty. Nothing was changed."),
    "redirect": _("%(source)s: the server %(host)s sends us elsewhere. Enter the final address in the connection."),
    "host_not_allowed": _("%(source)s: the host %(host)s is not among SOURCE_ALLOWED_HOSTS."),
    "too_large": _("%(source)s: the answer is larger than %(limit)s bytes. Nothing of it was used."),
    "starting": _(
        "%(source)s: the server refuses its login: it is starting, or the password was changed. It will be asked again; if this lasts, enter the password again in the connection."
    ),
    "busy": _("%(source)s: another load is asking this server. Try again when it has finished."),
    "no_connections": _("No active connection to a till server. Add one and check it."),
    "empty_department_list": _("%(source)s: the server sent no departments at all. Nothing was changed."),
    "unknown_parents": _("%(source)s: departments whose parent the server does not name: %(names)s."),
    "timeout_at_check": _(
        "%(source)s: the server %(host)s did not answer in time. Check again in a minute; if this lasts, look at the server and the network."
    ),
    "starting_at_check": _(
        "%(source)s: the server refuses its login: it is starting, or the password was changed. Check again in a minute; if this lasts, enter the password again."
    ),
    "too_many_requests_at_check": _("%(source)s: the server asks for fewer questions. Check again in some minutes."),
    "server_error_at_check": _(
        "%(source)s: an error inside the server (%(status)s). Check again in a minute; if this lasts, show it to your iiko partner. %(text)s"
    ),
    "connection_gone": _("The connection was deleted meanwhile."),
    "check_login": _("Logging in to %(source)s"),
    "check_departments": _("Asking %(source)s for its departments"),
    "check_columns": _("Asking %(source)s for the columns of its sales report"),
    "check_licence": _("Asking %(source)s for free licence slots"),
    "check_version": _("Asking %(source)s for its version"),
    "check_shifts": _("Asking %(source)s for today's cash shifts"),
    "check_objects": _("Asking %(source)s for its objects"),
    "syncing_departments": _("Asking %(source)s for its departments"),
    "department_sync_missing": _("Not synchronised: %(names)s"),
    "owned_by_source": _(
        "“%(name)s” comes from %(source)s and would be overwritten by the next synchronisation. To keep it otherwise, name it in “overridden”."
    ),
    "not_of_source": _("“overridden” cannot hold %(names)s. Known: %(known)s."),
    "department_has_rows": _(
        "%(department)s is kept: %(what)s would go with it. Switch it off, or enter the day it closed."
    ),
    "department_at_source": _(
        "%(department)s is kept: %(source)s would bring it back with the next synchronisation. Switch it off instead."
    ),
    "department_has_children": _("%(department)s is kept: %(n)s departments lie below it. Move them first."),
    "file_too_large": _("The file is larger than %(limit)s kB. Split it."),
    "file_too_long": _("The file has more than %(limit)s lines. Split it."),
    "columns_missing": _("The first line lacks the columns %(names)s. Known: %(known)s."),
    "columns_twice": _("The first line names the columns %(names)s twice."),
    "no_csv_after": _("What follows line %(line)s is no CSV. Is a quotation mark opened there and never closed?"),
    "columns_unknown": _("Nobody knows the columns %(names)s. Known: %(known)s."),
    "unknown_kind": _("“%(text)s” is no kind. Known: %(known)s."),
    "unknown_effect": _("“%(text)s” is no effect. Known: %(known)s."),
    "unknown_department_in_file": _("No department you see is called “%(text)s”. Use its id, code or name."),
    "department_not_unique": _("More than one department is called “%(text)s”. Use its id."),
    "bad_date_in_file": _("“%(text)s” in the column %(column)s is no date. Write 2026-03-21 or 21.03.2026."),
    "bad_strength": _("“%(text)s” is no strength. Write a number from 0 to 100."),
    "reversed_in_file": _("The last day lies before the first one."),
    "too_long_in_file": _("At most %(days)s days can be one holiday or event."),
    "cell_empty": _("The column %(column)s is empty."),
}
