/* SPDX-License-Identifier: BSD-2-Clause */
/* A program no verifier takes: it reads beyond the frame. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int broken(struct xdp_md *ctx)
{
	const char *data = (const char *)(long)ctx->data;

	return data[0] ? XDP_PASS : XDP_DROP;
}
