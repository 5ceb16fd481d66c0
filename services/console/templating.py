"""Templates of one language: texts without values are translated when a template is read, not each time a page is made.

A list of fifty rows has several hundred such texts; looking each of them up took longer than the list's own call.
"""

from __future__ import annotations

import gettext
from typing import Any, Final

from jinja2 import Environment, nodes
from jinja2.visitor import NodeTransformer

_MARKS: Final = frozenset({"_", "gettext"})


class OneLanguage(Environment):
    """Templates in the language of a catalogue."""

    catalogue: gettext.NullTranslations

    @classmethod
    def of(cls, catalogue: gettext.NullTranslations, **options: Any) -> OneLanguage:
        """The environment for this catalogue. Templates are read once: a new version is a new process."""
        made = cls(**options, auto_reload=False)
        made.catalogue = catalogue
        install: Any = made
        install.install_gettext_translations(catalogue, newstyle=True)
        return made

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        read: nodes.Template = _Translating(self.catalogue).visit(super()._parse(source, name, filename))
        return read


class _Translating(NodeTransformer):
    def __init__(self, catalogue: gettext.NullTranslations) -> None:
        self._catalogue = catalogue

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 (Jinja's name)
        """`_("…")` becomes its translation; a call with values stays, with its text translated by Jinja later."""
        self.generic_visit(node)
        if not (isinstance(node.node, nodes.Name) and node.node.name in _MARKS):
            return node
        if len(node.args) != 1 or not isinstance(node.args[0], nodes.Const):
            return node
        if node.kwargs or node.dyn_args or node.dyn_kwargs:
            return node
        # As Jinja does it: the text may have HTML and is a format, so `%%` stands for `%`.
        return nodes.TemplateData(self._catalogue.gettext(node.args[0].value) % {}, lineno=node.lineno)
