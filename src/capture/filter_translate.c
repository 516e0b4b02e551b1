/* SPDX-License-Identifier: BSD-2-Clause */
/* The meaning is that of libpcap's own interpreter: arithmetic of 32 bits without sign, A and X and
 * the scratch memory begin as zero, and a load beyond the frame or a division by zero ends the
 * program without a match.
 *
 *	r6  the context		r7  A	r8  X	r9  what was loaded
 *	-8  what a helper loads	-16 a key	-24 a tag	-88 the scratch memory
 *
 * Where the frame lies is asked before every load: so nothing the verifier knows of one load is
 * carried to the next, and it walks each way through the program once, not every combination.
 *
 * A socket buffer may have lost its outermost VLAN tag to its metadata. The expression is about the
 * frame as it was on the wire, so for such buffers there is a second body, whose loads find the tag
 * where it was. */
#include "capture/filter_translate.h"

#include <linux/bpf.h>
#include <linux/filter.h>

#include <stddef.h>

#include "base/error.h"
#include "meter/types.h"

#define R0	   0
#define R1	   1
#define R2	   2
#define R3	   3
#define R4	   4
#define R_CONTEXT  6
#define R_A	   7
#define R_X	   8
#define R_VALUE	   9
#define R_FRAME	   10
#define AT_LOADED  (-8)
#define AT_KEY	   (-16)
#define AT_TAG	   (-24)
#define AT_MEMORY  (-88)
#define STEPS_MOST G_MAXINT16 /* as far as a jump goes */
#define DIRECT	   0x7fff /* offsets beyond are the helper's affair: the verifier stops at 64 k */
#define MACS	   12	  /* a tag stands behind them */
#define TAG_OCTETS 4
#define TAGGED	   (MACS + TAG_OCTETS)

/* Where a jump goes that is not within a body. */
enum label {
	LABEL_OUT = -1,
	LABEL_MATCH = -2,
};

struct jump {
	guint at;
	int to; /* a classic step, or a label */
};

struct translation {
	const struct filter_target *target;
	const struct sock_filter *code;
	guint count;
	bool tagged;   /* the body under way is the one for buffers without their tag */
	GArray *steps; /* of struct bpf_insn */
	GArray *jumps; /* of struct jump */
	guint *starts; /* of classic steps, in this body */
};

/* --- steps --- */

static void put(struct translation *t, struct bpf_insn step)
{
	g_array_append_val(t->steps, step);
}

static void alu(struct translation *t, guint8 operation, guint8 to, gint32 value)
{
	put(t, (struct bpf_insn){
		       .code = BPF_ALU | BPF_K | operation, .dst_reg = to & 15, .imm = value });
}

static void alu_reg(struct translation *t, guint8 operation, guint8 to, guint8 from)
{
	put(t, (struct bpf_insn){ .code = BPF_ALU | BPF_X | operation,
				  .dst_reg = to & 15,
				  .src_reg = from & 15 });
}

static void alu64(struct translation *t, guint8 operation, guint8 to, gint32 value)
{
	put(t, (struct bpf_insn){
		       .code = BPF_ALU64 | BPF_K | operation, .dst_reg = to & 15, .imm = value });
}

static void alu64_reg(struct translation *t, guint8 operation, guint8 to, guint8 from)
{
	put(t, (struct bpf_insn){ .code = BPF_ALU64 | BPF_X | operation,
				  .dst_reg = to & 15,
				  .src_reg = from & 15 });
}

static void fetch(struct translation *t, guint8 size, guint8 to, guint8 from, gint16 offset)
{
	put(t, (struct bpf_insn){ .code = BPF_LDX | BPF_MEM | size,
				  .dst_reg = to & 15,
				  .src_reg = from & 15,
				  .off = offset });
}

static void store(struct translation *t, guint8 size, guint8 to, gint16 offset, guint8 from)
{
	put(t, (struct bpf_insn){ .code = BPF_STX | BPF_MEM | size,
				  .dst_reg = to & 15,
				  .src_reg = from & 15,
				  .off = offset });
}

static void to_host(struct translation *t, guint8 reg, gint32 bits)
{
	put(t, (struct bpf_insn){
		       .code = BPF_ALU | BPF_END | BPF_TO_BE, .dst_reg = reg & 15, .imm = bits });
}

static void map(struct translation *t, guint8 to, int fd)
{
	put(t, (struct bpf_insn){ .code = BPF_LD | BPF_DW | BPF_IMM,
				  .dst_reg = to & 15,
				  .src_reg = BPF_PSEUDO_MAP_FD,
				  .imm = fd });
	put(t, (struct bpf_insn){ 0 });
}

static void call(struct translation *t, gint32 helper)
{
	put(t, (struct bpf_insn){ .code = BPF_JMP | BPF_CALL, .imm = helper });
}

