"""Reading a page as a person does: its text, its rows, its figures."""

import re
from html import unescape

from django.http import HttpResponse
from django.test import Client

from tests.world import World


def reader(world: World, who: str, language: str = "en") -> Client:
    """The browser of a signed-in person who reads this language."""
    client = world.client(who)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    return client


def words(html: str) -> str:
    """The text of a piece of a page, spaces of all kinds as one space."""
    html = re.sub(r"<(script|style)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html))).strip()


def content(response: HttpResponse) -> str:
    """The text of a page without its menu and head."""
    assert response.status_code == 200, response.status_code
    return words(response.content.decode().split('id="content"', 1)[1])


def rows(response: HttpResponse, table: str = "") -> list[str]:
    """The text of each row in the bodies of the page's tables, or of the one with this attribute; none without it."""
    html = response.content.decode()
    if table:
        html = html.partition(table)[2].partition("</table>")[0]
    bodies = re.findall(r"<tbody.*?</tbody>", html, re.DOTALL)
    return [words(row) for body in bodies for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL)]
