/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside filter_translate.c and filter_load.c: the program under way, and how steps and jumps are
 * put to it. Nobody else includes this.
 *
 *	r6  the context		r7  A	r8  X	r9  what was loaded
 *	-8  what a helper loads	-16 a key	-24 a tag	-88 the scratch memory
 */
#ifndef WEIR_CAPTURE_FILTER_PARTS_H
#define WEIR_CAPTURE_FILTER_PARTS_H

#include <linux/bpf.h>
#include <linux/filter.h>

#include "capture/filter_translate.h"

#define R0		  0
#define R1		  1
#define R2		  2
#define R3		  3
#define R4		  4
#define R_CONTEXT	  6
#define R_A		  7
#define R_X		  8
#define R_VALUE		  9
#define R_FRAME		  10
#define AT_TAG		  (-24)
#define FILTER_TAG_OCTETS 4

/* Where a jump goes that is not within a body. */
enum label {
	LABEL_OUT = -1,
	LABEL_MATCH = -2,
};

struct jump {
	guint at;
	int to; /* a place of a classic step, or a label */
};

struct translation {
	const struct filter_target *target;
	const struct sock_filter *code;
	guint count;
	bool tagged;   /* the body under way is the one for buffers without their tag */
	GArray *steps; /* of struct bpf_insn */
	GArray *jumps; /* of struct jump */
	/* A program that loops is put down several times, each jump back going on into the next
	 * turn: so places are turn * count + step. */
	guint turn;
	bool *reached; /* the places that anything goes to */
	guint *starts; /* in this body */
};

/* --- steps --- */

static inline void put(struct translation *t, struct bpf_insn step)
{
	g_array_append_val(t->steps, step);
}

static inline void alu(struct translation *t, guint8 operation, guint8 to, gint32 value)
{
	put(t, (struct bpf_insn){
		       .code = BPF_ALU | BPF_K | operation, .dst_reg = to & 15, .imm = value });
}

static inline void alu_reg(struct translation *t, guint8 operation, guint8 to, guint8 from)
{
	put(t, (struct bpf_insn){ .code = BPF_ALU | BPF_X | operation,
				  .dst_reg = to & 15,
				  .src_reg = from & 15 });
}

static inline void alu64(struct translation *t, guint8 operation, guint8 to, gint32 value)
{
	put(t, (struct bpf_insn){
		       .code = BPF_ALU64 | BPF_K | operation, .dst_reg = to & 15, .imm = value });
}

static inline void alu64_reg(struct translation *t, guint8 operation, guint8 to, guint8 from)
{
	put(t, (struct bpf_insn){ .code = BPF_ALU64 | BPF_X | operation,
				  .dst_reg = to & 15,
				  .src_reg = from & 15 });
}

static inline void fetch(struct translation *t, guint8 size, guint8 to, guint8 from, gint16 offset)
{
	put(t, (struct bpf_insn){ .code = BPF_LDX | BPF_MEM | size,
				  .dst_reg = to & 15,
				  .src_reg = from & 15,
				  .off = offset });
}

static inline void store(struct translation *t, guint8 size, guint8 to, gint16 offset, guint8 from)
{
	put(t, (struct bpf_insn){ .code = BPF_STX | BPF_MEM | size,
				  .dst_reg = to & 15,
				  .src_reg = from & 15,
				  .off = offset });
}

static inline void to_host(struct translation *t, guint8 reg, gint32 bits)
{
	put(t, (struct bpf_insn){
		       .code = BPF_ALU | BPF_END | BPF_TO_BE, .dst_reg = reg & 15, .imm = bits });
}

static inline void map(struct translation *t, guint8 to, int fd)
{
	put(t, (struct bpf_insn){ .code = BPF_LD | BPF_DW,
				  .dst_reg = to & 15,
				  .src_reg = BPF_PSEUDO_MAP_FD,
				  .imm = fd });
	put(t, (struct bpf_insn){ 0 });
}

static inline void call(struct translation *t, gint32 helper)
{
	put(t, (struct bpf_insn){ .code = BPF_JMP | BPF_CALL, .imm = helper });
}

/* --- jumps --- */

/* To a classic step or a label, known later. */
static inline void jump_to(struct translation *t, struct bpf_insn step, int to)
{
	const struct jump jump = { .at = t->steps->len, .to = to };

	g_array_append_val(t->jumps, jump);
	put(t, step);
}

static inline struct bpf_insn always(void)
{
	return (struct bpf_insn){ .code = BPF_JMP | BPF_JA };
}

static inline struct bpf_insn if_value(guint8 comparison, guint8 reg, gint32 value)
{
	return (struct bpf_insn){ .code = BPF_JMP | BPF_K | comparison,
				  .dst_reg = reg & 15,
				  .imm = value };
}

/* A step that jumps to wherever land() is called. */
static inline guint leap(struct translation *t, struct bpf_insn step)
{
	put(t, step);
	return t->steps->len - 1;
}

static inline void land(struct translation *t, guint from)
{
	g_array_index(t->steps, struct bpf_insn, from).off =
		(gint16)MIN(t->steps->len - from - 1, (guint)G_MAXINT16);
}

/* --- filter_load.c --- */

struct filter_load {
	guint32 offset;
	guint octets;
	bool indexed; /* by X */
};

/* R_VALUE = what is there, in host order; where it is beyond the frame, out. */
void filter_load_value(struct translation *t, const struct filter_load *load);
/* to = octets of the frame, a tag in the metadata included. */
void filter_load_length(struct translation *t, guint8 to);
/* The tag in the metadata to its place in memory. */
void filter_load_tag(struct translation *t);

#endif
