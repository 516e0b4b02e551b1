# SPDX-License-Identifier: BSD-2-Clause
# Whose packets a record counts, and whether it is a whole flow.
flow biflow
ip 4
sourceIPv4Address
destinationIPv4Address
sourceTransportPort
destinationTransportPort
packetDeltaCount
reversePacketDeltaCount
flowEndReason
metricValidity
