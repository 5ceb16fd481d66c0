"""Regular expressions: all are found, judged as they are used, and refused where a text can make one slow."""

from pathlib import Path

import pytest

from deploy.patterns.found import Pattern, Unreadable, as_javascript, of_source, patterns
from deploy.patterns.judged import faults

ROOT = Path(__file__).resolve().parents[2]
OLD_ETAG = r"""\s*(W/)?"([!#-~]*)"\s*(?:,|$)"""
"""With which one header of 30,000 spaces stopped a service for 25 seconds."""


def test_the_old_pattern_of_etags_is_refused_and_the_new_one_is_not():
    new = next(one for one in patterns(ROOT) if one.place.startswith("libs/chassis/etag.py"))
    assert faults([new]) == []
    (fault,) = faults([Pattern("etag.py:1", OLD_ETAG)])
    assert fault.startswith("etag.py:1: vulnerable (2nd degree polynomial)")


@pytest.mark.parametrize("source", ["^(a+)+$", "^(a|a)*$", r"^[a-z]+[a-z0-9]+!$", r"(?P<word>\w+\s?)*$"])
def test_what_grows_faster_than_its_text_is_refused(source):
    assert len(faults([Pattern("here:1", source)])) == 1


def test_the_tree_has_none():
    found = list(patterns(ROOT))
    assert len(found) > 60
    assert faults(found) == []


def test_what_cannot_be_judged_is_a_fault():
    (fault,) = faults([Pattern("here:1", "(unclosed")])
    assert fault == "here:1: unknown (invalid): (unclosed"


def test_a_pattern_is_judged_as_it_is_used():
    """Searching starts again at each character: linear from the start of a text may be quadratic in it."""
    text = 'import re\n_A = re.compile("a*b")\n_A.{}("x")\n'
    assert [one.source for one in of_source(text.format("fullmatch"), "m.py")] == ["^(?:a*b)$"]
    assert [one.source for one in of_source(text.format("match"), "m.py")] == ["^(?:a*b)"]
    assert [one.source for one in of_source(text.format("search"), "m.py")] == ["a*b"]
    assert [one.source for one in of_source(text.format("match") + "f(_A)\n", "m.py")] == ["a*b"]
    assert [one.source for one in of_source(text.replace("_A", "A").format("match"), "m.py")] == ["a*b"]
    assert faults(list(of_source(text.format("search"), "m.py")))
    assert not faults(list(of_source(text.format("fullmatch"), "m.py")))


@pytest.mark.parametrize(
    "text", ['import re\nre.compile("a" + name)', "from re import compile", "Field(pattern=make())"]
)
def test_a_pattern_that_is_no_constant_is_refused(text):
    with pytest.raises(Unreadable, match=r"^m\.py:"):
        list(of_source(text, "m.py"))


def test_flags_and_names_are_told_in_the_other_dialect():
    (found,) = of_source('import re\nre.compile(r"(?P<a>x)\\Z", re.IGNORECASE | re.M)', "m.py")
    assert as_javascript(found) == ("(?<a>x)$", "im")
    assert as_javascript(Pattern("m.py:1", "(?m)^a$")) == ("^a$", "m")
