# SPDX-License-Identifier: BSD-2-Clause
# standard, and where both ends are and whose network they are in.
#
# It goes over IPFIX and NetFlow v9; biflowDirection and flowId, which v9 does not know or collectors
# of it take for something else, are left out.
#
# Other than AS numbers these are our own elements, described in weir-elements.xml. NetFlow v9 has no
# enterprises: country, city and organisation go there by ntop's numbers (57472 and more), the rest by
# 49152 and the element's id; texts have fixed lengths there. Which database says so and how old it is
# is told as options (IPFIX).

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
flowEndReason

# Where the ends are, as the databases know; what they do not know is empty or 0, and JSON leaves it out.
sourceAddressClass
destinationAddressClass
sourceCountryCode
destinationCountryCode
sourceContinentCode
destinationContinentCode
sourceSubdivision
destinationSubdivision
sourceCity
destinationCity
sourcePostalCode
destinationPostalCode
sourceLatitude
destinationLatitude
sourceLongitude
destinationLongitude
sourceAccuracyRadius
destinationAccuracyRadius
sourceTimeZone
destinationTimeZone

# Whose networks these are.
bgpSourceAsNumber
bgpDestinationAsNumber
sourceAsOrganization
destinationAsOrganization
sourceLabel
destinationLabel
sourceSite
destinationSite
