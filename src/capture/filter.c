/* SPDX-License-Identifier: BSD-2-Clause */
/* Filter expressions by libpcap: the same packets that tcpdump would choose. */
#include "capture/filter.h"

#include <pcap/pcap.h>

#include "base/error.h"

#define SNAPLEN 262144

struct program {
	guint32 linktype;
	bool valid;
	struct bpf_program code;
};

struct filter {
	char *expression;
	GArray *programs; /* of struct program */
};

/* Files number raw IP otherwise than libpcap does within: 101, or 14 by OpenBSD. */
static int link_within(guint32 linktype)
{
	return linktype == 101 || linktype == 14 ? DLT_RAW : (int)linktype;
}

static struct program compile(const char *expression, guint32 linktype, char **ret_reason)
{
	pcap_t *pcap = pcap_open_dead(link_within(linktype), SNAPLEN);
	struct program program = { .linktype = linktype };

	program.valid = pcap_compile(pcap, &program.code, expression, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (!program.valid && ret_reason)
		*ret_reason = g_strdup(pcap_geterr(pcap));
	pcap_close(pcap);
	return program;
}

struct filter *filter_new(const char *expression, GError **error)
{
	g_autofree char *reason = NULL;
	struct program ethernet = compile(expression, DLT_EN10MB, &reason);
	struct filter *filter;

	if (!ethernet.valid) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
			    "filter \"%s\": %s (see pcap-filter(7))", expression, reason);
		return NULL;
	}
	filter = g_new0(struct filter, 1);
	filter->expression = g_strdup(expression);
	filter->programs = g_array_new(FALSE, FALSE, sizeof(struct program));
	g_array_append_val(filter->programs, ethernet);
	return filter;
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	for (guint i = 0; i < filter->programs->len; i++) {
		struct program *program = &g_array_index(filter->programs, struct program, i);

		if (program->valid)
			pcap_freecode(&program->code);
	}
	g_array_free(filter->programs, TRUE);
	g_free(filter->expression);
	g_free(filter);
}

static const struct program *program_for(struct filter *filter, guint32 linktype)
{
	struct program program;

	for (guint i = 0; i < filter->programs->len; i++) {
		const struct program *known = &g_array_index(filter->programs, struct program, i);

		if (known->linktype == linktype)
			return known;
	}
	program = compile(filter->expression, linktype, NULL);
	g_array_append_val(filter->programs, program);
	return &g_array_index(filter->programs, struct program, filter->programs->len - 1);
}

bool filter_match(struct filter *filter, guint32 linktype, const struct frame *frame)
{
	const struct program *program = program_for(filter, linktype);
	const struct pcap_pkthdr header = { .caplen = frame->captured, .len = frame->length };

	return program->valid && pcap_offline_filter(&program->code, &header, frame->data) != 0;
}
