#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""make_tunnel_seeds.py FOLDER: a seed of fuzz_frame for each encapsulation the meter follows."""

import struct
import sys
from pathlib import Path

import make_frame_seeds

IP4, IP6, ETHERNET = 0x0800, 0x86DD, 0x6558
STEP_NS = 1000

# Name: UDP port or 0, protocol, the tunnel's header, what follows it.
TUNNELS = {
    "gre": (0, 47, "00000800", IP4),
    "gre_key": (0, 47, "b00086dd000000000102030400000009", IP6),
    "gre_ethernet": (0, 47, "00006558", ETHERNET),
    "nvgre": (0, 47, "2000655801020304", ETHERNET),
    "pptp": (0, 47, "3081880b00090007000000010000000121", IP4),
    "eoip": (0, 47, "2001640000090201", ETHERNET),
    "erspan1": (0, 47, "000088be", ETHERNET),
    "erspan2": (0, 47, "100088be000000011000000500000000", ETHERNET),
    "erspan3": (0, 47, "100022eb00000001" + "20000000" + "00000000" + "00000001" + "00" * 8,
                ETHERNET),
    "ipip4": (0, 4, "", IP4),
    "ipip6": (0, 41, "", IP6),
    "etherip": (0, 97, "3000", ETHERNET),
    "l2tp3": (0, 115, "000000050102030405060708", ETHERNET),
    "mpls_ip": (0, 137, "00005140", IP4),
    "vxlan": (4789, 17, "0800000001020300", ETHERNET),
    "vxlan_gpe_nsh": (4790, 17, "0c000004000005000002020200000" + "1ff", IP6),
    "geneve": (6081, 17, "02006558000005000101010100000000", ETHERNET),
    "gtpu": (2152, 17, "34ff000000000005000000850100004001000000", IP4),
    "teredo": (3544, 17, "0001" + "00" * 19, IP6),
    "l2tp": (1701, 17, "4a020000000100020000000000020000ff030021", IP4),
    "l2tp3_udp": (1701, 17, "0003000000000005", ETHERNET),
    "mpls_udp": (6635, 17, "0000504000006140", IP4),
    "tzsp": (37008, 17, "01000001000a010901", ETHERNET),
}  # fmt: skip
# Name: EtherType, header, what follows it.
LAYERS = {
    "mpls": (0x8847, "0000504000006140", IP4),
    "mpls_pseudowire": (0x8847, "0000514000000000", ETHERNET),
    "pppoe": (0x8864, "1100000100260021", IP4),
    "nsh": (0x894F, "0002020200000" + "1ff", IP6),
    "llc_snap": (60, "aaaa030000000800", IP4),
    "backbone": (0x88E7, "00000005", ETHERNET),
}


def ethernet(kind):
    return bytes.fromhex("020000000001020000000002") + struct.pack(">H", kind)


def ip4(proto, payload, hosts=b"\x01\x02"):
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, proto, 0) \
        + b"\xc0\0\x02" + hosts[:1] + b"\xc0\0\x02" + hosts[1:] + payload  # fmt: skip


def ip6(proto, payload):
    return struct.pack(">IHBB", 6 << 28, len(payload), proto, 64) + bytes(15) + b"\x01" \
        + bytes(15) + b"\x02" + payload  # fmt: skip


def inside(kind):
    udp = struct.pack(">HHHH", 1000, 2000, 8, 0)
    if kind == ETHERNET:
        return ethernet(IP4) + ip4(17, udp)
    return ip4(17, udp) if kind == IP4 else ip6(17, udp)


def carried(port, proto, header, kind):
    payload = bytes.fromhex(header) + inside(kind)
    if port:
        payload = struct.pack(">HHHH", 50000, port, 8 + len(payload), 0) + payload
    return [ethernet(IP4) + ip4(proto, payload, b"\x09\x0a"), ethernet(IP6) + ip6(proto, payload)]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    frames = {name: carried(*row) for name, row in TUNNELS.items()}
    for name, (kind, header, inner) in LAYERS.items():
        frames[name] = [ethernet(kind) + bytes.fromhex(header) + inside(inner)]
    for name, octets in frames.items():
        chosen = [(0, i * STEP_NS, len(frame), frame) for i, frame in enumerate(octets)]
        path = Path(sys.argv[1]) / f"tunnel_{name}"
        path.write_bytes(make_frame_seeds.seed(chosen))


if __name__ == "__main__":
    main()
