"""Frames byte for byte, and what is read from frames of others."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from hypothesis import given
from hypothesis import strategies as st

from hbd.net.packet import announcements, claimant, probe, text_of

IP, IP6 = IPv4Address("192.0.2.10"), IPv6Address("2001:db8::1:10")
MAC, OTHER = bytes.fromhex("02005e100001"), bytes.fromhex("02005e1000ff")


def test_an_arp_probe_claims_nothing() -> None:
    """Goal: RFC 5227 2.1.1: sender address all zero. Method: the frame written out by hand."""
    assert probe(IP, MAC) == bytes.fromhex(
        "ffffffffffff 02005e100001 0806"
        "0001 0800 06 04 0001"
        "02005e100001 00000000"
        "000000000000 c000020a"
    )


def test_both_forms_of_gratuitous_arp() -> None:
    """Goal: RFC 5227 2.3's request, RFC 5944 4.6's reply. Method: written out by hand."""
    request, reply = announcements(IP, MAC)
    assert request == bytes.fromhex(
        "ffffffffffff 02005e100001 0806"
        "0001 0800 06 04 0001"
        "02005e100001 c000020a"
        "000000000000 c000020a"
    )
    assert reply == bytes.fromhex(
        "ffffffffffff 02005e100001 0806"
        "0001 0800 06 04 0002"
        "02005e100001 c000020a"
        "02005e100001 c000020a"
    )


def test_an_unsolicited_advertisement_overrides() -> None:
    """Goal: RFC 4861 7.2.6. Method: by hand; the checksum is proved below."""
    (frame,) = announcements(IP6, MAC)
    assert frame == bytes.fromhex(
        "333300000001 02005e100001 86dd"
        "60000000 0020 3a ff"
        "20010db8000000000000000000010010"
        "ff020000000000000000000000000001"
        "88 00 9afa 20000000"
        "20010db8000000000000000000010010"
        "02 01 02005e100001"
    )


def test_a_duplicate_address_solicitation_comes_from_nowhere() -> None:
    """Goal: RFC 4862 5.4.2: from ::, to the solicited-node group, no option. Method: by hand."""
    assert probe(IP6, MAC) == bytes.fromhex(
        "3333ff010010 02005e100001 86dd"
        "60000000 0018 3a ff"
        "00000000000000000000000000000000"
        "ff0200000000000000000001ff010010"
        "87 00 4ccd 00000000"
        "20010db8000000000000000000010010"
    )


def test_checksums_are_what_the_standard_sums() -> None:
    """Goal: a receiver accepts our ICMPv6. Method: the sum over pseudo header and body is ffff."""
    for frame in (probe(IP6, MAC), *announcements(IP6, MAC)):
        body = frame[54:]
        summed = frame[22:54] + len(body).to_bytes(4) + bytes([0, 0, 0, 58]) + body
        total = sum(int.from_bytes(summed[at : at + 2]) for at in range(0, len(summed), 2))
        while total > 0xFFFF:
            total = (total & 0xFFFF) + (total >> 16)
        assert total == 0xFFFF


def test_whoever_announces_an_address_claims_it() -> None:
    """Goal: request, reply and advertisement all count. Method: another host's announcements."""
    for ip in (IP, IP6):
        for frame in announcements(ip, OTHER):
            assert claimant(frame, ip) == OTHER


def test_padding_behind_a_short_frame_changes_nothing() -> None:
    """Goal: Ethernet pads ARP to 60 bytes. Method: pad."""
    assert claimant(announcements(IP, OTHER)[1].ljust(60, b"\0"), IP) == OTHER


def test_a_question_or_another_address_is_no_claim() -> None:
    """Goal: asking is not having. Method: probes for it, and claims of its neighbour."""
    for ip in (IP, IP6):
        assert claimant(probe(ip, OTHER), ip) is None
        assert all(claimant(frame, ip + 1) is None for frame in announcements(ip, OTHER))


def test_a_routed_advertisement_is_no_neighbours() -> None:
    """Goal: RFC 4861 7.1.2: hop limit 255 or ignored. Method: one hop less."""
    (frame,) = announcements(IP6, OTHER)
    assert claimant(frame[:21] + b"\xfe" + frame[22:], IP6) is None


def test_foreign_hardware_is_no_claim() -> None:
    """Goal: only Ethernet and IPv4 lengths are read. Method: each of the four fields changed."""
    frame = announcements(IP, OTHER)[0]
    for at in (15, 16, 18, 19, 21):
        spoilt = frame[:at] + bytes([frame[at] ^ 0x40]) + frame[at + 1 :]
        assert claimant(spoilt, IP) is None


@given(noise=st.binary(max_size=120), cut=st.integers(0, 100))
def test_any_bytes_are_a_claim_or_none(noise: bytes, cut: int) -> None:
    """Goal: total, never an exception. Method: noise, and true frames cut short."""
    for ip in (IP, IP6):
        assert claimant(noise, ip) is None or len(noise) >= 42
        frame = announcements(ip, OTHER)[0]
        short = claimant(frame[:cut], ip)
        assert short is None or cut >= 42


def test_a_mac_is_written_as_people_read_it() -> None:
    """Goal: the usual form. Method: one address."""
    assert text_of(MAC) == "02:00:5e:10:00:01"
