/* SPDX-License-Identifier: BSD-2-Clause */
/* Any octets as a capture file: frames that can be read, then an end or an error; and the same
 * whether they are taken one by one or many at once. */
#include <stdint.h>

#include "capture/capture_file.h"
#include "capture/octet_source.h"

#define MANY 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* NOLINT: libFuzzer's name */

struct outcome {
	guint64 frames;
	guint64 sum; /* of everything a frame says and holds */
	char *message;
};

static void take_frame(struct outcome *outcome, const struct capture_file *file,
		       const struct frame *frame)
{
	g_assert_cmpuint(frame->iface, >=, 1);
	g_assert_cmpuint(frame->iface, <=, capture_file_interfaces(file));
	outcome->frames++;
	outcome->sum = outcome->sum * 31 + frame->time_ns + frame->length + frame->link;
	for (guint32 i = 0; i < frame->captured; i++)
		outcome->sum = outcome->sum * 31 + frame->data[i];
}

/* How many frames came, none at the end or at an error. */
static int take_batch(struct outcome *outcome, struct capture_file *file, size_t batch,
		      GError **error)
{
	struct frame frames[MANY];
	int count = capture_file_read(file, frames, batch, error);

	g_assert_cmpint(count, >=, -1);
	g_assert_cmpint(count, <=, (int)batch);
	for (int i = 0; i < count; i++)
		take_frame(outcome, file, &frames[i]);
	return count;
}

static void take_interfaces(struct outcome *outcome, const struct capture_file *file)
{
	for (size_t i = 0; i <= capture_file_interfaces(file); i++)
		outcome->sum += capture_file_interface_linktype(file, i) +
				(capture_file_interface_name(file, i) != NULL);
}

static struct outcome read_with(const uint8_t *data, size_t size, size_t batch)
{
	struct outcome outcome = { 0 };
	GError *error = NULL;
	struct capture_file *file =
		capture_file_from(octet_source_from_memory(data, size), "f", &error);
	int count = -1;

	if (file) {
		do {
			count = take_batch(&outcome, file, batch, &error);
		} while (count > 0);
		take_interfaces(&outcome, file);
	}
	g_assert_true((count < 0) == (error != NULL));
	capture_file_free(file);
	outcome.message = error ? g_strdup(error->message) : NULL;
	g_clear_error(&error);
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) /* NOLINT */
{
	/* An exact copy on the heap, so that one octet too far is caught. */
	g_autofree uint8_t *copy = g_memdup2(data, size);
	struct outcome single = read_with(copy, size, 1);
	struct outcome many = read_with(copy, size, MANY);

	g_assert_cmpuint(single.frames, ==, many.frames);
	g_assert_cmpuint(single.sum, ==, many.sum);
	g_assert_cmpstr(single.message, ==, many.message);
	g_free(single.message);
	g_free(many.message);
	return 0;
}
