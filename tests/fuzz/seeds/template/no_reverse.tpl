flow biflow
reverseFlowId