/* --- jumps --- */

/* To a classic step or a label, known later. */
static void jump_to(struct translation *t, struct bpf_insn step, int to)
{
	const struct jump jump = { .at = t->steps->len, .to = to };

	g_array_append_val(t->jumps, jump);
	put(t, step);
}

static struct bpf_insn always(void)
{
	return (struct bpf_insn){ .code = BPF_JMP | BPF_JA };
}

static struct bpf_insn if_value(guint8 comparison, guint8 reg, gint32 value)
{
	return (struct bpf_insn){ .code = BPF_JMP | BPF_K | comparison,
				  .dst_reg = reg & 15,
				  .imm = value };
}

/* A step that jumps to wherever land() is called. */
static guint leap(struct translation *t, struct bpf_insn step)
{
	put(t, step);
	return t->steps->len - 1;
}

static void land(struct translation *t, guint from)
{
	g_array_index(t->steps, struct bpf_insn, from).off =
		(gint16)MIN(t->steps->len - from - 1, (guint)G_MAXINT16);
}

/* --- loads --- */

static guint8 size_octets(guint16 code)
{
	switch (BPF_SIZE(code)) {
	case BPF_W:
		return 4;
	case BPF_H:
		return 2;
	default:
		return 1;
	}
}

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

struct load {
	guint32 offset;
	guint octets;
	bool indexed; /* by X */
};

/* r1 = the load's offset and so much more; of 64 bits, so that it does not go round. */
static void find_offset(struct translation *t, const struct load *load, guint more)
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
	alu64(t, BPF_SUB, R1, TAG_OCTETS);
	land(t, before);
	load_here(t, 1);
	land(t, done);
}

static void load_by_octets(struct translation *t, const struct load *load)
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
static void load_indexed_tagged(struct translation *t, const struct load *load)
{
	guint near;
	guint done;

	find_offset(t, load, 0);
	near = leap(t, if_value(BPF_JLE, R1, TAGGED - 1));
	alu64(t, BPF_SUB, R1, TAG_OCTETS);
	load_here(t, load->octets);
	alu_reg(t, BPF_MOV, R_VALUE, R0);
	done = leap(t, always());
	land(t, near);
	load_by_octets(t, load);
	land(t, done);
}

static void load_value(struct translation *t, const struct load *load)
{
	struct load shifted = *load;

	if (t->tagged && load->indexed) {
		load_indexed_tagged(t, load);
		return;
	}
	if (t->tagged && load->offset >= TAGGED)
		shifted.offset -= TAG_OCTETS;
	else if (t->tagged && load->offset + load->octets > MACS) {
		load_by_octets(t, load);
		return;
	}
	find_offset(t, &shifted, 0);
	load_here(t, load->octets);
	alu_reg(t, BPF_MOV, R_VALUE, R0);
}

/* to = octets of the frame, a tag in the metadata included. */
static void load_length(struct translation *t, guint8 to)
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
	alu64(t, BPF_ADD, to, TAG_OCTETS);
	land(t, untagged);
}

/* --- classic steps --- */

static gint16 memory_at(guint32 k)
{
	return (gint16)(AT_MEMORY + 4 * (gint16)(k % BPF_MEMWORDS));
}

/* False: there is no such step. */
static bool put_load(struct translation *t, const struct sock_filter *step)
{
	const guint8 to = BPF_CLASS(step->code) == BPF_LDX ? R_X : R_A;
	const struct load load = { .offset = step->k,
				   .octets = size_octets(step->code),
				   .indexed = BPF_MODE(step->code) == BPF_IND };

	switch (BPF_MODE(step->code)) {
	case BPF_IMM:
		alu(t, BPF_MOV, to, (gint32)step->k);
		return true;
	case BPF_MEM:
		fetch(t, BPF_W, to, R_FRAME, memory_at(step->k));
		return true;
	case BPF_LEN:
		load_length(t, to);
		return true;
	case BPF_MSH:
		load_value(t, &load);
		alu_reg(t, BPF_MOV, R_X, R_VALUE);
		alu(t, BPF_AND, R_X, 0xf);
		alu(t, BPF_LSH, R_X, 2);
		return to == R_X;
	case BPF_ABS:
	case BPF_IND:
		load_value(t, &load);
		alu_reg(t, BPF_MOV, R_A, R_VALUE);
		return to == R_A;
	default:
		return false;
	}
}

