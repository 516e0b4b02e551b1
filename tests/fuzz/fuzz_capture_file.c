/* SPDX-License-Identifier: BSD-2-Clause */
/* Any octets as a capture file: frames that can be read, then an end or an error; and the same
 * whether they are taken one by one or many at once. */
#include <stdint.h>

#include "capture/capture_file.h"
#include "capture/octet_source.h"

#define MANY 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

static struct outcome read_with(const uint8_t *data, size_t size, size_t batch)
{
	struct outcome outcome = { 0 };
	g_autoptr(GError) error = NULL;
	struct frame frames[MANY];
	struct capture_file *file =
		capture_file_from(octet_source_from_memory(data, size), "f", &error);
	int count;

	while (file && (count = capture_file_read(file, frames, batch, &error)) != 0) {
		g_assert_cmpint(count, >=, -1);
		g_assert_cmpint(count, <=, (int)batch);
		g_assert_true((count < 0) == (error != NULL));
		if (count < 0)
			break;
		for (int i = 0; i < count; i++)
			take_frame(&outcome, file, &frames[i]);
	}
	if (!file)
		g_assert_nonnull(error);
	for (size_t i = 0; file && i <= capture_file_interfaces(file); i++)
		outcome.sum += capture_file_interface_linktype(file, i) +
			       (capture_file_interface_name(file, i) != NULL);
	capture_file_free(file);
	outcome.message = error ? g_strdup(error->message) : NULL;
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
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
