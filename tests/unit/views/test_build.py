"""Arguments of views, and filters put together."""

import pytest

from pyscap.errors import UsageError
from pyscap.filterlang.errors import FilterError
from pyscap.plan import Options
from pyscap.views import build
from pyscap.views.catalogue import VIEWS


def choose(name, *words):
    return build.choose(VIEWS[name], words)


def test_milliseconds_become_nanoseconds_and_the_rest_is_the_filter():
    chosen = choose("fileslower", "1.5", "proc.name=x", "or", "evt.cpu=1")
    assert "evt.latency>1500000" in chosen.view.filter
    assert chosen.words == ("proc.name=x", "or", "evt.cpu=1")


def test_arguments_in_one_word_are_split_as_in_sysdig():
    chosen = choose("spy_file", "W /etc/passwd", "proc.name=x")
    assert "evt.is_io_write=true" in chosen.view.filter
    assert 'fd.name="/etc/passwd"' in chosen.view.filter
    assert chosen.words == ("proc.name=x",)
    assert choose("fileslower", "1 disable_colors").words == ()


def test_what_cannot_be_an_optional_argument_is_the_filter():
    chosen = choose("spy_file", "proc.name=x")
    assert "evt.is_io=true and evt.is_io" not in chosen.view.filter
    assert chosen.words == ("proc.name=x",)
    assert choose("httptop", "time", "evt.cpu=0").view.order == "Time"
    assert choose("httptop").view.order == "Calls"


def test_a_path_is_one_value_whatever_it_holds():
    chosen = choose("spy_file", "R", '/tmp/a" or proc.name="b\\')
    assert build.make_plan(chosen, "", None, Options())[0].filter
    assert '"/tmp/a\\" or proc.name=\\"b\\\\"' in chosen.view.filter


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("spy_port", "70000"), "70000 is no number from 0 to 65535"),
        (("spy_ip", "1.2.3"), "1.2.3"),
        (("fdcount_by", "proc.nam"), "did you mean proc.name"),
        (("fileslower", "-1"), "no number of milliseconds"),
        (("fileslower", "nan"), "no number of milliseconds"),
    ],
)
def test_a_wrong_argument_is_named(words, text):
    with pytest.raises(UsageError, match=text):
        choose(*words)


def test_state_views_take_all_words_as_one_filter():
    chosen = choose("lsof", "fd.type=ipv4", "and", "proc.name=x")
    plan, _ = build.make_plan(chosen, "", None, Options())
    assert chosen.words == ()
    assert plan.filter is None
    assert len(plan.walk["filter"]["ops"]) > 2


def test_the_user_s_filter_is_alternatives_of_its_own():
    chosen = choose("topprocs_net")
    own = "evt.cpu=0 or evt.cpu=1"
    _, compiled = build.make_plan(chosen, own, None, Options())
    assert compiled.text.endswith(f") and ({own})")


@pytest.mark.parametrize("own", ["evt.cpu=0) or (evt.cpu=1", "evt.cpu=", "nofield=1"])
def test_a_mistake_of_the_user_s_filter_is_found_in_it(own):
    with pytest.raises(FilterError) as caught:
        build.make_plan(choose("topconns"), own, None, Options())
    assert caught.value.text == own


def test_an_order_that_is_no_column_is_refused():
    from dataclasses import replace

    view = replace(VIEWS["topconns"], order="Nothing")
    with pytest.raises(UsageError, match="no column Nothing"):
        build.make_plan(build.choose(view, []), "", None, Options())
