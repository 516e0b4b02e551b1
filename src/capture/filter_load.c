/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads from the frame. Where it lies is asked before every one: so nothing the verifier knows of
 * one load is carried to the next, and it walks each way through the program once, not every
 * combination. */
#include <stddef.h>

#include "capture/filter_parts.h"

#define AT_LOADED (-8)
#define DIRECT	  0x7fff /* offsets beyond are the helper's affair: the verifier stops at 64 k */
#define MACS	  12	 /* a tag stands behind them */
#define TAGGED	  (MACS + FILTER_TAG_OCTETS)

static guint8 size_code(guint octets)
{
	return octets == 4 ? BPF_W : octets == 2 ? BPF_H : BPF_B;
}

/* The octets at r1 by the kernel's helper, which reaches what is not at hand in one piece. */
static void load_by_helper(struct translation *t, guint octets)
{
	jump_to(t, if_value(BPF_JGT, R1, G_MAXINT32), LABEL_OUT);
	alu64_reg(t, BPF_MOV, R2, R1);
	alu64_reg(t, BPF_MOV, R1, R_CONTEXT);
	alu64_reg(t, BPF_MOV, R3, R_FRAME);
	alu64(t, BPF_ADD, R3, AT_LOADED);
	alu(t, BPF_MOV, R4, (gint32)octets);
	call(t, BPF_FUNC_skb_load_bytes);
	jump_to(t, if_value(BPF_JNE, R0, 0), LABEL_OUT);
	fetch(t, size_code(octets), R0, R_FRAME, AT_LOADED);
}

static void fetch_bounds(struct translation *t, guint8 start, guint8 end)
{
	const bool buffer = t->target->buffer;

	fetch(t, BPF_W, start, R_CONTEXT,
	      buffer ? offsetof(struct __sk_buff, data) : offsetof(struct xdp_md, data));
	fetch(t, BPF_W, end, R_CONTEXT,
	      buffer ? offsetof(struct __sk_buff, data_end) : offsetof(struct xdp_md, data_end));
}

/* r0 = the octets at r1, in host order; r1 is not negative. */
static void load_here(struct translation *t, guint octets)
{
	const struct bpf_insn past = { .code = BPF_JMP | BPF_X | BPF_JGT,
				       .dst_reg = R4,
				       .src_reg = R3 };
	const bool buffer = t->target->buffer;
	guint far = 0;
	guint beyond = 0;
	guint done;

	if (buffer)
		far = leap(t, if_value(BPF_JGT, R1, DIRECT));
	else
		jump_to(t, if_value(BPF_JGT, R1, DIRECT), LABEL_OUT);
	fetch_bounds(t, R2, R3);
	alu64_reg(t, BPF_ADD, R2, R1);
	alu64_reg(t, BPF_MOV, R4, R2);
	alu64(t, BPF_ADD, R4, (gint32)octets);
	if (buffer)
		beyond = leap(t, past);
	else
		jump_to(t, past, LABEL_OUT);
	fetch(t, size_code(octets), R0, R2, 0);
	if (buffer) {
		done = leap(t, always());
		land(t, far);
		land(t, beyond);
		load_by_helper(t, octets);
		land(t, done);
	}
	if (octets > 1)
		to_host(t, R0, (gint32)octets * 8);
}

/* r1 = the load's offset and so much more; of 64 bits, so that it does not go round. */
static void find_offset(struct translation *t, const struct filter_load *load, guint more)
{
	alu(t, BPF_MOV, R1, (gint32)load->offset);
	if (more)
		alu64(t, BPF_ADD, R1, (gint32)more);
	if (load->indexed)
		alu64_reg(t, BPF_ADD, R1, R_X);
}

/* r0 = the octet at r1 of the frame that still had its tag. */
static void load_octet(struct translation *t)
{
	guint behind = leap(t, if_value(BPF_JGT, R1, TAGGED - 1));
	guint before = leap(t, if_value(BPF_JLE, R1, MACS - 1));
	guint done;

	fetch(t, BPF_W, R0, R_FRAME, AT_TAG);
	alu(t, BPF_MOV, R2, TAGGED - 1);
	alu_reg(t, BPF_SUB, R2, R1);
	alu(t, BPF_LSH, R2, 3);
	alu_reg(t, BPF_RSH, R0, R2);
	alu(t, BPF_AND, R0, 0xff);
	done = leap(t, always());
	land(t, behind);
	alu64(t, BPF_SUB, R1, FILTER_TAG_OCTETS);
	land(t, before);
	load_here(t, 1);
	land(t, done);
}

static void load_by_octets(struct translation *t, const struct filter_load *load)
{
	alu(t, BPF_MOV, R_VALUE, 0);
	for (guint i = 0; i < load->octets; i++) {
		find_offset(t, load, i);
		load_octet(t);
		alu(t, BPF_LSH, R_VALUE, 8);
		alu_reg(t, BPF_OR, R_VALUE, R0);
	}
}

/* Behind the tag in one piece, elsewhere octet by octet. */
static void load_indexed_tagged(struct translation *t, const struct filter_load *load)
{
	guint near;
	guint done;

	find_offset(t, load, 0);
	near = leap(t, if_value(BPF_JLE, R1, TAGGED - 1));
	alu64(t, BPF_SUB, R1, FILTER_TAG_OCTETS);
	load_here(t, load->octets);
	alu_reg(t, BPF_MOV, R_VALUE, R0);
	done = leap(t, always());
	land(t, near);
	load_by_octets(t, load);
	land(t, done);
}

void filter_load_value(struct translation *t, const struct filter_load *load)
{
	struct filter_load shifted = *load;

	if (t->tagged && load->indexed) {
		load_indexed_tagged(t, load);
		return;
	}
	if (t->tagged && load->offset >= TAGGED)
		shifted.offset -= FILTER_TAG_OCTETS;
	else if (t->tagged && load->offset + load->octets > MACS) {
		load_by_octets(t, load);
		return;
	}
	find_offset(t, &shifted, 0);
	load_here(t, load->octets);
	alu_reg(t, BPF_MOV, R_VALUE, R0);
}

void filter_load_length(struct translation *t, guint8 to)
{
	guint untagged;

	if (!t->target->buffer) {
		fetch_bounds(t, R3, to);
		alu64_reg(t, BPF_SUB, to, R3);
		return;
	}
	fetch(t, BPF_W, to, R_CONTEXT, offsetof(struct __sk_buff, len));
	fetch(t, BPF_W, R3, R_CONTEXT, offsetof(struct __sk_buff, vlan_present));
	untagged = leap(t, if_value(BPF_JEQ, R3, 0));
	alu64(t, BPF_ADD, to, FILTER_TAG_OCTETS);
	land(t, untagged);
}

void filter_load_tag(struct translation *t)
{
	fetch(t, BPF_W, R0, R_CONTEXT, offsetof(struct __sk_buff, vlan_proto));
	to_host(t, R0, 16);
	alu(t, BPF_LSH, R0, 16);
	fetch(t, BPF_W, R1, R_CONTEXT, offsetof(struct __sk_buff, vlan_tci));
	alu_reg(t, BPF_OR, R0, R1);
	store(t, BPF_W, R_FRAME, AT_TAG, R0);
}
