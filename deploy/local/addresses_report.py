"""What `make up` prints at the end: the addresses of a running installation, and who can sign in to its console."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from deploy.local.console import CONSOLE, sample_sign_ins
from deploy.local.installation import SERVICES, Installation, read_dotenv
from deploy.local.running import read_record
from deploy.local.sign_in_pages import ROLES
from libs.chassis.trace_links import TRACE_URL_VARIABLE


def print_addresses(installation: Installation, console: Console) -> None:
    """Print the addresses. The console's address is the last one, because it is the one to open."""
    values = read_dotenv(installation.env_file.read_text(encoding="utf-8").splitlines())
    table = Table(box=None, show_header=False)
    for service in SERVICES:
        url = values[service.url_variable]
        table.add_row(service.name, url, f"{url}/docs")
    table.add_row("token issuer", values["ENLACE_TOKEN_URL"], "")
    table.add_row("Kafka", values["KAFKA_BOOTSTRAP_SERVERS"], "")
    if TRACE_URL_VARIABLE in values:
        table.add_row("traces", values[TRACE_URL_VARIABLE], "")
    console.print(table)
    console.print(f"all addresses: {installation.env_file}", markup=False)
    if _runs_the_console(installation):
        print_console(installation, values["ENLACE_CONSOLE_URL"], console)


def print_console(installation: Installation, url: str, console: Console) -> None:
    """Print the console's address and some of the sample people who can sign in."""
    console.print(f"\nthe console: {url}", markup=False)
    console.print(_sign_ins(installation))


def _runs_the_console(installation: Installation) -> bool:
    record = read_record(installation.state) or {"parts": []}
    return CONSOLE in [part["name"] for part in record["parts"]]


def _sign_ins(installation: Installation) -> Table:
    """Some of the sample people; the sign-in page lists all of them."""
    table = Table(box=None, header_style="bold", title="sign in as, without a password", title_justify="left")
    for title in ("subject", "name", "role"):
        table.add_column(title)
    for person in sample_sign_ins(installation.pack):
        role = person.roles[0]
        name = ROLES["en"].get(role, role.replace("_", " "))
        table.add_row(person.subject, person.name, f"{name}: {person.of}" if person.of else name)
    return table
