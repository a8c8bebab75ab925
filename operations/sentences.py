from django.utils.translation import gettext_lazy as _

SENTENCES = {
    "source_down": _("%(source)s could not be loaded this night. %(why)s"),
    "no_yesterday": _("No complete sales of %(dates)s from %(source)s. %(why)s"),
    "never_asked": _("It was not asked for: see whether a worker runs."),
    "night_cancelled": _("Somebody cancelled the night. The next one loads these days, or load them yourself."),
    "asked_now": _("They are being asked for now."),
    "failing": _("%(source)s could not be loaded %(times)s times in a row. %(why)s"),
    "suspicious_days": _("%(department)s: the sales of %(dates)s are suspicious. Open the day and decide."),
    "suspicious_source": _(
        "%(source)s: the sales of %(branches)s branches are suspicious. Look at the till server first, then at the days."
    ),
    "left_open": _("%(department)s: the cash shift of %(dates)s is still open. Have it closed at the till."),
    "left_open_source": _(
        "%(source)s: the cash shifts of %(branches)s branches were left open. Have them closed at the tills."
    ),
    "partial_days": _(
        "%(department)s: a part of the sales of %(dates)s came without an hour. Open the day and load it again."
    ),
    "partial_source": _(
        "%(source)s: a part of the sales of %(branches)s branches came without an hour. Look at the run of the load."
    ),
    "unknown_sales": _(
        "%(source)s: sales of %(sum)s (%(dates)s) wait under a department nobody knows: %(name)s. Say whose they are."
    ),
    "unknown_sales_source": _(
        "%(source)s: sales of %(sum)s wait under %(ids)s departments nobody knows. Say whose they are."
    ),
    "client_silent": _(
        "%(source)s has not delivered the item sales of %(dates)s. See whether its program runs, and what it was answered."
    ),
    "client_refused": _("Item sales of %(source)s were refused %(times)s times in a row, wholly or in part. %(why)s"),
    "beat_silent": _("The clock (beat) is silent. Nights go on by the worker; start beat again."),
    "work_stuck": _("Work waits although a worker is alive: look at its log and start it again."),
    "disk_nearly_full": _("Only %(free)s GB are free on the disk. Make room before loads and training stop."),
    "calendar_empty": _(
        "The calendar of %(year)s holds no holidays: forecasts will take its feasts for ordinary days. Add them on the page of holidays."
    ),
    "backup_there": _("%(path)s is there already and is not overwritten."),
    "backup_missing": _("There is no file %(path)s."),
    "backup_damaged": _("%(path)s is no backup, or it is damaged (%(what)s). Nothing was changed."),
    "backup_newer": _("The backup was made by a newer version of the product. Install that one. Nothing was changed."),
    "backup_of_other_engine": _(
        "The backup is of %(theirs)s, the database is %(ours)s. Restore into a database of the same kind. Nothing was changed."
    ),
    "backup_other_keys": _(
        "The passwords in the backup were encrypted with other keys. Set SECRET_KEY and FIELD_ENCRYPTION_KEY as they were then, or add --without-secrets and enter the passwords again. Nothing was changed."
    ),
    "database_not_empty": _("The database holds data. Add --replace to lose it. Nothing was changed."),
}
