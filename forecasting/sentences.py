from django.utils.translation import gettext_lazy as _

SENTENCES = {
    "no_sales": _("There are no complete sales yet. Load a period first."),
    "too_short": _("Less than %(days)s days of sales are too few to train on and to measure honestly."),
    "no_version": _("No model serves yet. Train one first."),
    "backtesting": _("Measuring on past dates"),
    "fitting": _("Training"),
    "judging": _("Comparing with the serving model"),
    "forecasting": _("Forecasting"),
    "measuring": _("Comparing promises with sales"),
    "replaying": _("Replaying past mornings: %(done)s of %(total)s"),
    "not_let_in": _("The new version v%(version)s was not let in: %(why)s"),
    "worse_than_naive": _("its error of %(wape)s %% is no better than repeating last week (%(naive)s %%)."),
    "worse_than_serving": _("its error of %(wape)s %% is worse than the serving model's %(serving)s %%."),
    "biased": _("it is off in one direction by %(bias)s %%."),
    "incomplete": _("it lacks departments or days."),
    "out_of_scale": _("its next four weeks are %(ratio)s times the last four."),
    "passed_naive": _("let in: error %(wape)s %% against %(naive)s %% of repeating last week."),
    "passed_refit": _("let in: error %(wape)s %% on the newest days against the serving model's %(serving)s %%."),
    "model_damaged": _("The stored texts of model v%(version)s are damaged. Serve another version or train again."),
    "contract_changed": _(
        "Model v%(version)s was made by another version of the program and cannot be used. Train again."
    ),
    "already_serving": _("Model v%(version)s is serving already."),
    "was_refused": _("Model v%(version)s did not pass the gate and cannot serve."),
    "replayed": _("trained to replay past mornings; it never served."),
}
