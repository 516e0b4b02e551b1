/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading the configuration again while a run goes on. What can change at run time belongs to
 * parts, a row each: all of them look at the new options first, and only when none of them objects
 * do they change anything. */
#ifndef WEIR_SETUP_RELOAD_H
#define WEIR_SETUP_RELOAD_H

#include "setup/options.h"

/* What became of it, a line each (char *). */
struct reload_news {
	GPtrArray *changed;
	GPtrArray *kept; /* what cannot change before the run begins anew */
	bool one_key;	 /* reload_set(): nothing else is to change */
};

struct reload_news *reload_news_new(void);
void reload_news_free(struct reload_news *news);
void reload_changed(struct reload_news *news, const char *format, ...) G_GNUC_PRINTF(2, 3);
void reload_kept(struct reload_news *news, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Something of a run that can change: a database, the destinations. All of it happens in the thread
 * that reads records. */
struct reload_part {
	const char *name;
	/* Opens and checks what the new options ask for, and changes nothing. ret_prepared: the
	 * part's own, for one of the other two. NULL: there is nothing to check. */
	bool (*prepare)(void *data, const struct options *fresh, void **ret_prepared,
			GError **error);
	/* From here on it holds; cannot fail. fresh lives until the part's next time. Takes
	 * prepared. */
	void (*apply)(void *data, const struct options *fresh, void *prepared,
		      struct reload_news *news);
	/* Another part objected. Takes prepared. NULL: there is nothing to undo. */
	void (*cancel)(void *data, void *prepared);
};

struct reload;

/* running: as the run began; outlives the reload. */
struct reload *reload_new(const struct options *running);
void reload_free(struct reload *reload);
/* The part changes the options of these ids, which end with OPTIONS; what no part changes is kept.
 * All outlive the reload. */
void reload_add(struct reload *reload, const struct reload_part *part, const enum option_id *ids,
		void *data);

/* Reads command line and configuration file again. NULL: nothing has changed, and why. */
struct reload_news *reload_run(struct reload *reload, GError **error);

/* This key alone, from here on whatever the file says, which is not read. NULL with
 * WEIR_ERROR_USAGE: it is no key, does not take that value, or cannot change while the run goes on;
 * and what can. */
struct reload_news *reload_set(struct reload *reload, const char *key, const char *value,
			       GError **error);

/* What was set and differs from what the configuration said when it was last read. */
typedef void reload_setting(void *data, const char *key, const char *value, const char *configured);
void reload_each_setting(const struct reload *reload, reload_setting *tell, void *data);

#endif
