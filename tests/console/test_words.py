"""The catalogues have every text of the pages, and nothing else; a further language is one file."""

import re
import shutil
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from typer.testing import CliRunner

from services.console import catalogues, menu, pages, words
from services.console.cli import cli
from services.console.labels import LABELS
from services.console.labels.refusals import REFUSALS
from services.console.work.rules import LISTS
from tests.console.world import World

SHOWN_ATTRIBUTES = {"alt", "aria-label", "data-label", "placeholder", "title"}
CODE_NAME = re.compile(r"\w_\w|[{}<>]")
HEAD = """# The words of a test.
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plurals}\\n"

"""
PAGE = """{{ _("Sign out") }} {{ _("%(done)s of %(all)s") }} {{ ngettext("%(num)s person", "%(num)s people", 3) }}
{{ ngettext("one more day", "%(num)s more days", 3) }}"""
SIGN_OUT = 'msgid "Sign out"\nmsgstr "Cerrar sesión"\n'
OF = '#, python-format\nmsgid "%(done)s of %(all)s"\nmsgstr "%(done)s de %(all)s"\n'
PEOPLE = """#, python-format
msgid "%(num)s person"
msgid_plural "%(num)s people"
msgstr[0] "%(num)s persona"
msgstr[1] "%(num)s personas"
"""
DAYS = """#, python-format
msgid "one more day"
msgid_plural "%(num)s more days"
msgstr[0] "un día más"
msgstr[1] "%(num)s días más"
"""
UNUSED = 'msgid "No page says this"\nmsgstr "Nada"\n'
SPANISH = HEAD.format(language="es", plurals="nplurals=2; plural=(n != 1);") + "\n".join((OF, PEOPLE, SIGN_OUT, DAYS))


@cache
def all_texts() -> frozenset[str]:
    return frozenset(text for message in catalogues.texts() for text in catalogues.forms(message.id) if text)


@pytest.fixture
def spanish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The Spanish catalogue of a console with one small page."""
    (tmp_path / "page.html").write_text(PAGE, encoding="utf-8")
    (tmp_path / "es.po").write_text(SPANISH, encoding="utf-8")
    monkeypatch.setattr(catalogues, "CODE", tmp_path)
    monkeypatch.setattr(words, "FOLDER", tmp_path)
    return tmp_path / "es.po"


def test_every_text_has_its_words_in_every_language_and_no_others_are_there():
    assert not catalogues.faults(), "run `python -m services.console.cli words`, then translate what it names"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (SIGN_OUT, "", "missing: 'Sign out'"),
        ("Cerrar sesión", "", "missing: 'Sign out'"),
        (SIGN_OUT, f"{SIGN_OUT}\n{UNUSED}", "unused: 'No page says this'"),
        (SIGN_OUT, f"#, fuzzy\n{SIGN_OUT}", "fuzzy: 'Sign out'"),
        ("Cerrar sesión", "%(name)s: cerrar sesión", "other placeholders: 'Sign out'"),
        ("Cerrar sesión", "100 % cerrar", "other placeholders: 'Sign out'"),
        ("%(done)s de %(all)s", "%(done)s", "other placeholders: '%(done)s of %(all)s'"),
        ("%(done)s de %(all)s", "%(hecho)s de %(all)s", "other placeholders: '%(done)s of %(all)s'"),
        ('"%(num)s personas"', '"personas"', "other placeholders: '%(num)s person'"),
        ("%(num)s días más", "muchos días más", "other placeholders: 'one more day'"),
        ("un día más", "%(count)s día más", "other placeholders: 'one more day'"),
        ('msgstr[1] "%(num)s personas"\n', "", "missing: '%(num)s person'"),
    ],
)
def test_a_mistake_in_a_catalogue_is_named(spanish: Path, old: str, new: str, fault: str):
    assert not catalogues.faults()
    assert CliRunner().invoke(cli, ["words", "--check"]).exit_code == 0
    spanish.write_text(SPANISH.replace(old, new), encoding="utf-8")
    assert catalogues.faults() == [f"es.po: {fault}"]
    before = spanish.read_bytes()
    result = CliRunner().invoke(cli, ["words", "--check"])
    assert (result.exit_code, result.stderr) == (1, f"es.po: {fault}\n")
    assert spanish.read_bytes() == before


def test_a_language_with_more_plural_forms_needs_them_all(spanish: Path):
    spanish.write_text(SPANISH.replace("nplurals=2; plural=(n != 1);", "nplurals=3; plural=(n > 2);"), encoding="utf-8")
    assert catalogues.faults() == ["es.po: missing: '%(num)s person'", "es.po: missing: 'one more day'"]


def test_a_text_whose_english_plural_has_changed_is_translated_anew(spanish: Path):
    spanish.write_text(SPANISH.replace("%(num)s people", "%(num)s persons"), encoding="utf-8")
    assert catalogues.faults() == ["es.po: unused: '%(num)s person'", "es.po: missing: '%(num)s person'"]
    catalogues.update()
    assert catalogues.faults() == ["es.po: missing: '%(num)s person'"]


def test_the_command_keeps_translations_adds_and_drops_texts_and_marks_nothing_as_fuzzy(spanish: Path):
    said = SPANISH.replace(SIGN_OUT, f"# A comment of the translator.\n{SIGN_OUT}")
    new = 'msgid "Sign in"\nmsgstr ""\n'
    spanish.write_text(f"{said}\n{UNUSED}", encoding="utf-8")
    (spanish.parent / "page.html").write_text(PAGE + '{{ _("Sign in") }}', encoding="utf-8")
    for _ in range(2):
        result = CliRunner().invoke(cli, ["words"])
        assert (result.exit_code, result.stderr) == (0, "es.po: missing: 'Sign in'\n")
        assert spanish.read_text(encoding="utf-8") == said.replace("# A comment", f"{new}\n# A comment") + "\n"


@pytest.fixture
def french(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A console with a further file among its catalogues."""
    folder = tmp_path / "locales"
    shutil.copytree(words.FOLDER, folder)
    head = HEAD.format(language="fr", plurals="nplurals=2; plural=(n > 1);")
    (folder / "fr.po").write_text(f'{head}msgid "Sign in"\nmsgstr "Se connecter"\n', encoding="utf-8")
    monkeypatch.setattr(words, "FOLDER", folder)
    words.all_words.cache_clear()
    yield
    words.all_words.cache_clear()


