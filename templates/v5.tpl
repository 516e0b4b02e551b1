# SPDX-License-Identifier: BSD-2-Clause
# What a record of NetFlow v5 has room for. Its layout is fixed: a column left out here is sent as 0.
#
# IPv4 only, a record for each direction; IPv6 flows are counted as untold. Counters have 32 bits:
# more packets or octets become several records, which add up. The port of ICMP's destination is its
# type * 256 + code. TCP flags are eight, FIN to CWR. Autonomous systems have 16 bits: those beyond are
# 23456 (RFC 6793), those not known 0. Masks and next hop are 0.

flow uniflow
ip 4

flowStartMilliseconds
flowEndMilliseconds
sourceIPv4Address
destinationIPv4Address
sourceTransportPort
destinationTransportPort
protocolIdentifier
ingressInterface
egressInterface
octetDeltaCount
packetDeltaCount
tcpControlBits
icmpTypeCodeIPv4
ipClassOfService
bgpSourceAsNumber
bgpDestinationAsNumber
