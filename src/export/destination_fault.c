/* SPDX-License-Identifier: BSD-2-Clause */
/* A destination that cannot be written: the disk is full, the folder is gone. It is like a
 * collector that is away: told once, what it is given meanwhile is counted as failed, and it is
 * tried again after a while that grows. A file that goes on after that holds whole records before
 * and after: it is cut back to what was written wholly, and what follows has an encoder of its own,
 * with templates under ids that the file has not seen and with numbers that go on.
 *
 * Where time is that of packets nothing is tried again but the next file, as the same capture has
 * to give the same files. */
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "export/counts.h"
#include "export/destination_parts.h"

#define RETRY_MOST_MS 30000
#define ID_RANGES     ((65536 - 256) / ENCODER_IDS)

static bool is_retried(const struct destination *destination)
{
	return destination->clock_ns != NULL && strcmp(destination->path, "-") != 0;
}

void destination_take_back(struct destination *destination)
{
	struct export_counts *counts = &destination->counts;

	counts->flows -= destination->written.flows;
	counts->packets -= destination->written.packets;
	counts->octets -= destination->written.octets;
	counts->records -= destination->written_through;
	destination->written = (struct tally){ 0 };
	destination->written_through = 0;
}

/* Keeps what is in the file, if it can. */
static void abandon(struct destination *destination)
{
	if (destination->series == NULL) {
		file_writer_abandon(destination->writer);
		return;
	}
	if (destination->writer != NULL &&
	    !file_series_abandon(destination->series, destination->written.flows > 0))
		destination_take_back(destination);
	destination->writer = NULL;
}

static const char *what_next(const struct destination *destination)
{
	if (destination->over)
		return "it is left out from here on";
	return is_retried(destination) ? "trying again" : "it is tried again with the next file";
}

static bool tell_failure(struct destination *destination, GError *fault, GError **error)
{
	if (destination->told_failure) {
		g_error_free(fault);
		return true;
	}
	destination->told_failure = true;
	g_set_error(error, fault->domain, fault->code, "destination \"%s\": %s; %s",
		    destination->url, fault->message, what_next(destination));
	g_error_free(fault);
	return false;
}

/* For what comes after it in the same file. */
static bool renew(struct destination *destination)
{
	if (is_retried(destination) && destination->series == NULL) {
		destination->sequence_base = destination->waiting
						     ? destination->waiting_sequence
						     : destination_next_sequence(destination);
		destination->reforms++;
		destination->form.more_id =
			(guint16)(destination->reforms % ID_RANGES * ENCODER_IDS);
	}
	destination->waiting = false;
	return destination_renew(destination, destination->ledger.ops, NULL);
}

/* Not sooner, and later the next time. */
static void postpone(struct destination *destination)
{
	destination->retry_us = g_get_monotonic_time() + (gint64)destination->retry_ms * 1000;
	destination->retry_ms = MIN(destination->retry_ms * 2, RETRY_MOST_MS);
}

bool destination_give_up(struct destination *destination, GError *fault, GError **error)
{
	const bool again = is_retried(destination) || destination->rotation.period_ns != 0;
	struct tally lost;

	if (destination->series != NULL && destination->writer != NULL)
		g_prefix_error(&fault, "%s: ", file_series_part(destination->series));
	abandon(destination);
	lost = (struct tally){
		.flows = destination->told.flows - destination->written.flows,
		.packets = destination->told.packets - destination->written.packets,
		.octets = destination->told.octets - destination->written.octets,
	};
	if (!destination->told_failure)
		destination->failed_before = destination->counts.failed_flows;
	counts_failed(&destination->counts, &lost);
	destination->down = true;
	destination->over = !again || !renew(destination);
	postpone(destination);
	return tell_failure(destination, fault, error);
}

/* --- again --- */

static void tell_back(struct destination *destination)
{
	log_about(LOG_LEVEL_INFO, "destination", destination->url,
		  "destination \"%s\": written again; %" G_GUINT64_FORMAT
		  " flows were lost meanwhile",
		  destination->url, destination->counts.failed_flows - destination->failed_before);
	destination->told_failure = false;
}

