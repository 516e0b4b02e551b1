flow uniflow
ip 6
sourceIPv6Address
flowId
