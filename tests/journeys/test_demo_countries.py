"""A short demo with each country pack other than that of Guatemala: the same code, another country."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from deploy.demo.__main__ import play
from deploy.demo.country import Country
from deploy.demo.pace import prepare
from deploy.demo.story import Options
from deploy.local.supervisor import running_system
from deploy.packs.named import pack_named

pytestmark = [pytest.mark.journey, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("name", ["ethiopia", "honduras"])
async def test_a_flight_and_a_bus_of_another_country_go_from_the_gate_to_accepted_offers(
    name: str, tmp_path: Path
) -> None:
    pack = pack_named(name)
    country = Country.of(pack)
    console = Console(width=160, record=True, file=io.StringIO())
    installation, schedule = prepare(tmp_path, pack)
    async with running_system(installation, say=lambda text: None) as system:
        # So few people do not need every scene.
        options = Options(flight=20, bus=5, acts_must_happen=False)
        kept = await play(system, options, console, schedule=schedule)
    text = console.export_text()
    assert kept, text[text.rindex("The promise") :]
    assert f"{country.directory.country}-" in text
    # A case number of Guatemala, not the middle of a random one: HN-RPGT-4CX8 is a number of Honduras.
    assert not re.search(r"\bGT-", text)
    assert any(service.name in text for service in country.directory.services)
    people = country.sample.people
    assert not any(family in text for family in people.names.families if len(family) > 5)
    spans = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "spans").glob("*"))
    assert spans
    for personal in (people.phone, people.names.families[-1], people.names.men[-1]):
        assert personal not in spans
