# SPDX-License-Identifier: BSD-2-Clause
"""Where records and truth may differ, each with its reason."""

# Captures with packets that weir sets aside and tshark does not. Only missing packets are excused.
LATER = {
}

# Complaints excused: (part of the text: reason), where tshark's view is the odd one.
ODD = {
    "ndpi_ip_fragmented_garbage.pcap": {
        "10.0.0.2 > 10.128.0.2 protocol 6 all ports vlan 0: flags: expected 1651, got 3703":
            "tshark tells no flags of a TCP header whose data offset is below 5; weir does",
    },
    "pcapngtest_le_test202.pcapng": {
        "ports 68 > 67 vlan 0: last: expected 1340954905298858000, got 1340954905301858000":
            "a simple packet block has no time: weir takes that of the packet before it",
    },
    "tcpdump_bigtcp-ipv6.pcap": {
        "vlan 0: flags: expected 0, got 24":
            "tshark does not look for TCP behind an IPv6 payload length of 0 without jumbo option",
    },
    "zeek_ipv6-mobility-dst-opts.pcap": {
        "2001:4f8:4:7:2e0:81ff:fe52:9a6b protocol 17 all ports vlan 0: packets: expected 3, got 2":
            "an options header longer than the packet: tshark believes its next header, weir keys "
            "the packet by the header it could not pass",
        "2e0:81ff:fe52:9a6b protocol 17 all ports vlan 0: octets: expected 228, got 152":
            "the same packet",
        "2001:4f8:4:7:2e0:81ff:fe52:9a6b protocol 60 ports 0 > 0 vlan 0: not in the truth":
            "the same packet",
    },
}  # fmt: skip

# Account against capinfos: seen.frameOctets may differ.
ACCOUNT = {}

# The same for what is inside of tunnels.
ODD_INNER = {
    "ndpi_capwap.pcap": {"": "weir does not look into CAPWAP"},
    "zeek_gre-aruba.pcap": {"": "802.11 in GRE is Aruba's own: weir does not look into it"},
}  # fmt: skip
