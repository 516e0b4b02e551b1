/* SPDX-License-Identifier: BSD-2-Clause */
/* The meaning is that of libpcap's own interpreter: arithmetic of 32 bits without sign, A and X and
 * the scratch memory begin as zero, and a load beyond the frame or a division by zero ends the
 * program without a match.
 *
 * A socket buffer may have lost its outermost VLAN tag to its metadata. The expression is about the
 * frame as it was on the wire, so for such buffers there is a second body, whose loads find the tag
 * where it was. */
#include "capture/filter_translate.h"

#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "capture/filter_parts.h"
#include "meter/types.h"

#define AT_KEY	   (-16)
#define AT_MEMORY  (-88)
#define STEPS_MOST G_MAXINT16 /* as far as a jump goes */
#define TURNS	   16	      /* more headers than these in a chain are no match */

/* --- classic steps --- */

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

static gint16 memory_at(guint32 k)
{
	return (gint16)(AT_MEMORY + 4 * (gint16)(k % BPF_MEMWORDS));
}

/* False: there is no such step. */
static bool put_load(struct translation *t, const struct sock_filter *step)
{
	const guint8 to = BPF_CLASS(step->code) == BPF_LDX ? R_X : R_A;
	const struct filter_load load = { .offset = step->k,
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
		filter_load_length(t, to);
		return true;
	case BPF_MSH:
		filter_load_value(t, &load);
		alu_reg(t, BPF_MOV, R_X, R_VALUE);
		alu(t, BPF_AND, R_X, 0xf);
		alu(t, BPF_LSH, R_X, 2);
		return to == R_X;
	case BPF_ABS:
	case BPF_IND:
		filter_load_value(t, &load);
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

static void go_to(struct translation *t, struct bpf_insn step, guint turn, guint at)
{
	const guint place = turn * t->count + at;

	t->reached[place] = true;
	jump_to(t, step, (int)place);
}

/* Ahead, or back: to what protochain does with every header. */
static bool put_plain_jump(struct translation *t, guint at)
{
	const gint64 to = (gint64)at + 1 + (gint32)t->code[at].k;

	if (to < 0 || to >= t->count)
		return false;
	if (to > at)
		go_to(t, always(), t->turn, (guint)to);
	else if (t->turn + 1 < TURNS)
		go_to(t, always(), t->turn + 1, (guint)to);
	else
		jump_to(t, always(), LABEL_OUT);
	return true;
}

static bool put_jump(struct translation *t, guint at)
{
	const struct sock_filter *step = &t->code[at];
	struct bpf_insn test = { .code = BPF_JMP32 | BPF_OP(step->code) | BPF_SRC(step->code),
				 .dst_reg = R_A };

	if (BPF_OP(step->code) == BPF_JA)
		return put_plain_jump(t, at);
	if (BPF_OP(step->code) > BPF_JSET || at + 1u + MAX(step->jt, step->jf) >= t->count)
		return false;
	if (BPF_SRC(step->code) == BPF_X)
		test.src_reg = R_X;
	else
		test.imm = (gint32)step->k;
	go_to(t, test, t->turn, at + 1u + step->jt);
	if (step->jf)
		go_to(t, always(), t->turn, at + 1u + step->jf);
	else
		t->reached[t->turn * t->count + at + 1] = true;
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

static bool refuse(const struct sock_filter *step, guint at, GError **error)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "filter: step %u of libpcap's program (0x%x) has no counterpart in the kernel; "
		    "--hook af_packet filters without",
		    at, step->code);
	return false;
}

/* Jumps say by themselves what they go to. */
static bool is_jump(const struct sock_filter *step)
{
	return BPF_CLASS(step->code) == BPF_JMP || BPF_CLASS(step->code) == BPF_RET;
}

/* Only what is reached, for the verifier takes nothing else. */
static bool put_body(struct translation *t, GError **error)
{
	memset(t->reached, 0, sizeof(*t->reached) * t->count * TURNS);
	t->reached[0] = true;
	for (guint place = 0; place < t->count * TURNS; place++) {
		const guint at = place % t->count;

		if (!t->reached[place])
			continue;
		t->turn = place / t->count;
		t->starts[place] = t->steps->len;
		if (!put_step(t, at))
			return refuse(&t->code[at], at, error);
		if (!is_jump(&t->code[at]))
			t->reached[place + 1] = true;
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
	filter_load_tag(t);
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
	filter_load_length(t, R2);
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
	t.starts = g_new0(guint, (gsize)count * TURNS);
	t.reached = g_new0(bool, (gsize)count *TURNS + 1);
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
	g_free(t.reached);
	g_array_unref(t.jumps);
	if (good)
		return t.steps;
	g_array_unref(t.steps);
	return NULL;
}
