from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import formats

register = template.Library()
register.filter("amount", formats.amount)
register.filter("exact", formats.exact)
register.filter("count", formats.count)
register.filter("pieces", formats.pieces)
register.filter("percent", formats.percent)
register.filter("deviation", formats.deviation)
register.filter("points", formats.points)


@register.filter
def minus(value: float) -> float:
    return -value


@register.filter
def signed_percent(share: float | None) -> str:
    return formats.percent(share, signed=True)


@register.simple_tag
def badge(text: str, tone: str = "default", title: str = "") -> SafeString:
    """A word on a coloured ground; tones are those of the floors' choices: success, info, warning, danger, default."""
    if title:
        return format_html('<span class="sf-badge sf-{}" title="{}">{}</span>', tone, title, text)
    return format_html('<span class="sf-badge sf-{}">{}</span>', tone, text)
