"""A few things one by one, a storm as one; nothing is lost, nothing wrong stays on the screen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hbd.notify.note import News, Note, Urgency, Withdrawal
from hbd.notify.pace import BURST, FOLD_SECONDS, STORM, WINDOW_SECONDS, Pace

NAMES = "abcdefgh"


def note(name: str, word: str = "", urgency: Urgency = Urgency.NORMAL) -> Note:
    return Note(name, urgency, f"{name} {word}")


def notes(count: int, word: str = "") -> list[Note]:
    return [note(name, word) for name in NAMES[:count]]


class Screen:
    """What a person sees: by subject, as a notification server keeps it."""

    def __init__(self) -> None:
        self.shown: dict[str, Note] = {}
        self.raised = 0

    def show(self, news: list[News]) -> None:
        for each in news:
            if isinstance(each, Note):
                self.shown[each.subject] = each
                self.raised += 1
            else:
                self.shown.pop(each.subject, None)


def test_a_few_are_shown_at_once_and_one_by_one() -> None:
    """Goal: no delay in ordinary times. Method: as many as a burst."""
    pace = Pace()
    pace.add(notes(BURST))
    assert pace.release(0.0) == notes(BURST)
    assert pace.is_idle
    assert pace.next_at is None


def test_the_newest_about_a_thing_is_the_one_that_is_shown() -> None:
    """Goal: replaced before it was shown. Method: two about one, and one that is taken back."""
    pace = Pace()
    pace.add([note("a", "old"), note("a", "new")])
    pace.take_back([note("a", "older")])
    assert pace.release(0.0) == [note("a", "new")]


def test_a_storm_is_one_notification() -> None:
    """Goal: no pile. Method: more than a burst, some of which stood on the screen alone."""
    pace, screen = Pace(), Screen()
    pace.add(notes(2))
    screen.show(pace.release(0.0))
    pace.add(notes(6, "again"))
    screen.show(pace.release(1.0))
    assert set(screen.shown) == {STORM}
    assert all(name in screen.shown[STORM].body for name in NAMES[:6])


def test_a_storm_goes_on_in_its_place_and_not_too_often() -> None:
    """Goal: a flapping cluster does not flicker. Method: a change each second for a minute."""
    pace, screen = Pace(), Screen()
    for second in range(60):
        pace.add(notes(6, str(second)))
        screen.show(pace.release(float(second)))
    assert set(screen.shown) == {STORM}
    assert screen.raised <= 60 / FOLD_SECONDS + 1


def test_a_storm_is_as_urgent_as_its_worst() -> None:
    """Goal: what is broken stays on the screen. Method: one critical among many."""
    pace = Pace()
    pace.add([*notes(6), note("z", urgency=Urgency.CRITICAL)])
    [folded] = [each for each in pace.release(0.0) if isinstance(each, Note)]
    assert folded.urgency is Urgency.CRITICAL


def test_what_is_mended_after_a_storm_is_no_part_of_it_any_more() -> None:
    """Goal: no stale word on the screen. Method: each of a storm is withdrawn, much later."""
    pace, screen = Pace(), Screen()
    pace.add(notes(6))
    screen.show(pace.release(0.0))
    pace.add([Withdrawal("a")])
    screen.show(pace.release(2 * WINDOW_SECONDS))
    assert "a " not in screen.shown[STORM].body
    pace.add(Withdrawal(name) for name in NAMES)
    screen.show(pace.release(3 * WINDOW_SECONDS))
    assert screen.shown == {}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(NAMES),
            st.sampled_from([None, "dead", "back"]),
            st.floats(0, WINDOW_SECONDS),
        ),
        max_size=60,
    )
)
def test_at_the_end_the_screen_says_what_is_so(steps: list[tuple[str, str | None, float]]) -> None:
    """Goal: whatever the pace held back, nothing false stays and nothing true is lost.

    Method: any sequence of notes and withdrawals at any times, then quiet: the last word about
    each subject is on the screen, alone or in the storm's, and no other.
    """
    pace, screen, now = Pace(), Screen(), 0.0
    last: dict[str, str | None] = {}
    for name, word, wait in steps:
        now += wait
        last[name] = word
        pace.add([Withdrawal(name) if word is None else note(name, word)])
        screen.show(pace.release(now))
    screen.show(pace.release(now + FOLD_SECONDS))
    assert pace.is_idle
    told = {name: f"{name} {word}" for name, word in last.items() if word is not None}
    alone = {name: shown.summary for name, shown in screen.shown.items() if name != STORM}
    assert alone.items() <= told.items()
    together = screen.shown[STORM] if STORM in screen.shown else note("")
    lines = [*together.body.splitlines(), together.summary]
    missing = {name for name in told if name not in alone and told[name] not in lines}
    assert len(missing) == max(0, len(told) - len(alone) - 6) or not missing
    assert not [line for line in lines if line[:1] in last and line not in told.values()]
