# SPDX-License-Identifier: BSD-2-Clause
# What NetFlow v9 (RFC 3954) has numbers for: a record for each direction, as routers send it.
#
# The start and the end are told twice, as FIRST_SWITCHED and LAST_SWITCHED (22 and 21, milliseconds of
# the exporter's uptime), which every collector reads, and as milliseconds since 1970 (152 and 153).
# TCP_FLAGS has eight flags, FIN to CWR. There is no flowId: nfdump takes a record with one for an event of
# a firewall.

flow uniflow
ip both

# When.
flowStartMilliseconds
flowEndMilliseconds

# Who.
sourceIPv4Address
destinationIPv4Address
sourceIPv6Address
destinationIPv6Address
sourceTransportPort
destinationTransportPort
protocolIdentifier
ipVersion
vlanId
ingressInterface
egressInterface
flowDirection

# How much.
octetDeltaCount
packetDeltaCount

# What.
tcpControlBits
icmpTypeCodeIPv4
icmpTypeCodeIPv6
ipClassOfService
minimumTTL
maximumTTL
flowEndReason

# Whose networks the ends are in, where a geolocation database knows (4 octets).
bgpSourceAsNumber
bgpDestinationAsNumber
