"""Brings the catalogues of the words up to date with the texts of code and templates, and finds what is wrong in them.

The catalogues have no line numbers and no dates, and their order is fixed: a second run changes nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po
from jinja2 import nodes

from services.console import pages, words

CODE: Final = Path(__file__).parent
_OF_BOTH: Final = {"words": 1, "words.some": 2}
_OF_PYTHON: Final[Mapping[str, int]] = {"N_": 1, **_OF_BOTH}
_OF_TEMPLATES: Final[Mapping[str, int]] = {"_": 1, "gettext": 1, "ngettext": 2, **_OF_BOTH}
"""The functions that mark a text, with the number of its forms. `{% trans %}` becomes a call of one of them."""
_MAY_BE_COMPUTED: Final = frozenset({"words"})
"""What may be called with a text that is written down elsewhere, with `N_`."""
_PLACEHOLDER: Final = re.compile(r"%\((\w+)\)s")
_HEAD: Final = """{comment}
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plurals}\\n"

"""

Text = str | tuple[str, ...]


class ComputedText(Exception):  # noqa: N818 (it names what was found)
    """A text is put together in the call, so that no catalogue can have it."""


def texts() -> Catalog:
    """All texts of the console's Python files and templates."""
    catalogue = Catalog()
    for kind, found_in in (("py", of_python), ("html", of_template)):
        for file in sorted(CODE.rglob(f"*.{kind}")):
            try:
                for text in found_in(file.read_text(encoding="utf-8")):
                    catalogue.add(text)
            except ComputedText as found:
                raise ComputedText(f"{file.relative_to(CODE)}, line {found}") from found
    return catalogue


def of_python(source: str) -> Iterator[Text]:
    """The marked texts of a Python file. A choice (`"…" if … else "…"`) has two; Babel's own extraction joins them."""
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and (count := _OF_PYTHON.get(name := _called(call.func))):
            yield from _forms(call.lineno, name, [_told(one) for one in call.args[:count]])


def _called(function: ast.expr) -> str:
    match function:
        case ast.Attribute(value=ast.Name(id="words") | ast.Attribute(attr="words"), attr="some"):
            return "words.some"
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _told(given: ast.expr) -> Sequence[str] | None:
    """The texts that an argument may be: none if they are put together here; None if they come from elsewhere."""
    match given:
        case ast.Constant(value=str() as text):
            return [text]
        case ast.IfExp(body=one, orelse=other):
            return [*(_told(one) or ()), *(_told(other) or ())]
        case ast.JoinedStr() | ast.BinOp() | ast.Starred():
            return []
        case _:
            return None


def of_template(source: str) -> Iterator[Text]:
    """The marked texts of a template, which is read as pages read it."""
    for call in pages.reader().parse(source).find_all(nodes.Call):
        if count := _OF_TEMPLATES.get(name := _used(call.node)):
            yield from _forms(call.lineno, name, [_written(one) for one in call.args[:count]])


def _used(function: nodes.Node) -> str:
    match function:
        case nodes.Getattr(node=nodes.Name(name="words"), attr="some"):
            return "words.some"
        case nodes.Name(name=name):
            return str(name)
        case _:
            return ""


def _written(given: nodes.Expr) -> Sequence[str] | None:
    match given:
        case nodes.Const(value=str() as text):
            return [text]
        case nodes.CondExpr(expr1=one, expr2=other):
            return [*(_written(one) or ()), *((other and _written(other)) or ())]
        case nodes.Concat() | nodes.Add() | nodes.Mod():
            return []
        case _:
            return None


def _forms(line: int, name: str, told: Sequence[Sequence[str] | None]) -> Iterator[Text]:
    if name in _MAY_BE_COMPUTED and None in told:
        return
    if not told or not all(told):
        raise ComputedText(f"{line}: {name}(…)")
    yield from told[0] or () if len(told) == 1 else [tuple(one[0] for one in told if one)]


def update() -> None:
    """Write every catalogue anew with the texts of today: translations stay, unused ones go, nothing is guessed."""
    found = texts()
    for file in sorted(words.FOLDER.glob("*.po")):
        file.write_bytes(_written_down(_merged(found, _read(file))))


def _read(file: Path) -> Catalog:
    with file.open("rb") as lines:
        return read_po(lines, locale=file.stem, abort_invalid=True)


def _merged(found: Catalog, before: Catalog) -> Catalog:
    merged = Catalog(before.locale, header_comment=before.header_comment)
    merged.mime_headers = before.mime_headers  # The head of the file says how many plural forms it has.
    for message in _messages(found):
        known = before.get(message.id)
        if known is None or known.id != message.id:
            merged.add(message.id)
        else:
            merged.add(message.id, known.string, flags=known.flags, user_comments=known.user_comments)
    return merged


def _written_down(catalogue: Catalog) -> bytes:
    body = BytesIO()
    write_po(body, catalogue, width=100, no_location=True, omit_header=True, sort_output=True, ignore_obsolete=True)
    head = _HEAD.format(
        comment=catalogue.header_comment, language=catalogue.locale_identifier, plurals=catalogue.plural_forms
    )
    return head.encode() + body.getvalue()


def _messages(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def faults() -> list[str]:
    """What is wrong in the catalogues: texts that are missing, unused or fuzzy, or do not fit the English text."""
    found = texts()
    told = []
    for file in sorted(words.FOLDER.glob("*.po")):
        catalogue = _read(file)
        wrong = [("unused", one) for one in _messages(catalogue) if _same(found, one) is None]
        for message in _messages(found):
            known = _same(catalogue, message)
            fault = "missing" if known is None else _fault(catalogue, known)
            wrong += [(fault, message)] if fault else []
        told += [f"{file.name}: {fault}: {_one(message)}" for fault, message in wrong]
    return told


def _same(catalogue: Catalog, message: Message) -> Message | None:
    known = catalogue.get(message.id)
    return known if known is not None and known.id == message.id else None


def _one(message: Message) -> str:
    return repr(message.id if isinstance(message.id, str) else message.id[0])


def _fault(catalogue: Catalog, known: Message) -> str | None:
    """What is wrong in one translation. Each plural form has the placeholders of the singular or of the plural."""
    told = forms(known.string or "")
    if not all(told):
        return "missing"
    if known.fuzzy:
        return "fuzzy"
    if len(told) != (catalogue.num_plurals if known.pluralizable else 1):
        return "other plural forms"
    asked = [placeholders(text) for text in forms(known.id)]
    given = [placeholders(text) for text in told]
    if given[-1] != asked[-1] or any(one not in asked for one in given):
        return "other placeholders"
    return None


def forms(told: str | Iterable[str]) -> list[str]:
    """The text, or all its forms for numbers."""
    return [told] if isinstance(told, str) else list(told)


def placeholders(text: str) -> frozenset[str]:
    """The names in a text that are replaced by values; another use of the percent sign has a name of its own."""
    rest = _PLACEHOLDER.sub("", text).replace("%%", "")
    return frozenset(_PLACEHOLDER.findall(text)) | ({"%"} if "%" in rest else frozenset())
