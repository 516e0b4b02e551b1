# SPDX-License-Identifier: BSD-2-Clause
# What every collector eats: elements of IANA's registry only, a record for each direction.
#
# A line a column, in the order of the record; # begins a comment. Directives, before the columns:
#   flow uniflow|biflow   a record for each direction, or one for both with reverse elements
#   ip   both|4|6         the flows to tell; an IPv4 column is left out of IPv6 records, and vice versa
#   enterprise own|ntop   over IPFIX, own elements as they are, or as ntop's where it has them, in its units
# `weir elements` lists the names; the reverse of octetDeltaCount is reverseOctetDeltaCount.

flow uniflow
ip both

# When. Milliseconds stand in every template: some collectors know no other times.
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
biflowDirection
flowEndReason
flowId
