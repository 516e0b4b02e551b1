/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The meter at tc: both directions of a host, and drivers without XDP. */
#include <linux/pkt_cls.h>

#define METER_CTX_SKB
#include "cache.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Headers the meter may read; what lies beyond may stay in fragments of the buffer. */
#define LINEAR_OCTETS 256

METER_INLINE int meter_buffer(struct __sk_buff *skb, __u16 state)
{
	__u32 linear = skb->data_end - skb->data;

	if (linear < LINEAR_OCTETS && linear < skb->len)
		bpf_skb_pull_data(skb, skb->len < LINEAR_OCTETS ? skb->len : LINEAR_OCTETS);
	cache_frame(skb, state);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int weir_tc(struct __sk_buff *skb)
{
	return meter_buffer(skb, 0);
}

/* The buffer does not tell which of its two hooks it is at. */
SEC("tc")
int weir_tc_out(struct __sk_buff *skb)
{
	return meter_buffer(skb, FLOW_LEFT);
}

/* What the meter is measured against. */
SEC("tc")
int weir_noop(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_UNSPEC;
}
