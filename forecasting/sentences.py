from django.utils.translation import gettext_lazy as _

SENTENCES = {
    "no_sales": _("There are no complete sales yet. Load a period first."),
    "too_short": _("Less than %(days)s days of sales are too few to train on and to measure honestly."),
    "no_version": _("No model serves yet. Train one first."),
    "backtesting": _("Measuring on past dates"),
    "fitting": _("Training"),
    "judging": _("Comparing with the serving model"),
    "forecasting": _("Forecasting"),
    "no_items": _("No department's sales by product are known up to the last days, so there is nothing to forecast."),
    "items_calibrating": _("Measuring products on the last weeks"),
    "items_training": _("Training on products"),
    "items_forecasting": _("Forecasting products"),
    "items_done": _("Forecasting products"),
    "measuring": _("Comparing promises with sales"),
    "thinning": _("Thinning out old forecasts"),
    "replaying": _("Replaying past mornings: %(done)s of %(total)s"),
    "not_let_in": _("The new version v%(version)s was not let in: %(why)s"),
    "worse_than_naive": _("its error of %(wape)s %% is no better than repeating last week (%(naive)s %%)."),
    "worse_than_serving": _("its error of %(wape)s %% is worse than the serving model's %(serving)s %%."),
    "not_surely_better": _(
        "its error of %(wape)s %% against %(serving)s %% may be chance: better in %(sure)s of 100 draws."
    ),
    "segment_worse": _("it makes some worse: %(segments)s."),
    "group_worse": _("%(name)s +%(worse)s %%"),
    "group_small": _("small branches"),
    "group_middle": _("middle branches"),
    "group_large": _("large branches"),
    "group_holiday": _("Holidays"),
    "group_ordinary": _("Ordinary days"),
    "too_short_to_compare": _("less than %(origins)s past dates are too few to compare two ways of forecasting."),
    "intervals_off": _("its intervals for 80 of 100 days hold %(coverage)s."),
    "biased": _("it is off in one direction by %(bias)s %%."),
    "incomplete": _("it lacks departments or days."),
    "not_numbers": _("some of its forecasts are no numbers."),
    "bounds_crossed": _("its intervals do not contain its forecasts."),
    "empty_column": _("columns it was to learn from hold nothing: %(columns)s."),
    "stale": _("it was trained on sales up to %(trained)s, although %(cutoff)s is known."),
    "out_of_scale": _("its next four weeks are %(ratio)s times the last four."),
    "branch_out_of_scale": _("it forecasts %(ratio)s times the usual sales for %(department)s."),
    "unknown_recipe": _("There is no recipe “%(recipe)s”. Known: %(known)s."),
    "passed_naive": _("let in: error %(wape)s %% against %(naive)s %% of repeating last week."),
    "passed_refit": _("let in: error %(wape)s %% on the newest days against the serving model's %(serving)s %%."),
    "passed_recipe": _(
        "let in: error %(wape)s %% against the serving recipe's %(serving)s %% at the same %(origins)s past dates."
    ),
    "passed_again": _("let in: trained again on the same days as the serving model."),
    "error_beyond_band": _(
        "Forecasts were off by %(wape)s %% of sales in the last week; %(usual)s %% is usual. Look at the calendar and at the newest sales; a training has been asked for."
    ),
    "intervals_drift": _(
        "The intervals for 80 of 100 days held %(held)s of 100 over the last four weeks. Train again."
    ),
    "bias_persists": _(
        "Forecasts of the chain have been off by %(bias)s %% in the same direction for four weeks. A training has been asked for."
    ),
    "branch_bias_persists": _(
        "%(department)s: forecasts have been off by %(bias)s %% in the same direction for four weeks. Is something there the calendar does not know?"
    ),
    "branches_bias": _("Forecasts of %(branches)s branches have been off in the same direction for four weeks."),
    "training_refused": _("The weekly training brought no better model; the old one goes on. %(why)s"),
    "upload_gone": _("These forecasts were deleted. Upload them again."),
    "no_lines_in_file": _("The file has no lines below the first one."),
    "forecast_twice_in_file": _("%(date)s of %(department)s comes twice."),
    "half_interval_in_file": _("An interval needs both ends, the lower one first."),
    "bad_amount_in_file": _("“%(text)s” in the column %(column)s is no amount."),
    "amount_in_two_ways": _(
        "“%(text)s” in the column %(column)s may be thousands or a fraction. Write it without a comma, or with two decimals."
    ),
    "model_damaged": _("The stored texts of model v%(version)s are damaged. Serve another version or train again."),
    "contract_changed": _(
        "Model v%(version)s was made by another version of the program and cannot be used. Train again."
    ),
    "no_amount": _(
        "The model gave no possible amount for %(department)s on %(date)s. No forecast was stored; those before stand."
    ),
    "already_serving": _("Model v%(version)s is serving already."),
    "was_refused": _("Model v%(version)s did not pass the gate and cannot serve."),
    "replayed": _("trained to replay past mornings; it never served."),
}
