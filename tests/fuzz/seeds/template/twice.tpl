flowId
flowId
