"""The printed sheet of wristbands (pure)."""

from collections.abc import Sequence
from html import escape
from typing import Final

import segno

SHEET_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
"""The Content Security Policy of a sheet: it loads nothing and runs nothing."""
_STYLE: Final = """
body { font: 14pt sans-serif; margin: 8mm; }
h1 { font-size: 12pt; font-weight: normal; }
ol { display: grid; grid-template-columns: repeat(4, 1fr); gap: 4mm; list-style: none; padding: 0; }
li { border: 1px dashed #666; padding: 3mm; text-align: center; break-inside: avoid; }
svg { width: 26mm; height: 26mm; display: block; margin: 0 auto 2mm; }
code { font: bold 15pt monospace; letter-spacing: .06em; }
"""


def sheet_html(codes: Sequence[str], *, heading: str) -> str:
    """A page to print: each band with its code as a QR symbol and as text. It names nobody, and no address."""
    bands = "".join(f"<li>{_symbol(code)}<code>{escape(code)}</code></li>" for code in codes)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(heading)}</title>'
        f"<style>{_STYLE}</style><h1>{escape(heading)}</h1><ol>{bands}</ol></html>"
    )


def _symbol(code: str) -> str:
    # Level Q can be read when a quarter of the symbol is damaged, as bands get wet and torn.
    symbol = segno.make(code, error="q", micro=False, boost_error=False)
    return str(symbol.svg_inline(border=4, omitsize=True, svgclass=None, lineclass=None))
