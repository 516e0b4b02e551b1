/* SPDX-License-Identifier: BSD-2-Clause */
#include "top/filter.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "flow/protocol.h"

#define MAPPED_BITS 96

enum word_kind {
	WORD_NETWORK,
	WORD_PORT,
	WORD_TEXT,
};

struct word {
	enum word_kind kind;
	bool not ;
	guint8 network[16];
	guint bits;
	guint port;
	char *text; /* in lower case */
};

struct top_filter {
	guint32 number;
	GArray *words; /* of struct word */
};

/* --- reading the text --- */

static bool read_number(const char *text, guint64 most, guint *ret_number)
{
	guint64 number;

	if (!g_ascii_string_to_unsigned(text, 10, 0, most, &number, NULL))
		return false;
	*ret_number = (guint)number;
	return true;
}

static bool read_network(const char *text, struct word *word)
{
	const char *slash = strchr(text, '/');
	g_autofree char *address = g_strndup(text, slash ? (size_t)(slash - text) : 0);
	static const guint8 mapped[12] = { [10] = 0xff, 0xff };

	if (!slash)
		return false;
	if (inet_pton(AF_INET6, address, word->network) == 1)
		return read_number(slash + 1, 128, &word->bits);
	if (inet_pton(AF_INET, address, word->network + sizeof(mapped)) != 1 ||
	    !read_number(slash + 1, 32, &word->bits))
		return false;
	memcpy(word->network, mapped, sizeof(mapped));
	word->bits += MAPPED_BITS;
	return true;
}

static void word_clear(gpointer data)
{
	struct word *word = data;

	g_free(word->text);
}

static void add_word(struct top_filter *filter, const char *text)
{
	struct word word = { .kind = WORD_TEXT };

	if (text[0] == '!' && text[1]) {
		word.not = true;
		text++;
	}
	if (read_network(text, &word))
		word.kind = WORD_NETWORK;
	else if (text[0] == ':' && read_number(text + 1, G_MAXUINT16, &word.port))
		word.kind = WORD_PORT;
	word.text = g_utf8_strdown(text, -1);
	g_array_append_val(filter->words, word);
}

struct top_filter *top_filter_new(const char *text)
{
	static guint last_number;
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	g_auto(GStrv) words = g_strsplit_set(valid, " \t", -1);
	struct top_filter *filter = g_new0(struct top_filter, 1);

	filter->number = (guint32)g_atomic_int_add((gint *)&last_number, 1) + 1;
	filter->words = g_array_new(FALSE, TRUE, sizeof(struct word));
	g_array_set_clear_func(filter->words, word_clear);
	for (guint i = 0; words[i]; i++) {
		if (words[i][0])
			add_word(filter, words[i]);
	}
	if (filter->words->len > 0)
		return filter;
	top_filter_free(filter);
	return NULL;
}

void top_filter_free(struct top_filter *filter)
{
	if (!filter)
		return;
	g_array_unref(filter->words);
	g_free(filter);
}

guint32 top_filter_number(const struct top_filter *filter)
{
	return filter->number;
}

/* --- asking --- */

static bool in_network(const struct word *word, const guint8 *address)
{
	guint whole = word->bits / 8;
	guint part = word->bits % 8;

	if (memcmp(word->network, address, whole) != 0)
		return false;
	return part == 0 || (word->network[whole] ^ address[whole]) >> (8 - part) == 0;
}

static void describe_end(GString *text, const struct top_end *end, guint8 version)
{
	char address[INET6_ADDRSTRLEN];

	if (version == 4)
		inet_ntop(AF_INET, end->address + MAPPED_BITS / 8, address, sizeof(address));
	else
		inet_ntop(AF_INET6, end->address, address, sizeof(address));
	g_string_append_printf(text, "%s %s ", address, end->country);
	if (end->as_number)
		g_string_append_printf(text, "as%u ", end->as_number);
	g_string_append_printf(text, "%s %s ", end->as_name ? end->as_name : "",
			       end->interface ? end->interface : "");
}

/* In lower case. */
static char *describe(const struct top_flow *flow)
{
	g_autoptr(GString) text = g_string_new(NULL);
	const char *protocol = flow_protocol_name(flow->proto);

	g_string_append_printf(text, "%s ", protocol ? protocol : "");
	for (int i = 0; i < 2; i++)
		describe_end(text, &flow->end[i], flow->version);
	return g_utf8_strdown(text->str, (gssize)text->len);
}

static bool word_fits(const struct word *word, const struct top_flow *flow, const char *text)
{
	bool fits = false;

	if (word->kind == WORD_TEXT)
		return strstr(text, word->text) != NULL;
	for (int i = 0; i < 2; i++)
		fits |= word->kind == WORD_PORT ? flow->end[i].port == word->port
						: in_network(word, flow->end[i].address);
	return fits;
}

bool top_filter_takes(const struct top_filter *filter, const struct top_flow *flow)
{
	g_autofree char *text = describe(flow);

	for (guint i = 0; i < filter->words->len; i++) {
		const struct word *word = &g_array_index(filter->words, struct word, i);

		if (word_fits(word, flow, text) == word->not )
			return false;
	}
	return true;
}
