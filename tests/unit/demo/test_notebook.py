"""Partners remember between runs who is with them."""

from pathlib import Path

from deploy.demo.notebook import FILE, Notebook, Stay


def test_what_is_saved_is_found_again_by_service_in_the_order_of_arrival(tmp_path: Path) -> None:
    book = Notebook()
    book.stays["r1"] = Stay("shelter", 3, is_started=False)
    book.stays["r2"] = Stay("meals", 1, is_started=False)
    book.stays["r3"] = Stay("shelter", 1, is_started=False)
    book.begun("r1")
    book.begun("nobody knows this one")
    book.people = ["p1", "p2"]
    book.save(tmp_path)
    again = Notebook.load(tmp_path)
    assert list(again.at("shelter")) == ["r1", "r3"]
    assert again.stays["r1"] == Stay("shelter", 3, is_started=True)
    assert again.people == ["p1", "p2"]


def test_a_notebook_that_is_not_there_or_not_readable_is_empty(tmp_path: Path) -> None:
    assert Notebook.load(tmp_path) == Notebook()
    for text in ("{", '{"r1": {"unknown": 1}}', '["r1"]', '{"stays": {"r1": {"unknown": 1}}, "people": []}'):
        (tmp_path / FILE).write_text(text, encoding="utf-8")
        assert Notebook.load(tmp_path) == Notebook()
