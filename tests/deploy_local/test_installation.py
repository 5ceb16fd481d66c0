"""Secrets, clients, addresses and the clock of one installation."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from deploy.demo.pace import prepare
from deploy.local.clients import ClientBook, UnknownClientError
from deploy.local.fetch_uv import fits
from deploy.local.following import Tail
from deploy.local.installation import (
    DATABASE_VARIABLES,
    DEFAULT_PACK,
    ROOT,
    Installation,
    dotenv,
    outside_databases,
    read_dotenv,
)
from deploy.local.keyring import Keyring
from deploy.local.partners import slug_of
from deploy.local.processes import Family, StartError
from deploy.local.timekeeping import clock_settings
from deploy.packs.directory import organization_id
from libs.chassis.clock import Clock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "keys.json")
    assert keyring.get("one") == keyring.get("one") != keyring.get("two")
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600


def test_processes_that_ask_at_once_get_the_same_secrets_and_lose_none(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys; from deploy.local.keyring import Keyring\n"
        "keyring = Keyring(pathlib.Path(sys.argv[1]))\n"
        "print([keyring.get(f'key-{number}') for number in range(40)], keyring.get(f'own-{sys.argv[2]}') and 1)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "keys.json")]
    processes = [
        subprocess.Popen([*command, str(number)], cwd=ROOT, stdout=subprocess.PIPE, text=True) for number in range(4)
    ]
    answers = {process.communicate()[0] for process in processes}
    assert len(answers) == 1
    assert len(json.loads((tmp_path / "keys.json").read_text())) == 44


@pytest.fixture
def book(tmp_path: Path) -> ClientBook:
    return ClientBook(pack=DEFAULT_PACK, state=tmp_path, keyring=Keyring(tmp_path / "keys.json"))


def test_every_client_of_the_pack_has_a_secret_and_the_scopes_of_its_roles(book: ClientBook) -> None:
    for entry in book.entries():
        client = book.get(entry["client_id"])
        assert len(client.secret) >= 32
        assert client.scopes
    renap = book.get("renap")
    assert renap.organization_id == organization_id("renap")
    assert "offers:answer" in renap.scopes
    assert book.get("reception-system").organization_id is None


def test_a_pack_that_lies_over_another_has_its_clients(tmp_path: Path, book: ClientBook) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "overlay.yaml").write_text(f"base: {DEFAULT_PACK}\n", encoding="utf-8")
    over = ClientBook(pack=pack, state=tmp_path, keyring=Keyring(tmp_path / "keys.json"))
    assert {entry["client_id"] for entry in over.entries()} == {entry["client_id"] for entry in book.entries()}
    assert over.get("renap") == book.get("renap")


def test_a_partner_is_added_beside_the_pack(tmp_path: Path, book: ClientBook) -> None:
    organization = organization_id("casa-nueva")
    added = book.add(client_id="casa-nueva", organization=organization, roles=["provider"], name="Casa Nueva")
    assert book.find("casa-nueva") == added
    assert added.organization_id == organization
    assert added.scopes == book.get("renap").scopes
    assert [entry["client_id"] for entry in yaml.safe_load((tmp_path / "partners.yaml").read_text())] == ["casa-nueva"]


def test_an_unknown_client_is_named_with_those_there_are(book: ClientBook) -> None:
    assert book.find("nobody") is None
    with pytest.raises(UnknownClientError, match="renap"):
        book.get("nobody")


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Casa Nueva", "casa-nueva"), ("  Fundación Ñandú, S.A. ", "fundacion-nandu-s-a"), ("renap", "renap")],
)
def test_a_name_becomes_a_client_id(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(UnknownClientError, match="NAME="):
        slug_of("  ")


def test_addresses_survive_being_written_and_read_also_by_a_shell(tmp_path: Path) -> None:
    values = {"PLAIN": "http://127.0.0.1:1/x", "ODD": "/home/josé's place/a b&c", "EMPTY": ""}
    text = dotenv(values)
    assert read_dotenv(text.splitlines()) == values
    (tmp_path / "env").write_text(text)
    shell = subprocess.run(
        ["sh", "-c", f". {tmp_path}/env; printf '%s' \"$ODD\""], capture_output=True, text=True, check=True
    )
    assert shell.stdout == values["ODD"]


def test_ports_are_kept_while_they_are_free(tmp_path: Path) -> None:
    installation = Installation(state=tmp_path)
    ports = installation.choose_ports()
    assert len(set(ports.values())) == 11
    assert installation.choose_ports() == ports
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", ports["referral"]))
        other.listen()
        changed = installation.choose_ports()
    assert changed["referral"] != ports["referral"]
    assert changed | {"referral": 0} == ports | {"referral": 0}


def test_databases_come_from_the_environment_all_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DATABASE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert outside_databases() is None
    monkeypatch.setenv("ENLACE_REFERRAL_DATABASE_URL", "postgresql://there")
    with pytest.raises(ValueError, match="ENLACE_REGISTRATION_DATABASE_URL"):
        outside_databases()


def clock_of(settings: dict[str, str]) -> Clock:
    origin = datetime.fromisoformat(settings["ENLACE_CLOCK_ORIGIN"])
    return Clock(rate=float(settings["ENLACE_CLOCK_RATE"]), origin=origin)


def test_a_faster_clock_keeps_its_origin(tmp_path: Path) -> None:
    assert clock_settings(tmp_path, 1.0, real=NOON) == {}
    first = clock_settings(tmp_path, 60.0, real=NOON)
    assert clock_of(first).at(NOON) == NOON
    assert clock_settings(tmp_path, 60.0, real=NOON + timedelta(hours=1)) == first


@pytest.mark.parametrize("rate", [2.0, 600.0, 0.5])
def test_a_clock_whose_rate_changes_goes_on_from_where_it_was(tmp_path: Path, rate: float) -> None:
    before = clock_of(clock_settings(tmp_path, 60.0, real=NOON))
    later = NOON + timedelta(minutes=10)
    after = clock_of(clock_settings(tmp_path, rate, real=later))
    assert abs(after.at(later) - before.at(later)) < timedelta(milliseconds=1)
    assert after.at(later + timedelta(seconds=10)) - after.at(later) == timedelta(seconds=10 * rate)


def test_a_clock_that_ran_ahead_does_not_go_back_to_real_time(tmp_path: Path) -> None:
    clock_settings(tmp_path, 60.0, real=NOON)
    with pytest.raises(ValueError, match="ran ahead"):
        clock_settings(tmp_path, 1.0, real=NOON + timedelta(hours=1))


def test_where_a_demo_has_let_days_pass_the_real_clock_is_refused(tmp_path: Path) -> None:
    """Seen to fail with the look for a schedule taken out of `clock_settings`."""
    prepare(tmp_path)
    for rate in (1.0, 60.0):
        with pytest.raises(ValueError, match="another directory"):
            clock_settings(tmp_path, rate)


def test_a_log_is_followed_line_by_line_also_when_it_is_replaced(tmp_path: Path) -> None:
    log = tmp_path / "referral.log"
    log.write_text("one\ntwo\nthree\n")
    tail = Tail(log, lines=2)
    assert tail.more() == ["two", "three"]
    with log.open("a") as file:
        file.write("four\nfi")
    assert tail.more() == ["four"]
    with log.open("a") as file:
        file.write("ve\n")
    assert tail.more() == ["five"]
    log.write_text("anew\n")
    assert tail.more() == ["anew"]


def test_a_child_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    family = Family()
    try:
        child = family.start("odd", [sys.executable, "-c", "print('out of order'); exit(3)"], log=tmp_path / "odd.log")
        child.process.wait()
        with pytest.raises(StartError, match=r"odd ended with 3.*\n.*out of order"):
            child.check()
    finally:
        family.close()


def test_a_child_that_ignores_its_signal_is_killed_with_its_group(tmp_path: Path) -> None:
    family = Family()
    program = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    child = family.start("deaf", [sys.executable, "-c", program], log=tmp_path / "deaf.log")
    while not (tmp_path / "deaf.log").read_text():
        child.check()
    family.stop(child, patience_seconds=0.2)
    assert child.process.returncode == -9
    family.close()


@pytest.mark.parametrize(
    ("name", "tag", "fitting"),
    [
        ("uv-0.9.1-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "manylinux*x86_64", True),
        ("uv-0.9.1-py3-none-musllinux_1_1_x86_64.whl", "manylinux*x86_64", False),
        ("uv-0.9.1-py3-none-musllinux_1_1_x86_64.whl", "musllinux*x86_64", True),
        ("uv-0.9.1-py3-none-macosx_11_0_arm64.whl", "macosx_11_0_arm64", True),
        ("uv-0.9.1.tar.gz", "manylinux*x86_64", False),
    ],
)
def test_the_wheel_of_this_machine_is_found(name: str, tag: str, fitting: bool) -> None:
    assert fits(name, tag) is fitting
