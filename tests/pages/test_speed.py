"""A page asks the database a bounded number of questions, and a large chain waits for none of them."""

import gc
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.pages.large import enlarge
from tests.pages.test_who_sees_what import PAGES
from tests.reading import reader
from tests.world import World

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]
MOST_QUERIES = 25
MOST_SECONDS = 0.3
REPEATS = 20


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_few_questions(world: World, page):
    person = reader(world, "administrator")
    with CaptureQueriesContext(connection) as asked:
        person.get(reverse(page))
    assert len(asked) <= MOST_QUERIES, "\n".join(query["sql"][:200] for query in asked)


def work_clock() -> Callable[[], float]:
    """Seconds of processor that this process, and the one of PostgreSQL that answers it, have worked.

    A server on another machine tells nothing of its work: there it is the time on the wall.
    """
    if connection.vendor == "sqlite":
        return time.process_time
    with connection.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")  # what others would do for it is done by it
        cursor.execute("SELECT pg_backend_pid()")
        told = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")
    if not told.exists():
        return time.perf_counter
    return lambda: time.process_time() + int(told.read_text(encoding="ascii").split()[0]) / 1e9


def a_while() -> float:
    """Seconds of processor that the same small piece of work takes at this moment."""
    begun = time.process_time()
    sum(number * number for number in range(20_000))
    return time.process_time() - begun


@pytest.mark.deep
def test_pages_of_a_large_chain(world: World, capsys, record_property):
    """200 departments, three years: each page within 25 questions and 300 ms of work at the 95th percentile."""
    enlarge(world)
    gc.collect()
    gc.freeze()  # what the test has made is no page's to walk through
    work, usual = work_clock(), min(a_while() for _ in range(50))
    slow, lines = {}, []
    for who in ("administrator", "manager"):
        person = reader(world, who)
        for page in PAGES:
            with CaptureQueriesContext(connection) as asked:
                if person.get(reverse(page)).status_code == 403:
                    continue
                queries = len(asked)
            times = []
            for _ in range(REPEATS):
                begun = work()
                person.get(reverse(page)).getvalue()
                # A machine that is busy besides is slower at everything, in caches and clock: by so much is this divided.
                times.append((work() - begun) / max(a_while() / usual, 1))
            p95 = statistics.quantiles(times, n=20)[-1]
            lines.append(f"{who:14} {page:55} {queries:3} queries  {1000 * p95:7.0f} ms")
            if p95 > MOST_SECONDS or queries > MOST_QUERIES:
                slow[who, page] = (round(p95, 3), queries)
    record_property("pages", "\n".join(lines))
    with capsys.disabled():
        print("", f"{connection.vendor}, 95th percentile of {REPEATS}:", *lines, sep="\n")
    gc.unfreeze()
    assert not slow
