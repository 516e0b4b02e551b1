# SPDX-License-Identifier: BSD-2-Clause
# Everything the tests compare, times to the nanosecond.
flow uniflow
ip both

flowStartNanoseconds
flowEndNanoseconds
sourceIPv4Address
destinationIPv4Address
sourceIPv6Address
destinationIPv6Address
sourceTransportPort
destinationTransportPort
icmpIdentifier
protocolIdentifier
vlanId
flowId
packetDeltaCount
octetDeltaCount
tcpControlBits
minimumTTL
maximumTTL
flowEndReason
biflowDirection
