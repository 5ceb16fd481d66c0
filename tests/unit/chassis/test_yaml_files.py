"""A mistake in a YAML file is named with the file, the line and the key."""

from pathlib import Path

import pytest

from libs.chassis.yaml_files import FaultyFileError, PackPart, read_model, read_yaml


class Clock(PackPart):
    within: int


class Policy(PackPart):
    version: str
    clocks: dict[str, Clock]
    desks: list[str] = []


GOOD = """# A comment before the first key.
version: one
clocks:
  food: &usual
    within: 60
  health: *usual
desks:
  - first
  - second
"""


def written(directory: Path, text: str | bytes) -> Path:
    path = directory / "policy.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def faults(path: Path) -> list[str]:
    with pytest.raises(FaultyFileError) as refused:
        read_model(Policy, path)
    return [str(fault) for fault in refused.value.faults]


def test_a_file_without_a_mistake_is_its_model(tmp_path: Path) -> None:
    policy = read_model(Policy, written(tmp_path, GOOD))
    assert policy.clocks["health"] == Clock(within=60)
    assert read_yaml(tmp_path / "policy.yaml")["desks"] == ["first", "second"]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("within: 60", "within: soon", "policy.yaml:5: clocks.food.within: Input should be a valid integer"),
        ("    within: 60", "    inside: 60", "policy.yaml:4: clocks.food.within: Field required"),
        ("    within: 60", "    inside: 60", "policy.yaml:5: clocks.food.inside: Extra inputs are not permitted"),
        ("- second", "- 2", "policy.yaml:9: desks.1: Input should be a valid string"),
        ("version: one\n", "", "policy.yaml:2: version: Field required"),
        ("version: one", "version: one\nversion: two", "policy.yaml:3: version: the key occurs twice"),
        ("    within: 60", "    within: 60\n    within: 70", "policy.yaml:6: within: the key occurs twice"),
        ("version: one", "version: 2026-13-45", "policy.yaml:1: a value cannot be read: month must be in 1..12"),
        ("version: one", "version: [", "policy.yaml:4: did not find expected ',' or ']'"),
        ("version: one", "version: !!python/object/apply:os.getcwd []", "policy.yaml:2: could not determine a con"),
    ],
)
def test_a_mistake_is_named_with_line_and_key(tmp_path: Path, old: str, new: str, found: str) -> None:
    told = faults(written(tmp_path, GOOD.replace(old, new)))
    assert any(one.startswith(found) for one in told), told


def test_a_wrong_value_that_is_used_twice_is_named_at_both_keys(tmp_path: Path) -> None:
    told = faults(written(tmp_path, GOOD.replace("within: 60", "within: soon")))
    assert [one.split(": ")[1] for one in told] == ["clocks.food.within", "clocks.health.within"]


def test_merged_keys_do_not_count_as_keys_that_occur_twice(tmp_path: Path) -> None:
    text = GOOD.replace("  health: *usual", "  health:\n    <<: *usual\n    within: 70")
    assert read_model(Policy, written(tmp_path, text)).clocks["health"].within == 70


@pytest.mark.parametrize("text", ["", "- one\n- two\n", "just words\n"])
def test_a_file_without_keys_is_refused(tmp_path: Path, text: str) -> None:
    assert faults(written(tmp_path, text)) == ["policy.yaml:1: the file must have keys with values"]


def test_a_missing_file_and_one_that_is_not_utf_8_are_named(tmp_path: Path) -> None:
    assert faults(tmp_path / "policy.yaml") == ["policy.yaml:1: No such file or directory"]
    assert faults(written(tmp_path, b"version: \xff\n")) == ["policy.yaml:1: the file is not UTF-8"]


def test_the_refusal_of_a_service_shows_place_and_reason(tmp_path: Path) -> None:
    with pytest.raises(FaultyFileError) as refused:
        read_model(Policy, written(tmp_path, GOOD.replace("within: 60", "within: soon")))
    place = "policy.yaml:5: clocks.food.within"
    assert refused.value.refused_settings[place].startswith("Input should be a valid integer")
