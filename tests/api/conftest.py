import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def nobody_is_throttled():
    """The counts of requests live in the cache, which outlasts a test."""
    cache.clear()
