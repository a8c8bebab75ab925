"""Russian is complete: every text is translated, compiled, and keeps its parameters."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import polib
import pytest
from django.utils import translation

from runs import sentences

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "locale" / "ru" / "LC_MESSAGES"
PARAMETER = re.compile(r"%\(\w+\)[sd]|%%")
SOURCES = (
    "accounts",
    "departments",
    "forecasting",
    "operations",
    "runs",
    "sales",
    "items",
    "salesforecast",
    "sources",
    "templates",
)


@pytest.fixture(scope="module")
def catalogue():
    return polib.pofile(str(FOLDER / "django.po"))


def texts(entry):
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def test_every_text_is_translated(catalogue):
    assert [entry.msgid for entry in catalogue if not all(texts(entry)) or "fuzzy" in entry.flags] == []


def test_parameters_are_kept(catalogue):
    wrong = [
        entry.msgid
        for entry in catalogue
        for text in texts(entry)
        if set(PARAMETER.findall(text)) != set(PARAMETER.findall(entry.msgid))
    ]
    assert wrong == []


def test_what_is_compiled_is_what_is_written(catalogue):
    compiled = polib.mofile(str(FOLDER / "django.mo"))
    assert {entry.msgid: texts(entry) for entry in compiled} == {entry.msgid: texts(entry) for entry in catalogue}


def test_no_text_of_the_code_is_missing(catalogue, tmp_path):
    """`make messages` on a copy finds nothing that is not in the catalogue."""
    if shutil.which("xgettext") is None:
        pytest.fail("xgettext is missing: apt-get install gettext, or run `make test`, which finds or installs it")
    for name in SOURCES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    shutil.copytree(ROOT / "locale", tmp_path / "locale")
    command = [sys.executable, "-m", "django", "makemessages", "--locale", "ru", "--no-location", "--no-obsolete"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, env={"PATH": "/usr/bin:/bin"})
    found = polib.pofile(str(tmp_path / "locale" / "ru" / "LC_MESSAGES" / "django.po"))
    known = {(entry.msgid, entry.msgid_plural) for entry in catalogue}
    assert [entry.msgid for entry in found if (entry.msgid, entry.msgid_plural) not in known] == []


@pytest.mark.parametrize("language", ["ru", "en"])
def test_sentences_speak_both_languages_with_their_parameters(language):
    with translation.override(language):
        for code, text in sentences._sentences.items():
            names = re.findall(r"%\((\w+)\)", str(text))
            shown = sentences.sentence(code, {name: f"<{name}>" for name in names})
            assert all(f"<{name}>" in shown for name in names), code
            assert "%(" not in shown, code
            words = re.sub(r"<\w+>", "", shown)
            if re.search(r"\w", words):
                assert bool(re.search("[а-яё]", words, re.IGNORECASE)) == (language == "ru"), code