/* Shifts by 32 bits and more leave nothing; the kernel's would shift by the rest of that. */
static void put_shift(struct translation *t, const struct sock_filter *step)
{
	guint done;

	if (BPF_SRC(step->code) == BPF_K && step->k < 32) {
		alu(t, BPF_OP(step->code), R_A, (gint32)step->k);
		return;
	}
	if (BPF_SRC(step->code) == BPF_K) {
		alu(t, BPF_MOV, R_A, 0);
		return;
	}
	alu_reg(t, BPF_MOV, R1, R_X);
	alu_reg(t, BPF_MOV, R0, R_A);
	alu(t, BPF_MOV, R_A, 0);
	done = leap(t, if_value(BPF_JGT, R1, 31));
	alu_reg(t, BPF_MOV, R_A, R0);
	alu_reg(t, BPF_OP(step->code), R_A, R1);
	land(t, done);
}

static bool put_arithmetic(struct translation *t, const struct sock_filter *step)
{
	const guint8 operation = BPF_OP(step->code);
	const bool divides = operation == BPF_DIV || operation == BPF_MOD;

	if (operation == BPF_NEG) {
		alu(t, BPF_NEG, R_A, 0);
		return true;
	}
	if (operation == BPF_LSH || operation == BPF_RSH) {
		put_shift(t, step);
		return true;
	}
	if (operation > BPF_XOR || (divides && BPF_SRC(step->code) == BPF_K && step->k == 0))
		return false;
	if (BPF_SRC(step->code) == BPF_K) {
		alu(t, operation, R_A, (gint32)step->k);
		return true;
	}
	if (divides)
		jump_to(t, if_value(BPF_JEQ, R_X, 0), LABEL_OUT);
	alu_reg(t, operation, R_A, R_X);
	return true;
}

static bool put_jump(struct translation *t, guint at)
{
	const struct sock_filter *step = &t->code[at];
	struct bpf_insn test = { .code = BPF_JMP32 | BPF_OP(step->code) | BPF_SRC(step->code),
				 .dst_reg = R_A };

	if (BPF_OP(step->code) == BPF_JA) {
		if (step->k >= t->count - at - 1)
			return false;
		jump_to(t, always(), (int)(at + 1 + step->k));
		return true;
	}
	if (BPF_OP(step->code) > BPF_JSET || at + 1u + MAX(step->jt, step->jf) >= t->count)
		return false;
	if (BPF_SRC(step->code) == BPF_X)
		test.src_reg = R_X;
	else
		test.imm = (gint32)step->k;
	jump_to(t, test, (int)at + 1 + step->jt);
	if (step->jf)
		jump_to(t, always(), (int)at + 1 + step->jf);
	return true;
}

/* Asked even where the answer is plain: the verifier wants a way to every step. */
static bool put_return(struct translation *t, const struct sock_filter *step)
{
	if (BPF_RVAL(step->code) != BPF_A)
		alu(t, BPF_MOV, R_A, (gint32)step->k);
	jump_to(t, if_value(BPF_JNE, R_A, 0), LABEL_MATCH);
	jump_to(t, always(), LABEL_OUT);
	return true;
}

static bool put_step(struct translation *t, guint at)
{
	const struct sock_filter *step = &t->code[at];

	switch (BPF_CLASS(step->code)) {
	case BPF_LD:
	case BPF_LDX:
		return put_load(t, step);
	case BPF_ST:
		store(t, BPF_W, R_FRAME, memory_at(step->k), R_A);
		return true;
	case BPF_STX:
		store(t, BPF_W, R_FRAME, memory_at(step->k), R_X);
		return true;
	case BPF_ALU:
		return put_arithmetic(t, step);
	case BPF_JMP:
		return put_jump(t, at);
	case BPF_RET:
		return put_return(t, step);
	default:
		if (BPF_MISCOP(step->code) == BPF_TAX)
			alu_reg(t, BPF_MOV, R_X, R_A);
		else
			alu_reg(t, BPF_MOV, R_A, R_X);
		return BPF_MISCOP(step->code) == BPF_TAX || BPF_MISCOP(step->code) == BPF_TXA;
	}
}

/* --- the whole --- */

/* Steps that a label stands for go to where it is. */
static void settle_jumps(struct translation *t, int label)
{
	for (guint i = 0; i < t->jumps->len; i++) {
		const struct jump *jump = &g_array_index(t->jumps, struct jump, i);

		if (jump->to == label)
			land(t, jump->at);
	}
}

/* Jumps between classic steps are a body's own. */
static void settle_body(struct translation *t)
{
	guint kept = 0;

	for (guint i = 0; i < t->jumps->len; i++) {
		struct jump *jump = &g_array_index(t->jumps, struct jump, i);
		struct bpf_insn *step = &g_array_index(t->steps, struct bpf_insn, jump->at);

		if (jump->to >= 0)
			step->off =
				(gint16)MIN(t->starts[jump->to] - jump->at - 1, (guint)G_MAXINT16);
		else
			g_array_index(t->jumps, struct jump, kept++) = *jump;
	}
	g_array_set_size(t->jumps, kept);
}

