"""The driver has two kinds of errors without an SQLSTATE; whoever expects one of them must expect the other too."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_who_expects_an_error_of_the_driver_expects_that_of_an_ended_connection_too():
    """InternalClientError is raised when the server has said that it ends the connection, and has not closed it yet.

    Seen to fail with the handler of `problems` as it was before, which answered 500.
    """
    counts = {
        str(path.relative_to(ROOT)): (text.count("asyncpg.InterfaceError"), text.count("asyncpg.InternalClientError"))
        for folder in ("libs", "services", "deploy")
        for path in (ROOT / folder).rglob("*.py")
        if "asyncpg.InterfaceError" in (text := path.read_text(encoding="utf-8"))
    }
    assert len(counts) >= 7
    assert not {name: count for name, count in counts.items() if count[1] < count[0]}
