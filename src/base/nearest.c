/* SPDX-License-Identifier: BSD-2-Clause */
/* What a user may have meant: edit distance, a swap of neighbours counting once. */
#include "base/nearest.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

/* Longer than any name; a longer word is near to nothing. */
#define WORD_MAX 64

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool same(char a, char b)
{
	return g_ascii_tolower(a) == g_ascii_tolower(b);
}

static size_t distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1];
	size_t length = strlen(b);

	for (size_t j = 0; j <= length; j++)
		rows[0][j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i + 2) % 3];
		const size_t *above_that = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= length; j++) {
			size_t replaced = above[j - 1] + !same(a[i - 1], b[j - 1]);

			row[j] = least(replaced, least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = least(row[j], above_that[j - 2] + 1);
		}
	}
	return rows[strlen(a) % 3][length];
}

const char *nearest_name(const char *word, const char *const *candidates)
{
	size_t length = strlen(word);
	size_t best_distance = length / 3 + 2; /* farther than this is another word */
	const char *best = NULL;

	if (length > WORD_MAX)
		return NULL;
	for (; *candidates; candidates++) {
		size_t there = strlen(*candidates);
		size_t apart;

		if (there > WORD_MAX)
			continue;
		apart = distance(word, *candidates);
		/* A beginning is what people type; it is nearer than its missing end says. */
		if (length >= 3 && g_str_has_prefix(*candidates, word))
			apart = 1;
		if (apart < best_distance && apart < length) {
			best_distance = apart;
			best = *candidates;
		}
	}
	return best;
}
