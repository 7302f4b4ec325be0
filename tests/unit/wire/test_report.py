"""The report of groups: every report has one text, every other text is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hbd.cluster.terms import (
    NO_DIGEST,
    SECOND,
    ConfigDigest,
    Epoch,
    GroupName,
    GroupReport,
    GroupState,
    NodeName,
    Phase,
    Report,
    Usec,
)
from hbd.errors import CodecError
from hbd.wire import classic, message
from hbd.wire.message import NodeState
from hbd.wire.reason import Reason
from hbd.wire.report import (
    MAX_GROUP_NAME,
    MAX_GROUPS,
    MAX_LINKS,
    MAX_VALUE,
    decode_report,
    encode_report,
    is_of_later_version,
)

WEB = GroupReport(GroupName("192.168.0.100"), Epoch(12), NodeName("ttisrv1"), GroupState.STARTED)
REPORT = Report(Phase.ACTIVE, Usec(5 * SECOND), (WEB,))
TEXT = "1;a;4c4b40;0;192.168.0.100|c|ttisrv1|r"

DIGEST = ConfigDigest("0123456789abcdef01234567")

names = st.text(min_size=1, max_size=40).filter(str.isprintable)
groups = st.builds(
    GroupReport,
    names.map(GroupName),
    st.integers(0, MAX_VALUE).map(Epoch),
    names.map(NodeName),
    st.sampled_from(GroupState),
    wanted=st.booleans(),
)
reports = st.builds(
    Report,
    st.sampled_from(Phase),
    st.integers(0, MAX_VALUE).map(Usec),
    st.lists(groups, max_size=8, unique_by=lambda group: group.name).map(tuple),
    maintenance=st.booleans(),
    digest=st.sampled_from([NO_DIGEST, DIGEST]),
    hears=st.frozensets(st.integers(0, MAX_LINKS - 1)),
)


@given(reports)
def test_a_report_survives_the_wire(report: Report) -> None:
    """Goal: nothing is lost, whatever the names. Method: there and back, through a status too."""
    text = encode_report(report)
    assert decode_report(text) == report
    assert text.isascii()
    assert text.isprintable()
    assert not set(text) & set(" ,\n>")
    status = message.status(NodeState.ACTIVE, deadtime_usec=Usec(SECOND), report=report)
    assert status.report == report
    classic.body(status)


def test_the_usual_report_is_short_and_readable() -> None:
    """Goal: a promise to slow lines and to those who read a capture. Method: the literal text."""
    assert encode_report(REPORT) == TEXT
    assert decode_report(TEXT) == REPORT


def test_digest_and_links_are_an_aside_of_their_own() -> None:
    """Goal: short on a slow line, absent if there is nothing to say. Method: literal texts."""
    told = replace(REPORT, digest=DIGEST, hears=frozenset({0, 2}))
    text = TEXT.replace(";0;", f";0;!{DIGEST}!5;")
    assert encode_report(told) == text
    assert decode_report(text) == told
    alone = Report(Phase.ACTIVE, Usec(5 * SECOND), hears=frozenset({0}))
    assert encode_report(alone) == "1;a;4c4b40;0;!!1"
    assert decode_report("1;a;4c4b40;0;!!1") == alone


@pytest.mark.parametrize(
    "aside",
    [
        *("!", "!!", "!!0", f"!{DIGEST}", f"!{DIGEST}!", f"!{DIGEST}!05", f"!{DIGEST}!1!"),
        *("!0123!1", f"!{DIGEST.upper()}!1", f"!{DIGEST[:-1]}g!1", f"!{DIGEST}!x"),
        "!!8000000000000000",
    ],
)
def test_an_aside_in_any_other_form_is_refused(aside: str) -> None:
    """Goal: one report, one text. Method: cut, padded, upper case, too long, of nothing."""
    with pytest.raises(CodecError):
        decode_report(TEXT.replace(";0;", f";0;{aside};"))


def test_an_impossible_aside_is_not_written() -> None:
    """Goal: a mistake of ours is not sent. Method: a digest that is none, a link too many."""
    for changed in ({"digest": ConfigDigest("x")}, {"hears": frozenset({MAX_LINKS})}):
        with pytest.raises(CodecError):
            encode_report(replace(REPORT, **changed))


def test_maintenance_is_one_letter_more() -> None:
    """Goal: who is not in maintenance says what it always said. Method: both literal texts."""
    assert encode_report(replace(REPORT, maintenance=True)) == TEXT.replace(";a;", ";am;")
    assert decode_report(TEXT.replace(";a;", ";am;")) == replace(REPORT, maintenance=True)


@settings(max_examples=300)
@given(st.text(max_size=60) | st.text("1;|alsrcwx%0F", max_size=40).map(lambda t: "1;a;0;0;" + t))
def test_any_text_is_a_report_or_a_codec_error(text: str) -> None:
    """Goal: total and without a second spelling. Method: fuzz; what decodes encodes to itself."""
    try:
        report = decode_report(text)
    except CodecError:
        return
    assert encode_report(report) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1;a",
        "2" + TEXT[1:],
        TEXT + ";",
        TEXT + ";x",
        TEXT + "|",
        TEXT + ";" + TEXT.split(";")[3],
        TEXT.replace("4c4b40", "4C4B40"),
        TEXT.replace("4c4b40", "04c4b40"),
        TEXT.replace("4c4b40", "-1"),
        TEXT.replace("4c4b40", "0x10"),
        TEXT.replace("4c4b40", "1_0"),
        TEXT.replace("4c4b40", "8000000000000000"),
        TEXT.replace("4c4b40", "f" * 17),
        TEXT.replace(";a;", ";q;"),
        TEXT.replace(";a;", ";m;"),
        TEXT.replace(";a;", ";ma;"),
        TEXT.replace(";a;", ";amm;"),
        TEXT.replace("|r", "|q"),
        TEXT.replace("|r", "|ww"),
        TEXT.replace("|r", "|"),
        TEXT.replace("192.168.0.100", ""),
        TEXT.replace("192.168.0.100", "%41"),
        TEXT.replace("192.168.0.100", "%c3%b6"),
        TEXT.replace("192.168.0.100", "%C3"),
        TEXT.replace("192.168.0.100", "%0A"),
        TEXT.replace("192.168.0.100", "%"),
        TEXT.replace("192.168.0.100", "% 1"),
        TEXT.replace("192.168.0.100", "a b"),
        TEXT.replace("192.168.0.100", "ö"),
        TEXT.replace("192.168.0.100", "x" * (MAX_GROUP_NAME + 1)),
        TEXT.replace("ttisrv1", "n" * 100),
        "1;a;0;0" + "".join(f";g{n}|0|n|s" for n in range(MAX_GROUPS + 1)),
        "1;a;0;0" + ";" * 100_000,
    ],
)
def test_another_spelling_is_refused(text: str) -> None:
    """Goal: a closed form. Method: a table of near misses and of excess."""
    with pytest.raises(CodecError) as refused:
        decode_report(text)
    assert refused.value.reason == Reason.BAD_REPORT.value


@pytest.mark.parametrize(
    "group",
    [
        GroupReport(GroupName("a\nb"), Epoch(0), NodeName("n"), GroupState.STOPPED),
        GroupReport(GroupName("a\ud800"), Epoch(0), NodeName("n"), GroupState.STOPPED),
        GroupReport(GroupName("x" * 300), Epoch(0), NodeName("n"), GroupState.STOPPED),
        GroupReport(GroupName("g"), Epoch(-1), NodeName("n"), GroupState.STOPPED),
        GroupReport(GroupName("g"), Epoch(2**63), NodeName("n"), GroupState.STOPPED),
        GroupReport(GroupName("g"), Epoch(0), NodeName(""), GroupState.STOPPED),
    ],
)
def test_a_report_beyond_the_limits_is_not_encoded(group: GroupReport) -> None:
    """Goal: the mistake shows here, not at the peer. Method: a table of impossible groups."""
    with pytest.raises(CodecError):
        encode_report(Report(Phase.ACTIVE, Usec(0), (group,)))


def test_the_largest_report_fits_a_datagram() -> None:
    """Goal: the limits agree with each other. Method: the most groups with long plain names."""
    many = tuple(
        GroupReport(
            GroupName(f"{n:0255}"), Epoch(MAX_VALUE), NodeName("n" * 99), GroupState.STARTED
        )
        for n in range(MAX_GROUPS)
    )
    report = Report(Phase.ACTIVE, Usec(MAX_VALUE), many)
    assert decode_report(encode_report(report)) == report


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2;whatever", True),
        ("2", True),
        ("999;", True),
        (TEXT, False),
        ("0;", False),
        ("", False),
        ("x;", False),
        ("²;", False),
        ("1000;", False),
    ],
)
def test_a_report_of_a_later_version_is_recognised(text: str, *, expected: bool) -> None:
    """Goal: nodes may be upgraded one by one. Method: versions above, at and below ours."""
    assert is_of_later_version(text) is expected
