# SPDX-License-Identifier: BSD-2-Clause
# One record a flow (RFC 5103): the initiator's direction, and the responder's in reverse elements.
# Times without reverse are those of the whole flow.

flow biflow
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
vlanId
ingressInterface
egressInterface

# How much, each way.
octetDeltaCount
reverseOctetDeltaCount
packetDeltaCount
reversePacketDeltaCount
transportOctetDeltaCount
reverseTransportOctetDeltaCount

# What, each way.
tcpControlBits
reverseTcpControlBits
icmpTypeCodeIPv4
reverseIcmpTypeCodeIPv4
icmpTypeCodeIPv6
reverseIcmpTypeCodeIPv6
ipClassOfService
reverseIpClassOfService
minimumTTL
reverseMinimumTTL
maximumTTL
reverseMaximumTTL

biflowDirection
flowEndReason
flowId