void destination_has_written(struct destination *destination)
{
	if (!is_retried(destination))
		return;
	destination->retry_ms = DESTINATION_RETRY_MS;
	if (destination->told_failure)
		tell_back(destination);
}

/* What follows is in a new file. */
static void forget_file(struct destination *destination)
{
	destination->sequence_base = 0;
}

/* A file is only known to be possible when it is there. */
static bool begin_file(struct destination *destination, GError **error)
{
	destination->writer = file_series_begin(destination->series,
						rotation_seconds(&destination->rotation), error);
	if (destination->writer == NULL)
		return false;
	if (file_writer_has_room(destination->writer, error))
		return true;
	g_prefix_error(error, "%s: ", file_series_part(destination->series));
	file_series_abandon(destination->series, false);
	destination->writer = NULL;
	return false;
}

static bool try_again(struct destination *destination, bool *ret_proven, GError **error)
{
	struct file_resumed as = { .anew = true, .proven = true };
	const bool good =
		destination->series != NULL
			? begin_file(destination, error)
			: file_writer_resume(destination->writer, destination->path, &as, error);

	if (!good) {
		postpone(destination);
		return false;
	}
	if (as.anew)
		forget_file(destination);
	destination->down = false;
	*ret_proven = as.proven;
	return true;
}

bool destination_is_there(const struct destination *destination, GError **error)
{
	if (!is_retried(destination) || !file_writer_is_gone(destination->writer))
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "its file was removed, or cut by somebody else");
	return false;
}

/* A file that nothing is missing in for those who had it is followed by another. */
static bool follow(struct destination *destination, GError **error)
{
	bool proven;

	if (destination->series != NULL || destination->told.flows != destination->written.flows ||
	    !renew(destination) || !try_again(destination, &proven, NULL))
		return destination_is_there(destination, error);
	log_about(LOG_LEVEL_WARNING, "destination", destination->url,
		  "destination \"%s\": its file was removed, or cut by somebody else; it begins "
		  "anew",
		  destination->url);
	return true;
}

bool destination_look(struct destination *destination, GError **error)
{
	g_autoptr(GError) again = NULL;
	GError *fault = NULL;
	bool proven;

	if (!is_retried(destination) || destination->over)
		return true;
	if (!destination->down) {
		if (destination->writer == NULL || destination_is_there(destination, NULL) ||
		    follow(destination, &fault))
			return true;
		return destination_give_up(destination, fault, error);
	}
	if (g_get_monotonic_time() < destination->retry_us)
		return true;
	if (!try_again(destination, &proven, &again))
		log_debug("destination \"%s\": %s; trying again", destination->url, again->message);
	else if (proven && destination->told_failure)
		tell_back(destination);
	return true;
}

/* Its file has another name by now. */
static bool follow_moved(struct destination *destination, GError **error)
{
	GError *fault = NULL;
	bool proven;

	if (!destination_flush(destination, error) || destination->down)
		return false;
	if (file_writer_close(destination->writer, &fault) && renew(destination) &&
	    try_again(destination, &proven, &fault))
		return true;
	return destination_give_up(destination, fault, error);
}

bool destination_retry(struct destination *destination, const char **ret_news, GError **error)
{
	bool proven;

	*ret_news = NULL;
	if (!is_retried(destination) || destination->over)
		return true;
	if (destination->down) {
		destination->retry_ms = DESTINATION_RETRY_MS;
		if (!try_again(destination, &proven, error)) {
			g_prefix_error(error, "destination \"%s\": ", destination->url);
			return false;
		}
		destination->told_failure = !proven;
		*ret_news = proven ? "is written again" : "is tried again";
	} else if (destination->series == NULL && destination->writer != NULL &&
		   !file_writer_is_at(destination->writer, destination->path)) {
		if (!follow_moved(destination, error))
			return false;
		*ret_news = "its file was moved away; a new one begins";
	}
	return true;
}

bool destination_is_healthy(const struct destination *destination)
{
	return !destination->down && !(destination->told_failure && is_retried(destination));
}

void destination_mend(struct destination *destination)
{
	if (destination->series == NULL)
		file_writer_mend(destination->writer, destination->path);
}
