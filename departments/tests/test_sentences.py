"""Whatever a source does wrong, a person is told in words, in both languages."""

import pytest
from django.utils.translation import override

from departments.sentences import SENTENCES
from sources.errors import PERMANENT, TRANSIENT

pytestmark = pytest.mark.unit
PARAMS = {
    "source": "Till",
    "host": "iiko.example",
    "path": "/resto/api/auth",
    "text": "said so",
    "status": 500,
    "what": "GuestNum",
    "fields": "GuestNum",
    "limit": 1024,
    "header": "X-API-Key",
}


@pytest.mark.parametrize("code", sorted(TRANSIENT | PERMANENT))
def test_every_trouble_of_a_source_has_its_sentence(code):
    told = {}
    for language in ("en", "ru"):
        with override(language):
            told[language] = str(SENTENCES[code]) % PARAMS
    assert all("Till" in sentence for sentence in told.values())
    assert told["ru"] != told["en"]
