/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The meter at tc: both directions of a host, and drivers without XDP. */
#include <linux/pkt_cls.h>

#define METER_CTX_SKB
#include "cache.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tc")
int weir_tc(struct __sk_buff *skb)
{
	cache_frame(skb, 0);
	return TC_ACT_UNSPEC;
}

/* The buffer does not tell which of its two hooks it is at. */
SEC("tc")
int weir_tc_out(struct __sk_buff *skb)
{
	cache_frame(skb, FLOW_LEFT);
	return TC_ACT_UNSPEC;
}

/* What the meter is measured against. */
SEC("tc")
int weir_noop(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_UNSPEC;
}
