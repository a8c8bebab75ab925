"""A walk through every page by everybody: each role, both languages, a desk and a phone. Looked at, it is a tour.

    WALK=folder python -m pytest tests/browser/test_walk.py -m deep

With WALK every page is kept as a picture there, <role>-<language>-<width>-<page>.png.
"""

import os
import re
from pathlib import Path

import pytest
from django.urls import reverse

from accounts.models import User
from operations.schedules import setup_schedules
from tests.pages.test_who_sees_what import PAGES
from tests.world import World

pytestmark = [pytest.mark.browser, pytest.mark.deep, pytest.mark.django_db(transaction=True)]
WIDTHS = (1400, 390)
# A word of two small Latin letters and more in a Russian sentence was forgotten, unless it names something.
LATIN = re.compile(r"\b[a-z]{3,}(?: [a-z]+)+\b")
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("who", ["administrator", "manager", "analyst", "staff", "idle"])
def test_everybody_everywhere(world: World, opened, who, language):
    setup_schedules()
    # Who may come in and belongs to no chain sees refusals only.
    person = User.objects.create_user("idle", password="x", is_staff=True) if who == "idle" else who
    wrong = []
    page = opened("/", who=person, language=language)
    for name in PAGES:
        if name == "admin:departments_calendar_export":  # which is a file
            continue
        answer = page.goto(reverse(name))
        if answer.status == 403:
            # The browser calls a refusal an error; the page itself says it in words.
            assert page.locator("h1, h2").first.inner_text(), name
            continue
        if answer.status != 200:
            wrong.append((name, answer.status))
            continue
        if language == "ru" and (found := LATIN.findall(page.locator("#content, body").first.inner_text())):
            wrong.append((name, found[:5]))
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            if (over := page.evaluate(OVERFLOW)) > 0:
                wrong.append((name, width, over))
            if folder := os.environ.get("WALK"):
                shown = Path(folder) / f"{who}-{language}-{width}-{name.removeprefix('admin:')}.png"
                page.screenshot(path=shown, full_page=True)
    assert not wrong
