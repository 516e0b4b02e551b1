/* SPDX-License-Identifier: BSD-2-Clause */
/* Filter expressions by libpcap: the same packets that tcpdump would choose. */
#include "capture/filter.h"

#include <pcap/pcap.h>

#include "base/error.h"

#define SNAPLEN	   262144
#define MACS	   12
#define TAG_OCTETS 4

/* linux/filter.h, which has other words for what pcap.h has, too. */
#define PACKET_TYPE 0xfffff004 /* SKF_AD_OFF + SKF_AD_PKTTYPE */

struct program {
	guint32 linktype;
	bool valid;
	struct bpf_program code;
	char *reason; /* why it is not valid; NULL: it is, or that was told */
};

struct filter {
	char *expression;
	char *reason;	    /* why it is not for Ethernet; NULL: it is */
	GArray *programs;   /* of struct program */
	filter_unfit *tell; /* NULL: nobody wants to know */
	void *data;
	GByteArray *tagged; /* a frame with its tag back in its place */
};

/* struct sock_filter's layout is that of libpcap's steps. */
_Static_assert(sizeof(struct bpf_insn) == 8, "code, jt, jf, k");

/* Files number some otherwise than libpcap does within; 14 is OpenBSD's raw IP. */
static int link_within(guint32 linktype)
{
	static const struct {
		guint32 file;
		int within;
	} others[] = { { 14, DLT_RAW },		{ 100, DLT_ATM_RFC1483 }, { 101, DLT_RAW },
		       { 102, DLT_SLIP_BSDOS }, { 103, DLT_PPP_BSDOS },	  { 106, DLT_ATM_CLIP } };

	for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
		if (others[i].file == linktype)
			return others[i].within;
	}
	return (int)linktype;
}

static struct program compile(const char *expression, guint32 linktype)
{
	pcap_t *pcap = pcap_open_dead(link_within(linktype), SNAPLEN);
	struct program program = { .linktype = linktype };

	program.valid = pcap_compile(pcap, &program.code, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (!program.valid)
		program.reason = g_strdup(pcap_geterr(pcap));
	pcap_close(pcap);
	return program;
}

static void clear(struct program *program)
{
	if (program->valid)
		pcap_freecode(&program->code);
	g_free(program->reason);
}

/* Which way a packet went the kernel knows, but neither a file nor XDP. */
static bool asks_direction(const struct bpf_program *code)
{
	for (u_int i = 0; i < code->bf_len; i++) {
		const struct bpf_insn *step = &code->bf_insns[i];

		if (BPF_CLASS(step->code) == BPF_LD && BPF_MODE(step->code) == BPF_ABS &&
		    step->k == PACKET_TYPE)
			return true;
	}
	return false;
}

static bool check_direction(const struct program *program, const char *expression, GError **error)
{
	if (!asks_direction(&program->code))
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "filter \"%s\": inbound and outbound are not in the packet; weir run has "
		    "--direction for that",
		    expression);
	return false;
}

/* Link types with words of their own, which Ethernet has not. */
static bool is_for_another(const char *expression)
{
	static const guint32 others[] = { 127, 113, 101, 50 };
	bool valid = false;

	for (size_t i = 0; i < G_N_ELEMENTS(others) && !valid; i++) {
		struct program program = compile(expression, others[i]);

		valid = program.valid;
		clear(&program);
	}
	return valid;
}

static bool refuse(const char *expression, const char *reason, GError **error)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "filter \"%s\": %s (see pcap-filter(7))",
		    expression, reason);
	return false;
}

static bool check(const char *expression, const struct program *ethernet, GError **error)
{
	if (ethernet->valid)
		return check_direction(ethernet, expression, error);
	return is_for_another(expression) ? true : refuse(expression, ethernet->reason, error);
}

struct filter *filter_new(const char *expression, GError **error)
{
	struct program ethernet = compile(expression, DLT_EN10MB);
	struct filter *filter;

	if (!check(expression, &ethernet, error)) {
		clear(&ethernet);
		return NULL;
	}
	filter = g_new0(struct filter, 1);
	filter->tagged = g_byte_array_new();
	filter->expression = g_strdup(expression);
	filter->reason = g_strdup(ethernet.reason);
	filter->programs = g_array_new(FALSE, FALSE, sizeof(struct program));
	g_array_append_val(filter->programs, ethernet);
	return filter;
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	for (guint i = 0; i < filter->programs->len; i++)
		clear(&g_array_index(filter->programs, struct program, i));
	g_array_free(filter->programs, TRUE);
	g_byte_array_unref(filter->tagged);
	g_free(filter->expression);
	g_free(filter->reason);
	g_free(filter);
}

void filter_tell_unfit(struct filter *filter, filter_unfit *tell, void *data)
{
	filter->tell = tell;
	filter->data = data;
}

static void tell_unfit(const struct filter *filter, struct program *program)
{
	g_autofree char *reason = g_steal_pointer(&program->reason);

	if (reason && filter->tell)
		filter->tell(filter->data, (guint16)program->linktype, reason);
}

static struct program *program_for(struct filter *filter, guint32 linktype)
{
	struct program program;

	for (guint i = 0; i < filter->programs->len; i++) {
		struct program *known = &g_array_index(filter->programs, struct program, i);

		if (known->linktype == linktype)
			return known;
	}
	program = compile(filter->expression, linktype);
	g_array_append_val(filter->programs, program);
	return &g_array_index(filter->programs, struct program, filter->programs->len - 1);
}

const struct sock_filter *filter_code(const struct filter *filter, guint *ret_count, GError **error)
{
	const struct program *ethernet = &g_array_index(filter->programs, struct program, 0);

	if (!ethernet->valid) {
		refuse(filter->expression, filter->reason, error);
		return NULL;
	}
	*ret_count = ethernet->code.bf_len;
	return (const void *)ethernet->code.bf_insns;
}

static const guint8 *with_tag(struct filter *filter, const struct frame *frame)
{
	const guint16 tag[] = { g_htons(frame->tag), g_htons(frame->vlan) };

	g_byte_array_set_size(filter->tagged, 0);
	g_byte_array_append(filter->tagged, frame->data, MACS);
	g_byte_array_append(filter->tagged, (const void *)tag, sizeof(tag));
	g_byte_array_append(filter->tagged, frame->data + MACS, frame->captured - MACS);
	return filter->tagged->data;
}

bool filter_match(struct filter *filter, guint32 linktype, const struct frame *frame)
{
	struct program *program = program_for(filter, linktype);
	struct pcap_pkthdr header = { .caplen = frame->captured, .len = frame->length };
	const guint8 *data = frame->data;

	if (!program->valid) {
		tell_unfit(filter, program);
		return false;
	}
	if (G_UNLIKELY(frame->tag && frame->captured >= MACS)) {
		data = with_tag(filter, frame);
		header.caplen += TAG_OCTETS;
	}
	return pcap_offline_filter(&program->code, &header, data) != 0;
}
