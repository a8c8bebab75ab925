from django.utils.translation import gettext_lazy as _

SENTENCES = {
    "range_reversed": _("The first date %(first)s lies after the last date %(last)s."),
    "range_in_future": _("%(last)s lies in the future; today is %(today)s."),
    "range_too_long": _("%(days)s days are too many for one load; at most %(most)s."),
    "loading": _("%(source)s: %(date)s, %(done)s of %(total)s days, about %(eta)s s left"),
    "loading_first": _("%(source)s: asking for %(date)s"),
    "empty_day": _("%(source)s sent nothing for %(dates)s although sales are usual there. The old figures were kept."),
    "vanished_department": _(
        "%(source)s sent nothing for %(department)s on %(dates)s, where there had been sales. The old figures were kept."
    ),
    "unknown_department": _(
        "%(source)s names a department we do not know (%(id)s) with sales of %(sum)s. They are kept aside; synchronise departments."
    ),
    "no_department": _("%(source)s sent sales of %(sum)s without a department. They are kept aside."),
    "no_hour": _(
        "%(source)s sent sales of %(sum)s without an hour for %(dates)s: the hours there do not add up to the day."
    ),
    "missing_branches": _("Not loaded from %(source)s: %(names)s."),
    "loaded_range": _("Sales from %(first)s to %(last)s"),
    "overtaken": _("%(source)s, %(date)s: a newer load has been there already; this one changed nothing."),
}
