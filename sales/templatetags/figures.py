from django import template

from sales import formats

register = template.Library()
register.filter("amount", formats.amount)
register.filter("exact", formats.exact)
register.filter("count", formats.count)
register.filter("percent", formats.percent)
register.filter("deviation", formats.deviation)


@register.filter
def signed_percent(share: float | None) -> str:
    return formats.percent(share, signed=True)
