from django.utils.translation import gettext_lazy as _

SENTENCES = {
    "cleaning_items": _("%(done)s of %(total)s lines deleted"),
}