async def test_a_further_language_is_one_file(french: None, world: World):
    assert words.words_for(None, "fr-CA, en;q=0.5").language == "fr"
    browser = world.anonymous()
    answer = await browser.post("/language", data={"language": "fr", "to": "/"})
    assert "enlace-language=fr" in answer.headers["set-cookie"]
    page = await browser.get("/")
    assert '<html lang="fr">' in page.text
    assert "Se connecter" in page.text
    assert "Français" in page.text


def test_every_way_to_mark_a_text_in_python_is_found():
    source = """
TABLE = {"a": N_("marked " "in two parts"), **{"b": N_("marked")}}
def page(self, person, late, words):
    person.words("%(name)s was saved.", name="x")
    self.words("late" if late else "in time", span=1)
    words.some("%(num)s offer", "%(num)s offers", 3)
    person.words.some("%(num)s need", "%(num)s needs", 3)
    words(TABLE["a"])
    some(ids)
    other("not marked")
"""
    assert set(catalogues.of_python(source)) == {
        "marked in two parts",
        "marked",
        "%(name)s was saved.",
        "late",
        "in time",
        ("%(num)s offer", "%(num)s offers"),
        ("%(num)s need", "%(num)s needs"),
    }


def test_every_way_to_mark_a_text_in_a_template_is_found():
    source = """
{{ _("Said") }} <p title="{{ _('%(span)s left', span=x) }}">{{ _("late" if late else "in time") }}</p>
{{ ngettext("%(num)s offer", "%(num)s offers", count) }} {{ words("Work") }} {{ words(view.name) }}
{{ words.some("%(num)s need", "%(num)s needs", count) }}
    {% trans name=person.name %}
    Hello %(name)s, {{ name }}
    {% endtrans %}
{% trans count=offers|length %}one{% pluralize %}{{ count }} of them{% endtrans %} not marked {{ "neither" }}
"""
    assert set(catalogues.of_template(source)) == {
        "Said",
        "%(span)s left",
        "late",
        "in time",
        ("%(num)s offer", "%(num)s offers"),
        ("%(num)s need", "%(num)s needs"),
        "Work",
        "    Hello %%(name)s, %(name)s\n",
        ("one", "%(count)s of them"),
    }


@pytest.mark.parametrize("source", ['words(f"{x} saved")', 'words("a" + x)', "N_(x)", "words.some(*both, 3)"])
def test_a_text_that_is_put_together_in_python_is_refused(source: str):
    with pytest.raises(catalogues.ComputedText):
        list(catalogues.of_python(source))


@pytest.mark.parametrize("source", ["_(x)", '_("a" ~ x)', 'words("a" ~ x)', "ngettext(one, more, 3)"])
def test_a_text_that_is_put_together_in_a_template_is_refused(source: str):
    with pytest.raises(catalogues.ComputedText):
        list(catalogues.of_template("{{ " + source + " }}"))


class Shown(HTMLParser):
    """Words that stand in a page as they are in the template."""

    def __init__(self) -> None:
        super().__init__()
        self.words: set[str] = set()

    def handle_data(self, data: str) -> None:
        self.words |= set(re.findall(r"[^\W\d_]{2,}", data))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in SHOWN_ATTRIBUTES:
                self.handle_data(value or "")


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('<p class="card">{{ _("Said") }}</p>', set()),
        ("<p>{% if x %}Not marked{% endif %}</p>", {"Not", "marked"}),
        ('<a title="Neither" href="/x">{{ x }}</a>', {"Neither"}),
    ],
)
def test_words_outside_the_marked_texts_are_seen(source: str, found: set[str]):
    assert _unmarked(source) == found


def _unmarked(source: str) -> set[str]:
    shown = Shown()
    shown.feed("".join(value for _, kind, value in pages.reader().lex(source) if kind == "data"))
    shown.close()
    return shown.words


@pytest.mark.parametrize(
    "file", sorted(pages.TEMPLATES.rglob("*.html")), ids=lambda file: f"{file.parent.name}-{file.stem}"
)
def test_a_template_has_no_words_but_marked_texts(file: Path):
    macros_of_attributes = {"aria", "describedby", "invalid", "hint", "fault", "true"}
    assert _unmarked(file.read_text(encoding="utf-8")) <= {"Enlace"} | macros_of_attributes


def test_the_texts_of_all_tables_are_found():
    tables = {text for table in LABELS.values() for text in table.values()}
    lists = {text for one in LISTS.values() for text in (one.title, one.hint)}
    assert tables | lists | set(REFUSALS.values()) | {view.name for view in menu.VIEWS} <= all_texts()


def test_no_text_has_the_name_of_a_code_or_markup():
    translated = []
    for file in words.FOLDER.glob("*.po"):
        with file.open("rb") as lines:
            catalogue = read_po(lines, locale=file.stem)
        translated += [text for message in catalogue if message.id for text in catalogues.forms(message.string or "")]
    plain = [re.sub(r"%\(\w+\)s", "", text) for text in [*all_texts(), *translated]]
    assert len(plain) > 1000
    assert not [text for text in plain if CODE_NAME.search(text)]
