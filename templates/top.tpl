# SPDX-License-Identifier: BSD-2-Clause
# What weir top asks of each flow: who, how much, how well, where, in few columns and both directions.
#
# Other than retransmissions, round trips and what is known of places, which are our own elements
# (weir-elements.xml), these are IANA's. It takes --detail tcp.

flow biflow
ip both

flowId
flowStartMilliseconds
flowEndMilliseconds
flowStartNanoseconds
flowEndNanoseconds
sourceIPv4Address
destinationIPv4Address
sourceIPv6Address
destinationIPv6Address
sourceTransportPort
destinationTransportPort
protocolIdentifier
ipVersion
packetDeltaCount
reversePacketDeltaCount
octetDeltaCount
reverseOctetDeltaCount

tcpRetransmittedPacketCount
reverseTcpRetransmittedPacketCount
tcpHandshakeRtt
reverseTcpHandshakeRtt
tcpRttMean
reverseTcpRttMean

interfaceName
reverseInterfaceName
sourceCountryCode
destinationCountryCode
bgpSourceAsNumber
bgpDestinationAsNumber
sourceAsOrganization
destinationAsOrganization
