# SPDX-License-Identifier: BSD-2-Clause
# Both directions in one record, in ntop's dialect and units.
#
# Wireshark and many collectors decode it: send it with netflow9, or with ipfix, which says ntop's
# elements under its enterprise number (35632) where it has them, and all else as IPFIX does. The
# right-hand names are nProbe's. Units are ntop's: latencies are half a round trip in whole
# milliseconds, rounded down, so that 0 also stands for less than two; counters have 32 bits, the
# highest value means that or more. Client is the side that opened the flow. JSON says weir's own
# elements instead, in their own units.

flow biflow
ip both
enterprise ntop

# When.
flowStartMilliseconds               # FIRST_SWITCHED (22) and 152
flowEndMilliseconds                 # LAST_SWITCHED (21) and 153

# Who.
sourceIPv4Address                   # IPV4_SRC_ADDR
destinationIPv4Address              # IPV4_DST_ADDR
sourceIPv6Address                   # IPV6_SRC_ADDR
destinationIPv6Address              # IPV6_DST_ADDR
sourceTransportPort                 # L4_SRC_PORT
destinationTransportPort            # L4_DST_PORT
protocolIdentifier                  # PROTOCOL
ipVersion                           # IP_PROTOCOL_VERSION
vlanId                              # SRC_VLAN
ingressInterface                    # INPUT_SNMP
egressInterface                     # OUTPUT_SNMP

# How much, each way.
octetDeltaCount                     # IN_BYTES
reverseOctetDeltaCount              # OUT_BYTES (23)
packetDeltaCount                    # IN_PKTS
reversePacketDeltaCount             # OUT_PKTS (24)

# What.
tcpControlBits                      # TCP_FLAGS: eight, of the forward direction
icmpTypeCodeIPv4                    # ICMP_TYPE
icmpTypeCodeIPv6                    # 139
ipClassOfService                    # SRC_TOS
reverseIpClassOfService             # DST_TOS (55)
minimumTTL                          # MIN_TTL, of the forward direction
maximumTTL                          # MAX_TTL
flowEndReason                       # 136

# How well; in NetFlow v9 57472 and ntop's number.
tcpHandshakeRtt                     # CLIENT_NW_LATENCY_MS (123)
reverseTcpHandshakeRtt              # SERVER_NW_LATENCY_MS (124)
reverseTcpResponseMean              # APPL_LATENCY_MS (125): ntop times the first answer, this is the mean
tcpRetransmittedPacketCount         # RETRANSMITTED_IN_PKTS (109)
reverseTcpRetransmittedPacketCount  # RETRANSMITTED_OUT_PKTS (110)
tcpRetransmittedOctetCount          # RETRANSMITTED_IN_BYTES (127)
reverseTcpRetransmittedOctetCount   # RETRANSMITTED_OUT_BYTES (128)
tcpOutOfOrderCount                  # OOORDER_IN_PKTS (111)
reverseTcpOutOfOrderCount           # OOORDER_OUT_PKTS (112)
tcpMaximumSegmentSize               # TCP_WIN_MSS_IN (417)
reverseTcpMaximumSegmentSize        # TCP_WIN_MSS_OUT (421)
tcpWindowScale                      # TCP_WIN_SCALE_IN (418)
reverseTcpWindowScale               # TCP_WIN_SCALE_OUT (422)

# Where the ends are and whose networks, where a geolocation database knows.
bgpSourceAsNumber                   # SRC_AS (16)
bgpDestinationAsNumber              # DST_AS (17)
sourceCountryCode                   # SRC_IP_COUNTRY (101)
sourceCity                          # SRC_IP_CITY (102)
destinationCountryCode              # DST_IP_COUNTRY (103)
destinationCity                     # DST_IP_CITY (104)
sourceAsOrganization                # SRC_AS_MAP (443)
destinationAsOrganization           # DST_AS_MAP (444)
sourceLongitude                     # SRC_IP_LONG (448), as text
sourceLatitude                      # SRC_IP_LAT (449), as text
destinationLongitude                # DST_IP_LONG (450), as text
destinationLatitude                 # DST_IP_LAT (451), as text
