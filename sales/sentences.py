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
    "absent_department": _(
        "%(source)s sent nothing for %(department)s on %(dates)s, a weekday on which it normally sells. If it was closed, enter a closure or believe the source."
    ),
    "collapsed_department": _(
        "%(source)s sent far less than usual for %(department)s on %(dates)s. What was known was kept; look at the day and decide."
    ),
    "jump_department": _(
        "%(source)s sent far more than usual for %(department)s on %(dates)s. What was known was kept; look at the day and decide."
    ),
    "early_department": _(
        "%(source)s sent sales of %(department)s on %(dates)s that stop hours before it usually closes. What was known was kept; look at the day and decide."
    ),
    "control_department": _(
        "%(source)s gave two different sums for %(department)s on %(dates)s. What was known was kept; the date is asked for again."
    ),
    "comparing": _("%(source)s: comparing %(date)s"),
    "differences": _(
        "%(source)s, %(dates)s: %(n)s figures are not what the source says. Repair loads those days again."
    ),
    "contradictions": _(
        "%(source)s, %(dates)s: the hours do not come to what the same source says of the whole day. No load can repair that; look at the till server."
    ),
    "kept_days": _("%(source)s, %(dates)s: suspicious still, and not what the source says. Open the day and decide."),
    "not_compared": _("%(source)s: not compared were %(dates)s."),
    "nothing_compared": _("Nothing was compared: none of these days is over yet."),
    "still_open": _(
        "%(source)s: %(days)s days of branches are still being sold and were not compared with the source."
    ),
    "unsteady": _("%(source)s did not say the same twice for %(dates)s; its last word counts."),
    "differing_days": _(
        "%(source)s: the sales of %(dates)s are not what the source says. Compare these days with the source and repair them."
    ),
    "undecided": _("%(department)s, %(dates)s: suspicious still, nobody has decided. Open the day and decide."),
    "shift_total": _(
        "%(department)s, %(dates)s: the cash shifts of %(source)s were paid another sum than the sales say."
    ),
    "shifts_unreadable": _(
        "%(source)s: the list of cash shifts could not be read, so nobody knows whether one is still open. The sales were loaded. %(why)s"
    ),
    "unknown_department": _(
        "%(source)s names a department we do not know (%(id)s) with sales of %(sum)s. They are kept aside until somebody says whose they are."
    ),
    "no_department": _("%(source)s sent sales of %(sum)s without a department. They are kept aside."),
    "another_has_the_say": _(
        "What is published of %(department)s comes from %(source)s: these sales would be seen nowhere. Change the authority first, or choose another one."
    ),
    "choose_department": _("Choose a department, or write the name of a new branch."),
    "no_hour": _(
        "%(source)s sent sales of %(sum)s without an hour for %(dates)s: the hours there do not add up to the day."
    ),
    "doubt_collapsed": _("The source says %(revenue)s, far less than the usual %(usual)s of this weekday."),
    "doubt_jump": _("The source says %(revenue)s, far more than the usual %(usual)s of this weekday."),
    "doubt_early": _(
        "The sales stop hours before this weekday usually ends: the source says %(revenue)s instead of the usual %(usual)s."
    ),
    "doubt_vanished": _("The source no longer knows of any sale on this day."),
    "doubt_absent": _("The source sent nothing for this day, although this weekday usually brings %(usual)s."),
    "doubt_control": _(
        "The source gave two different sums for this day: %(revenue)s by the hour and %(usual)s in total."
    ),
    "missing_branches": _("Not loaded from %(source)s: %(names)s."),
    "loaded_range": _("Sales from %(first)s to %(last)s"),
    "overtaken": _("%(source)s, %(date)s: a newer load has been there already; this one changed nothing."),
}
