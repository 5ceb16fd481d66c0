"""The check of a pack refuses an instrument that asks in vain, too much, or what nobody may ask."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.packs.check import faults
from libs.chassis.yaml_files import FaultyFileError
from libs.instruments.decisions import STATISTICS
from libs.instruments.loading import to_publish
from libs.instruments.published import LOCK
from libs.taxonomy.model import load_taxonomy
from services.referral.statistics.api import router as statistics
from services.registration.pack import instruments_of, load_pack, load_packets

ROOT = Path(__file__).resolve().parents[3]
PACKS = ROOT / "deploy" / "packs"
Edit = Callable[[dict[str, Any]], object]


TAXONOMY = load_taxonomy(PACKS / "guatemala")
PACKETS = load_packets(PACKS / "guatemala", TAXONOMY)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PACKS / "guatemala", tmp_path / "pack"))


def written(pack: Path, name: str, edit: Edit, *, as_file: str | None = None, publish: bool = True) -> None:
    """Change an instrument as if it had never been published otherwise."""
    folder = pack / "instruments"
    content = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
    edit(content)
    (folder / (as_file or name)).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    if publish:
        (folder / LOCK).unlink()
        (folder / LOCK).write_text(to_publish(pack)[1], encoding="utf-8")


def question(content: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in content["questions"] if one["id"] == name)


def one_more(**more: Any) -> Edit:
    """A question after the others."""
    text = {"es": "¿Quiere agua?", "en": "Do you want water?"}
    new = {"id": "one_more", "type": "yes_no", "text": text, "serves": ["statistic:needs"], **more}
    return lambda content: content["questions"].append(new)


def changed(name: str, **more: Any) -> Edit:
    return lambda content: question(content, name).update(more)


def under(name: str, keys: str, value: Any) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        here = question(content, name) if name else content
        *path, last = keys.split(".")
        for key in path:
            here = here[key]
        here[last] = value

    return edit


TRIAGE, HEALTH, SAFETY, AGAIN = (
    f"{name}.1.yaml" for name in ("triage", "vulnerability", "protection_indicators", "reintegration_needs")
)
TALK = "protection_screening.1.yaml"
REFUSED: dict[str, tuple[str, Edit, str]] = {
    "a question that serves no decision": (HEALTH, one_more(serves=[]), "one_more: serves no decision"),
    "a decision that is no decision": (HEALTH, one_more(serves=["interest"]), "must begin with need:"),
    "a rule that does not exist": (HEALTH, one_more(serves=["need:water"]), "the instrument has no rule water"),
    "a rule that does not read it": (HEALTH, one_more(serves=["need:medicine"]), "the rule medicine does not read"),
    "a routing fact that does not exist": (HEALTH, one_more(serves=["routing:shoe_size"]), "there is no such decision"),
    "a consent that does not exist": (HEALTH, one_more(serves=["consent:anything"]), "there is no such decision"),
    "a statistic that does not exist": (HEALTH, one_more(serves=["statistic:tears"]), "there is no such decision"),
    "a sixth question of the triage": (TRIAGE, one_more(), "a triage has at most 5 questions, and this one has 6"),
    "a question about trafficking": (HEALTH, under("expecting", "text.es", "¿Fue víctima de trata?"), "(es: trata)"),
    "the same in English": (HEALTH, under("expecting", "text.en", "Were you TRAFFICKED?"), "(en: traffick*)"),
    "the same with an accent": (HEALTH, under("expecting", "text.es", "¿Hubo tráfico?"), "(es: trafic*)"),
    "the same in an option": (HEALTH, under("moving", "options.chair.es", "Fui esclavo"), "(es: esclav*)"),
    "the same in an id": (HEALTH, one_more(id="was_exploited"), "was_exploited names trafficking"),
    "a language whose words nobody has listed": (
        HEALTH, under("", "languages.quc", {"status": "draft"}), "languages.quc: there is no list of forbidden words"),
    "an indicator that is not restricted": (
        SAFETY, changed("free_to_choose", restricted=False), "serves a review, so it must be restricted"),
    "a restricted question for a need": (
        HEALTH, changed("expecting", restricted=True, shown_to=[]), "a restricted question serves reviews only"),
    "a need that reads an indicator": (
        SAFETY,
        under("", "needs", {"help": {"when": {"question": "free_to_choose", "equals": "no"}, "category": "legal"}}),
        "needs.help: reads a restricted question"),
    "a skip that tells an indicator": (
        SAFETY, changed("others_speak_for", ask_if={"question": "free_to_choose", "equals": "no"}),
        "whether it is asked would tell the answer"),
    "a need of a restricted category": (
        HEALTH, under("", "needs.calm", {"when": {"question": "sleep_and_worry", "equals": "cannot"},
                                         "category": "gbv"}), "gbv is restricted"),
    "a review of a category without review": (SAFETY, under("", "reviews.at_home.category", "food"), "food must be"),
    "a skip on an unknown question": (
        HEALTH, changed("expecting", ask_if={"question": "nothing", "equals": "yes"}), "there is no question nothing"),
    "a skip on an unknown answer": (
        HEALTH, changed("expecting", ask_if={"question": "daily_medicine", "equals": "maybe"}), "has no answer maybe"),
    "a skip on words": (
        HEALTH, changed("moving", ask_if={"question": "which_medicine", "equals": "insulin"}), "no condition can read"),
    "a skip on one of several answers as if it were one": (
        HEALTH, changed("expecting", ask_if={"question": "moving", "equals": "chair"}), "has several answers; use in"),
    "a circle": (
        HEALTH,
        lambda it: (changed("daily_medicine", ask_if={"question": "expecting", "equals": "yes"})(it),
                    changed("expecting", ask_if={"question": "daily_medicine", "equals": "yes"})(it)),
        "a circle: "),
    "a question that asks itself": (
        HEALTH, changed("expecting", ask_if={"question": "expecting", "equals": "yes"}), "a circle: "),
    "a skip on a later question": (
        HEALTH, changed("daily_medicine", ask_if={"question": "expecting", "equals": "yes"}), "comes after daily_medi"),
    "a question that can never be asked": (
        HEALTH,
        changed("expecting", ask_if={"all": [{"question": "daily_medicine", "equals": "yes"},
                                             {"question": "daily_medicine", "equals": "no"}]}),
        "expecting can never be asked"),
    "one that is asked only after one that is not": (
        HEALTH,
        changed("expecting", ask_if={"all": [{"question": "daily_medicine", "equals": "no"},
                                             {"question": "medicine_lasts", "equals": "none"}]}),
        "expecting can never be asked"),
    "a rule that can never hold": (
        HEALTH,
        under("", "needs.mobility.when", {"all": [{"question": "moving", "in": ["chair"]},
                                                  {"not": {"question": "moving", "in": ["chair"]}}]}),
        "needs.mobility.when: can never hold"),
    "a question without id": (HEALTH, lambda it: it["questions"][0].pop("id"), "questions.0.id: Field required"),
    "an id of two questions": (HEALTH, one_more(id="expecting"), "expecting is the id of two questions"),
    "a choice without options": (HEALTH, one_more(type="one_of"), "a one_of needs at least two options"),
    "options of a number": (
        HEALTH, one_more(type="number", options={"aa": {"es": "A", "en": "A"}}), "a number has no options"),
    "limits of words": (HEALTH, one_more(type="text", at_most=3), "only a number has at_most"),
    "a kind that does not exist": (HEALTH, under("", "needs.baby.kind", "toys"), "toys is not a kind of taxonomy.yaml"),
    "a need without kind and category": (HEALTH, lambda it: it["needs"]["baby"].pop("kind"), "either a kind or a cat"),
    "a category that does not exist": (
        HEALTH, lambda it: (it["needs"]["baby"].pop("kind"), it["needs"]["baby"].update(category="toys")),
        "toys is not a category of taxonomy.yaml"),
    "an answer shown to nobody known": (HEALTH, changed("expecting", shown_to=["police"]), "police is neither a categ"),
    "an answer shown to a restricted category": (HEALTH, changed("expecting", shown_to=["gbv"]), "gbv is a restricted"),
    "a sealed answer that is shown": (HEALTH, changed("sleep_and_worry", shown_to=["mhpss"]), "is shown to nobody"),
    "a text that lacks an approved language": (HEALTH, lambda it: question(it, "moving")["text"].pop("en"), "lacks"),
    "a text in a language of nobody": (HEALTH, under("moving", "text.fr", "Oui?"), "languages do not have fr"),
    "an approval of nobody": (HEALTH, lambda it: it["languages"]["en"].pop("by"), "does not say by whom"),
    "an instrument without an approved language": (
        HEALTH, lambda it: [one.update(status="reviewed") for one in it["languages"].values()], "no language is appro"),
    "a survey of reintegration without its label": (AGAIN, lambda it: it.pop("label"), "must be UNOFFICIAL-equal-wei"),
    "a survey that takes the official name": (AGAIN, under("", "title.en", "Our RSS"), "the name of the official surv"),
    "a second triage": (HEALTH, lambda it: it.update(use="triage", questions=it["questions"][:5]), "is a triage too"),
    "a second screening": (
        HEALTH, lambda it: it.update(use="screening", certificate="protection_screening"), "is a screening too"),
    "a screening without a certificate": (TALK, lambda it: it.pop("certificate"), "names the kind of certificate"),
    "a screening with an unknown certificate": (
        TALK, under("", "certificate", "driving"), "driving is not a kind of certificates.yaml"),
    "an ordinary instrument with a certificate": (
        HEALTH, under("", "certificate", "protection_screening"), "a screening, and nothing else"),
    "a question of a screening in clear": (TALK, changed("pay", restricted=False), "every question of a screening is"),
    "words in a screening": (TALK, one_more(type="text"), "a screening has codes only"),
    "a screening with needs": (
        TALK, under("", "needs", {"help": {"when": {"question": "pay", "equals": "none"}, "category": "legal"}}),
        "a screening leads to reviews only"),
    "a screening that is too long to be sealed with the others": (
        TALK, one_more(type="several_of", options={f"o{n}" + "x" * 30: {"es": "A", "en": "A"} for n in range(300)}),
        "all answers together may take"),
    "code in a condition": (HEALTH, changed("expecting", ask_if="1 == 1"), "questions.4.ask_if: "),
    "a field that nobody knows": (HEALTH, one_more(colour="red"), "colour: Extra inputs are not permitted"),
}  # fmt: skip


@pytest.mark.parametrize("why", REFUSED)
def test_an_instrument_is_refused_with_its_file_and_place(pack: Path, why: str) -> None:
    name, edit, fault = REFUSED[why]
    written(pack, name, edit, publish=False)
    with pytest.raises(FaultyFileError) as refused:
        instruments_of(pack, TAXONOMY, PACKETS)
    found = [str(one) for one in refused.value.faults if one.file == name or one.file == "vulnerability.1.yaml"]
    assert any(fault in one for one in found), found


def test_the_check_and_a_service_that_starts_refuse_a_faulty_instrument(pack: Path) -> None:
    written(pack, HEALTH, one_more(serves=[]))
    assert any(one.startswith("vulnerability.1.yaml:") and "serves no decision" in one for one in faults(pack))
    with pytest.raises(FaultyFileError, match="one_more: serves no decision") as refused:
        load_pack(pack)
    assert any("vulnerability.1.yaml" in place for place in refused.value.refused_settings)


def test_two_files_cannot_be_one_version(pack: Path) -> None:
    written(pack, HEALTH, lambda it: it, as_file="again.yaml", publish=False)
    assert any("again.yaml is version 1 of vulnerability too" in one for one in faults(pack))


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (changed("expecting", required=True), "was changed after it was published"),
        (under("", "needs.baby.urgency", "normal"), "was changed after it was published"),
        (lambda it: it["questions"].reverse(), "was changed after it was published"),
        (under("expecting", "text.es", "¿Espera un bebé?"), "the texts in es were changed"),
        (lambda it: it["languages"]["en"].update(status="draft"), "the texts in en were changed"),
        (lambda it: it.update(published=False), "was published, and stays so"),
    ],
)
def test_a_published_version_cannot_change(pack: Path, edit: Edit, fault: str) -> None:
    written(pack, HEALTH, edit, publish=False)
    assert any(fault in one for one in faults(pack))
    run = publish(pack)
    assert run.returncode == 1 or "nothing new" in run.stdout, "no command makes it right"
    assert any(fault in one for one in faults(pack))


def test_a_published_version_cannot_be_removed(pack: Path) -> None:
    (pack / "instruments" / HEALTH).unlink()
    assert any("vulnerability.1: was published, and its file is missing" in one for one in faults(pack))


def test_a_draft_of_a_language_may_be_added_and_changed_and_is_published_when_it_is_approved(pack: Path) -> None:
    def translated(status: str, text: str) -> Edit:
        def edit(content: dict[str, Any]) -> None:
            content["languages"]["en"] = {"status": status, "by": "a reviewer", "day": "2026-12-01"}
            question(content, "unwell_now")["text"]["en"] = text

        return edit

    def spanish_only(content: dict[str, Any]) -> None:
        content["languages"].pop("en")
        content["title"].pop("en")
        for one in content["questions"]:
            for texts in (one["text"], *one.get("options", {}).values()):
                texts.pop("en")

    written(pack, TRIAGE, spanish_only)
    assert faults(pack) == []
    shutil.copy(pack / "instruments" / LOCK, pack / "before")
    english = yaml.safe_load((PACKS / "guatemala" / "instruments" / TRIAGE).read_text(encoding="utf-8"))
    for status, text in (("draft", "Feel bad?"), ("reviewed", "Do you feel bad?")):
        written(pack, TRIAGE, lambda it: (it.clear(), it.update(english)), publish=False)
        written(pack, TRIAGE, translated(status, text), publish=False)
        assert faults(pack) == []
        assert load_pack(pack).instruments.current["triage"].approved == ("es",)
    written(pack, TRIAGE, translated("approved", "Do you feel unwell?"), publish=False)
    assert any("an approved language that is not in the lock file" in one for one in faults(pack))
    assert "published triage.1" in publish(pack).stdout
    assert faults(pack) == []
    assert (pack / "before").read_text() != (pack / "instruments" / LOCK).read_text()


def test_a_new_version_needs_a_file_of_its_own_and_its_checksum(pack: Path) -> None:
    written(pack, TRIAGE, lambda it: it.update(version=2), as_file="triage.2.yaml", publish=False)
    assert any("triage.2 is published, but its checksum is not in the lock file" in one for one in faults(pack))
    assert "published triage.2" in publish(pack).stdout
    instruments = load_pack(pack).instruments
    assert (instruments.current["triage"].version, instruments.find("triage", 1) is not None) == (2, True)


def test_a_version_that_is_not_published_is_not_there(pack: Path) -> None:
    written(pack, TRIAGE, lambda it: it.update(version=2, published=False), as_file="triage.2.yaml", publish=False)
    assert faults(pack) == []
    instruments = load_pack(pack).instruments
    assert (instruments.current["triage"].version, instruments.find("triage", 2)) == (1, None)


def test_a_pack_without_instruments_is_a_pack(pack: Path) -> None:
    shutil.rmtree(pack / "instruments")
    assert faults(pack) == []
    assert load_pack(pack).instruments.current == {}


@pytest.mark.parametrize("name", ["ethiopia", "guatemala", "honduras"])
def test_every_pack_of_the_project_begins_with_at_most_five_questions(name: str) -> None:
    current = load_pack(PACKS / name).instruments.current
    assert len(current["triage"].questions) <= 5
    if name == "guatemala":
        assert {one.use.value for one in current.values()} == {"triage", "vulnerability", "protection", "reintegration"}
        assert all(one.approved == ("es", "en") for one in current.values())


def test_the_statistics_that_a_question_may_serve_are_calculated() -> None:
    paths = {getattr(route, "path", "") for route in statistics.routes}
    assert {"needs": "/v1/statistics", "unmet_needs": "/v1/work-lists/unmet/summary"}.keys() == STATISTICS
    assert {"/v1/statistics", "/v1/work-lists/unmet/summary"} <= paths


def publish(pack: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.packs", "publish", str(pack)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
