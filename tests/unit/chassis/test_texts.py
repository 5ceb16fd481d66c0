"""Small formats: cursors, keys, entity tags, bodies that cannot be stored."""

import contextlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.chassis.errors import InvalidInput
from libs.chassis.etag import Condition, PreconditionRequired, VersionMismatch, etag_of
from libs.chassis.idempotency import KeyInvalid, parse_key
from libs.chassis.input_guard import checked_body
from libs.chassis.paging import PageRequest, page_of, read_cursor, write_cursor

SECRET = b"sample-secret"
texts = st.text(st.characters(codec="utf-8"), max_size=30)


@given(st.lists(texts, max_size=4))
def test_a_cursor_gives_back_what_was_put_in(values):
    assert read_cursor(write_cursor(values, path="/v1/things", secret=SECRET), path="/v1/things", secret=SECRET) == (
        values
    )


@given(st.lists(texts, min_size=1, max_size=2))
def test_a_cursor_is_good_for_its_own_list_and_key_only(values):
    cursor = write_cursor(values, path="/v1/things", secret=SECRET)
    for path, secret in (("/v1/others", SECRET), ("/v1/things", b"another")):
        with pytest.raises(InvalidInput):
            read_cursor(cursor, path=path, secret=secret)


@given(st.text(max_size=60))
def test_no_text_at_all_is_taken_for_a_cursor(text):
    with pytest.raises(InvalidInput) as refused:
        read_cursor(text, path="/v1/things", secret=SECRET)
    assert [error.pointer for error in refused.value.errors] == ["after"]


def test_the_last_page_has_no_next():
    request = PageRequest(limit=2, after=None, path="/", secret=SECRET)
    assert page_of([1, 2], request=request, cursor_of=lambda row: [str(row)]).next is None
    page = page_of([1, 2, 3], request=request, cursor_of=lambda row: [str(row)], view=lambda row: row * 10)
    assert page.items == [10, 20]
    assert read_cursor(page.next or "", path="/", secret=SECRET) == ["2"]


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=255))
def test_every_printable_key_can_be_sent_in_quotes(key):
    quoted = '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert parse_key(quoted) == key


@pytest.mark.parametrize("key", ["8e03978e-40d5", "a", "x" * 255, "it's", "a,b;c=d"])
def test_a_bare_key_is_taken_as_it_is(key):
    assert parse_key(key) == key


@pytest.mark.parametrize("key", ["", '""', "a b", '"a', 'a"', "\x7f", "ñ", "x" * 256, '"a"b"', '"\\x"'])
def test_other_keys_are_refused(key):
    with pytest.raises(KeyInvalid):
        parse_key(key)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_an_entity_tag_names_one_version(one, other):
    condition = Condition(etag_of(one))
    if one == other:
        condition.check(other)
    else:
        with pytest.raises(VersionMismatch):
            condition.check(other)


def test_conditions_of_a_put():
    Condition(None).check(None)
    Condition(None, "*").check(None)
    Condition("*").check(4)
    Condition('"4"', '"5"').check(4)
    for condition, version in (
        (Condition(None, "*"), 4),
        (Condition('"4"'), None),
        (Condition("*"), None),
        (Condition("*", 'W/"4"'), 4),
    ):
        with pytest.raises(VersionMismatch):
            condition.check(version)
    with pytest.raises(PreconditionRequired):
        Condition(None).check(4)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(json_values, st.booleans())
def test_what_can_be_stored_passes(value, escaped):
    checked_body(json.dumps(value, ensure_ascii=escaped).encode(), "application/json; charset=utf-8")


@given(json_values, st.sampled_from(["a\0b", "\ud800", 2**63, -(2**63) - 1, float("inf"), float("nan")]))
def test_what_cannot_be_stored_is_refused_wherever_it_hides(value, bad):
    with pytest.raises(InvalidInput) as refused:
        checked_body(json.dumps({"a": [value, {"b~/": bad}]}).encode(), "application/merge-patch+json")
    assert "/a/1/b~0~1" in {error.pointer for error in refused.value.errors}


@given(json_values)
def test_a_byte_order_mark_is_dropped_and_changes_nothing(value):
    text = json.dumps({"a": value}).encode()
    assert checked_body(b"\xef\xbb\xbf" + text, "application/json") == text
    with pytest.raises(InvalidInput):
        checked_body(text.decode().encode("utf-16"), "application/json")


@pytest.mark.parametrize(
    ("text", "pointer", "rule"),
    [
        ('{"birth_date": "2015-01-01", "birth_date": "1990-01-01"}', "/birth_date", "repeated-key"),
        ('{"a": [{"b": {"c": 1, "c": 1}}]}', "/a/0/b/c", "repeated-key"),
        ('{"a": 1, "\\u0061": 2}', "/a", "repeated-key"),
        ("[" * 66 + "]" * 66, "/0" * 64, "too-deep"),
        ("[" * 200_000, "", "too-deep"),
    ],
)
def test_json_that_two_readers_understand_in_two_ways_is_refused_with_its_place(text, pointer, rule):
    with pytest.raises(InvalidInput) as refused:
        checked_body(text.encode(), "application/json")
    assert [(error.pointer, error.rule) for error in refused.value.errors] == [(pointer, rule)]


@pytest.mark.parametrize("header", ['W/"4"', '"7", W/"4"', ' "4" ', "*", '"4",', '"1"\t,\t"4"'])
def test_a_tag_that_a_proxy_has_weakened_or_a_list_names_the_version_all_the_same(header):
    Condition(header).check(4)
    with pytest.raises(VersionMismatch):
        Condition(None, header).check(4)


@pytest.mark.parametrize(
    "header",
    ["4", "", " ", ",", '"4', '4"', 'w/"4"', "W/4", '"4" "5"', '"4", *', "''4''", '""4""', "\u201c4\u201d", '"4\x7f"'],
)
def test_what_is_no_tag_is_refused_by_name_and_not_called_changed(header):
    for arguments, name in (((header,), "If-Match"), ((None, header), "If-None-Match")):
        with pytest.raises(InvalidInput) as refused:
            Condition(*arguments)
        assert [(error.pointer, error.rule) for error in refused.value.errors] == [(name, "etag")]


def test_a_long_header_is_read_in_one_pass():
    """Time that grows with the square of the length takes minutes for the last of these."""
    started = time.process_time()
    for filling in (" ", '"', ",", 'W/"', '"a" ', '"a",'):
        for header in (f"x{filling * 300_000}x", filling * 300_000):
            with contextlib.suppress(InvalidInput):
                Condition(header)
    assert time.process_time() - started < 5


def test_a_nul_in_a_text_body_is_refused():
    checked_body(b"a,b\n1,2\n", "text/csv")
    with pytest.raises(InvalidInput):
        checked_body(b"a,\0\n", "text/csv")
