"""The scene of a screening names a case code, and nobody."""

from deploy.demo.screened import TITLE, act_of


def test_the_scene_says_what_was_refused_and_that_a_stop_has_no_reason() -> None:
    act = act_of("GT-AAAA-BBBB", "certificate-missing")
    assert (act.title, act.happened) == (TITLE, True)
    assert "GT-AAAA-BBBB: refused (certificate-missing)" in act.lines[0]
    assert "no reason is asked for or stored" in act.lines[2]
