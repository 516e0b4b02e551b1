# SPDX-License-Identifier: BSD-2-Clause
"""Where weir and tshark differ: capture -> {(source, rule): (what both say, why)}.

Packet numbers are tshark's. What is said must be exactly this, and every row must be needed.
"""

AFTER_RESET = "the SYN in packet %s comes after the RST in packet %s: it begins a new flow (DESIGN \
4.2), where tshark has one stream and takes it, and what it finds below the old numbers, for sent \
again"
PROBES = "DESIGN 4.3 calls one octet or none at next - 1 a keep-alive. tshark calls a zero window \
probe's octet (packet %s) another probe when it is sent again, and an ACK from before it nothing: \
packets %s"
VLANS = "one connection on three VLANs, three flows of weir's and one stream of tshark's: %s"
ROUTED = "the answers are sent through a routing header to fc00:2:0:6::1; the truth pairs \
the headers' own addresses but tshark's stream has another: packets 1 to 3 are the handshake"
GARBAGE = "the TCP header of packet %s is longer than its IP packet: tshark reads it all the same"
SYN_AGAIN = "tshark 1, weir 0"


def resets(*rows):
    """(source, what both say, number of the SYN, number of the RST)"""
    return {
        (source, "sent again"): (told, AFTER_RESET % (syn, reset))
        for source, told, syn, reset in rows
    }


EXCEPTIONS = {
    "flowtest_ipv6-routing-header.pcap": {
        ("fc00:2:0:2::1:43424", "handshake"):
            ("tshark None, weir 53, 1 SYNs of the other side", ROUTED),
        ("fc00:2:0:1::1:8080", "handshake"):
            ("tshark None, weir 54, 1 SYNs of the other side", ROUTED),
    },
    "mercury_emix.pcap": resets(
        ("192.168.1.124:49382", "tshark 2, weir 0", "6537 and that in 6539", "6476 and 6538"),
    ),
    "ndpi_ip_fragmented_garbage.pcap": {
        ("10.0.0.2:18730", "FIN"): ("tshark 1, weir 0", GARBAGE % 626),
        ("10.0.0.2:9253", "SYN"): ("tshark 1, weir 0", GARBAGE % 939),
        ("10.0.0.2:9253", "FIN"): ("tshark 1, weir 0", GARBAGE % 939),
        ("10.0.0.2:9253", "SYN's options"):
            ("tshark [(0, False, 0, False)], weir []", GARBAGE % 939),
    },
    "suriv_syn_retransmit_with_ts.pcap": {
        ("10.38.251.146:33372", "handshake"): (
            "tshark 1, weir None, 1 SYNs of the other side",
            "the client's packets 1, 2, 4 are on VLAN 3136, the SYN+ACK in packet 3 is on none: "
            "two flows",
        ),
    },
    "suriv_tls-subjectaltname.pcap": resets(
        ("192.168.100.206:59621", SYN_AGAIN, 20, 14),
        ("192.168.100.206:59622", SYN_AGAIN, 140, 15),
        ("192.168.100.206:59691", SYN_AGAIN, 113, 47),
        ("204.79.197.200:443", "tshark 8, weir 0",
         "113 (then 114, 118, 119, 120, 122, 124, 126, 130)", 47),
        ("192.168.100.206:59819", SYN_AGAIN, 157, 155),
        ("192.168.100.206:59949", SYN_AGAIN, 256, 251),
        ("192.168.100.206:60036", SYN_AGAIN, 1859, 364),
        ("192.168.100.206:60045", SYN_AGAIN, 1864, 414),
        ("192.168.100.206:60064", SYN_AGAIN, 1994, 1453),
        ("212.237.249.17:80", "tshark 3, weir 0", "1994 (then 1996, 2005, 2864)", 1453),
        ("192.168.100.206:60093", SYN_AGAIN, 2626, 1856),
    ),
    "tcptrace_urgent.dmp.gz": {
        ("132.235.1.12:19", "keep-alives"): ("tshark 1, weir 62", PROBES % (
            "1357, 2092, 2685, 3433, ...",
            "1359, 1361, 1365, 1367, 2094, 2096, 2100, 2102, 2687, 2689, 2693, 2695, 3435, 3437, "
            "3441, 3443, 3892, 3894, 3898, 3900, 4358, 4360, 4364, 4366, 4837, 4839, 4843, 4845, "
            "5322, 5324, 5330, 5331, 5738, 5740, 5745, 5746, 5747 (tshark's one), 6107, 6109, "
            "6113, 6115, 6573, 6575, 6579, 6581, 7054, 7056, 7060, 7062, 7477, 7479, 7483, 7485, "
            "7929, 7931, 7935, 7937, 8381, 8385, 8386, 8389, 8833",
        )),
    },
    "tcptrace_zwnd.dmp.gz": {
        ("132.235.3.154:58213", "keep-alives"): (
            "tshark 0, weir 6", PROBES % (18432, "18434, 18436, 18438, 18440, 18442, 18447")),
    },
    "zeek_ipv6-http-atomic-frag.pcap": {
        ("2001:db8:1::2:36951", "sent again"): (
            "tshark 1, weir 0",
            "packet 8 brings octets 1 to 15 for the first time, but packet 6 has acknowledged "
            "them already: the file has them in the wrong order, tshark says spurious",
        ),
    },
    "zeek_modbusBig.pcap": {
        ("10.235.149.243:502", "sent again"): (
            "tshark 1, weir 0",
            "packet 3150 brings octets 7085 to 7094 for the first time, but packet 3149 has "
            "acknowledged them already: the file has them in the wrong order, tshark says spurious",
        ),
    },
    "zeek_vlan-collisions.pcap": {
        ("141.142.228.5:59856", "keep-alives"):
            ("tshark 4, weir 0", VLANS % "packets 26, 27, 36, 37 are ACKs 15 and 16 once more"),
        ("141.142.228.5:59856", "sent again"):
            ("tshark 6, weir 0", VLANS % "packets 2, 6, 9, 20, 28, 38"),
        ("141.142.228.5:59856", "handshake"): (
            "tshark [294], weir [294, 294, 294]", VLANS % "packets 4, 8, 19 end the handshakes"),
        ("192.150.187.43:80", "sent again"): (
            "tshark 12, weir 0", VLANS % "packets 7, 18, 22 to 25, 32 to 35, 39, 41"),
        ("192.150.187.43:80", "handshake"): (
            "tshark [19740], weir [69740, 69740, 69740]",
            VLANS % "tshark takes packet 3 for an answer to packet 2"),
    },
}  # fmt: skip
