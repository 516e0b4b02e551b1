	flow biflow # both
 reversePacketDeltaCount
#
