# Another enterprise.
flow biflow
enterprise ntop

flowId
tcpHandshakeRtt
reverseTcpHandshakeRtt
