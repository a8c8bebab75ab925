"""A signed-in person with a real browser on a real server."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WAIT = 15_000  # milliseconds; a busy machine is slow, not wrong
Opened = Callable[..., "Page"]


@pytest.fixture
def opened(browser: "Browser", live_server: Any, world: World) -> Iterator[Opened]:
    """`opened(path, who=, width=, language=)`: a page as that person sees it. Script errors fail the test.

    What the browser says of a page that is refused (403) is no error.
    """
    from playwright.sync_api import expect

    expect.set_options(timeout=WAIT)
    contexts: list[Any] = []
    troubles: list[str] = []

    def open_page(path: str, who: Any = "administrator", width: int = 1400, language: str = "ru") -> "Page":
        context = browser.new_context(
            base_url=live_server.url,
            locale={"ru": "ru-RU", "en": "en-GB"}[language],
            viewport={"width": width, "height": 900 if width > 500 else 844},
            has_touch=width < 500,
        )
        contexts.append(context)
        session = world.client(who).cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.set_default_timeout(WAIT)
        page.on("pageerror", lambda error: troubles.append(f"{page.url}: {error}"))
        page.on("console", lambda line: troubles.append(f"{page.url}: {line.text}") if is_error(line) else None)
        page.goto(path)
        return page

    def is_error(line: Any) -> bool:
        return line.type == "error" and "status of 403" not in line.text

    yield open_page
    for context in contexts:
        context.close()
    assert not troubles, troubles