static bool put_body(struct translation *t, GError **error)
{
	for (guint at = 0; at < t->count; at++) {
		t->starts[at] = t->steps->len;
		if (put_step(t, at))
			continue;
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "filter: step %u of libpcap's program (0x%x) has no counterpart in the "
			    "kernel%s; --hook af_packet filters without",
			    at, t->code[at].code,
			    t->code[at].code == (BPF_JMP | BPF_JA) ? " (protochain loops)" : "");
		return false;
	}
	settle_body(t);
	return true;
}

static void begin(struct translation *t)
{
	alu64_reg(t, BPF_MOV, R_CONTEXT, R1);
	alu(t, BPF_MOV, R_A, 0);
	alu(t, BPF_MOV, R_X, 0);
	for (guint i = 0; i < BPF_MEMWORDS; i += 2)
		store(t, BPF_DW, R_FRAME, memory_at(i), R_A);
}

static void put_tag(struct translation *t)
{
	fetch(t, BPF_W, R0, R_CONTEXT, offsetof(struct __sk_buff, vlan_proto));
	to_host(t, R0, 16);
	alu(t, BPF_LSH, R0, 16);
	fetch(t, BPF_W, R1, R_CONTEXT, offsetof(struct __sk_buff, vlan_tci));
	alu_reg(t, BPF_OR, R0, R1);
	store(t, BPF_W, R_FRAME, AT_TAG, R0);
}

static bool put_bodies(struct translation *t, GError **error)
{
	guint tagged = 0;

	if (t->target->buffer) {
		fetch(t, BPF_W, R0, R_CONTEXT, offsetof(struct __sk_buff, vlan_present));
		tagged = leap(t, if_value(BPF_JNE, R0, 0));
	}
	if (!put_body(t, error))
		return false;
	if (!t->target->buffer)
		return true;
	land(t, tagged);
	t->tagged = true;
	put_tag(t);
	return put_body(t, error);
}

static void count_as(struct translation *t, enum meter_verdict verdict)
{
	const gint16 octet = (gint16)(8 * (int)verdict);
	const gint16 packets = (gint16)(offsetof(struct meter_counts, packets) + (size_t)octet);
	const gint16 octets = (gint16)(offsetof(struct meter_counts, frame_octets) + (size_t)octet);
	guint none;

	alu(t, BPF_MOV, R0, 0);
	store(t, BPF_W, R_FRAME, AT_KEY, R0);
	map(t, R1, t->target->counts);
	alu64_reg(t, BPF_MOV, R2, R_FRAME);
	alu64(t, BPF_ADD, R2, AT_KEY);
	call(t, BPF_FUNC_map_lookup_elem);
	none = leap(t, if_value(BPF_JEQ, R0, 0));
	fetch(t, BPF_DW, R1, R0, packets);
	alu64(t, BPF_ADD, R1, 1);
	store(t, BPF_DW, R0, packets, R1);
	load_length(t, R2);
	fetch(t, BPF_DW, R1, R0, octets);
	alu64_reg(t, BPF_ADD, R1, R2);
	store(t, BPF_DW, R0, octets, R1);
	land(t, none);
	alu(t, BPF_MOV, R0, t->target->passing);
	put(t, (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT });
}

/* The tail call comes back only if the meter is not in its place, which no order of events should
 * bring about; even then no packet goes unaccounted. */
static void end(struct translation *t)
{
	settle_jumps(t, LABEL_MATCH);
	alu64_reg(t, BPF_MOV, R1, R_CONTEXT);
	map(t, R2, t->target->targets);
	alu(t, BPF_MOV, R3, (gint32)t->target->slot);
	call(t, BPF_FUNC_tail_call);
	count_as(t, METER_BUSY);
	settle_jumps(t, LABEL_OUT);
	count_as(t, METER_FILTERED);
}

GArray *filter_translate(const struct sock_filter *code, guint count,
			 const struct filter_target *target, GError **error)
{
	struct translation t = { .target = target, .code = code, .count = count };
	bool good;

	t.steps = g_array_new(FALSE, FALSE, sizeof(struct bpf_insn));
	t.jumps = g_array_new(FALSE, FALSE, sizeof(struct jump));
	t.starts = g_new0(guint, count);
	begin(&t);
	good = put_bodies(&t, error);
	if (good) {
		end(&t);
		good = t.steps->len <= STEPS_MOST;
		if (!good)
			g_set_error(
				error, WEIR_ERROR, WEIR_ERROR_USAGE,
				"filter: %u steps in the kernel, where %d are possible: shorten "
				"it, or use --hook af_packet",
				t.steps->len, STEPS_MOST);
	}
	g_free(t.starts);
	g_array_unref(t.jumps);
	if (good)
		return t.steps;
	g_array_unref(t.steps);
	return NULL;
}
