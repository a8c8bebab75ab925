from django import template

from sales import badges

register = template.Library()
register.simple_tag(badges.day_badge)
register.simple_tag(badges.settling_mark)
register.simple_tag(badges.settling_words)
register.simple_tag(badges.difference)
