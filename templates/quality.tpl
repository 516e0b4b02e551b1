# SPDX-License-Identifier: BSD-2-Clause
# How well each direction went: TCP round trips, losses, responses and windows, and shape.
#
# 60 columns for either IP version: as many as tshark takes by default. A record is 374 octets (IPv4)
# or 398 (IPv6), the template 424. The last three pairs, of shape, need --detail full; without them
# tcp is enough, and a flow takes 832 octets of the flow table instead of 1344.
# A value that was not measured is 0: metricValidity, or the count beside it, tells. JSON leaves it
# out, and all TCP columns of flows that are not TCP.

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

# How much, each way.
octetDeltaCount
reverseOctetDeltaCount
packetDeltaCount
reversePacketDeltaCount
transportOctetDeltaCount
reverseTransportOctetDeltaCount

# How it went as a whole.
tcpControlBits
reverseTcpControlBits
biflowDirection
flowEndReason
flowId
tcpStateAtEnd
metricValidity
reverseMetricValidity

# Round trips to each side.
tcpHandshakeRtt
reverseTcpHandshakeRtt
tcpRttMinimum
reverseTcpRttMinimum
tcpRttMean
reverseTcpRttMean
tcpRttMaximum
reverseTcpRttMaximum
tcpRttDeviation
reverseTcpRttDeviation
tcpRttCount
reverseTcpRttCount

# Response times of each side's application.
tcpResponseMean
reverseTcpResponseMean
tcpResponseMaximum
reverseTcpResponseMaximum
tcpResponseCount
reverseTcpResponseCount

# What each side had to send again, and what came late or never.
tcpRetransmittedPacketCount
reverseTcpRetransmittedPacketCount
tcpRetransmittedOctetCount
reverseTcpRetransmittedOctetCount
tcpSynRetransmissionCount
reverseTcpSynRetransmissionCount
tcpOutOfOrderCount
reverseTcpOutOfOrderCount
tcpUnseenOctetCount
reverseTcpUnseenOctetCount

# When each side could take no more.
tcpZeroWindowCount
reverseTcpZeroWindowCount
tcpZeroWindowDuration
reverseTcpZeroWindowDuration

# Shape: how steady, how bursty.
interArrivalMean
reverseInterArrivalMean
interArrivalDeviation
reverseInterArrivalDeviation
octetsPerSecondMaximum
reverseOctetsPerSecondMaximum
