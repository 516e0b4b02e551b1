/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of a destination share. */
#ifndef WEIR_EXPORT_DESTINATION_PARTS_H
#define WEIR_EXPORT_DESTINATION_PARTS_H

#include "export/destination.h"
#include "export/destination_url.h"
#include "export/file_series.h"
#include "export/file_writer.h"
#include "export/ledger.h"
#include "export/rotation.h"

struct destination {
	char *url; /* or what else messages call it */
	char *path;
	struct record_template *layout;
	struct encoder_options form;
	struct encoder *encoder;
	struct ledger ledger;
	struct file_series *series; /* NULL: it is one file */
	struct file_writer *writer; /* of the series if there is one; NULL: between its files */
	struct rotation rotation;
	export_clock *clock_ns; /* NULL: the time of packets is what counts */
	bool gzip;
	bool made; /* the file was not there before */
	bool started;
	guint reforms;	       /* of the file's one after another */
	guint32 sequence_base; /* what the encoders before this one counted */
	guint32 *
		next_sequence; /* what the encoder gives is not for the file: it shows its number */
	bool over;	       /* finished, or failed for good */
	bool down;	       /* failed, and tried again */
	bool told_failure;     /* since it was last written */
	gint64 retry_us;       /* when */
	guint retry_ms;	       /* the next pause */
	guint64 failed_before; /* flows that had failed when that was told */
	struct flow_batch *run; /* room for flows of one file */
	struct export_counts counts;

	/* Of this file. */
	struct tally told;	  /* flows given to the encoder */
	struct tally buffered;	  /* flows in the writer */
	struct tally written;	  /* flows in the file */
	guint64 buffered_through; /* records that were made when the writer last got octets */
	guint64 written_through;  /* of them, in the file */
	bool waiting;		  /* there are octets in the writer */
	guint32 waiting_sequence; /* the number of the first message of those */
};

#define DESTINATION_RETRY_MS 250

/* A new encoder, and the account of its file. */
bool destination_renew(struct destination *destination, const struct encoder_ops *ops,
		       GError **error);
/* The number that the encoder would give its next message. */
guint32 destination_next_sequence(struct destination *destination);

/* --- when it cannot be written (destination_fault.c) --- */

/* Everything given and not written has failed, now and until it can be written again. Takes the
 * fault; false when that is news. */
bool destination_give_up(struct destination *destination, GError *fault, GError **error);
/* The file did not come to be: nobody finds what is in it. */
void destination_take_back(struct destination *destination);
/* What readers will find has got longer. */
void destination_has_written(struct destination *destination);
/* False: what it writes is where nobody looks. */
bool destination_is_there(const struct destination *destination, GError **error);
/* Now and then: whether its file is there still, and if it is down, whether it is time to try
 * again. */
bool destination_look(struct destination *destination, GError **error);
/* The last chance of a file that is not whole. */
void destination_mend(struct destination *destination);

#endif
