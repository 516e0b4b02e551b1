/* SPDX-License-Identifier: BSD-2-Clause */
/* What outlives the process that meters: a folder on the BPF file system, an instance each, with
 * the flow cache, the links and a state that says what has been exported. A later process that
 * opens the instance goes on where the earlier one ended, however it ended. */
#ifndef WEIR_SETUP_INSTANCE_H
#define WEIR_SETUP_INSTANCE_H

#include <sys/types.h>

#include "setup/account.h"

/* What makes one process's tables fit for another. */
struct instance_shape {
	guint32 detail; /* enum flow_detail */
	guint32 sets;
	guint32 ring_octets;
	guint32 cache;
	guint64 max_flows;
	guint64 seed; /* not compared: whoever adopts goes on with it */
	/* Not compared: whoever adopts says anew, for who only brings out what is left. */
	guint32 sample;
	guint32 sample_random;
};

/* What has reached the destinations, of all that was metered since the instance began. */
struct instance_totals {
	struct meter_counts gone;     /* what tables metered that have been given up since */
	struct account_flows doubted; /* handed over by processes that died: see instance_doubt() */
	struct account_flows exported;
	struct account_drops dropped[ACCOUNT_DROP_REASONS];
	guint64 position;     /* in the ring: the records before it are in these totals */
	guint64 old_position; /* the same, in the ring of the tables that are being given up */
	guint64 forgotten;    /* the number of the tables that were given up last */
	guint64 taken;	      /* the account of another version that was added last: its digest */
};

struct instance;

/* Makes the places where the instance is pinned and talked to this user's, and what is there of
 * it. */
bool instance_hand_over(const char *instance, uid_t user, gid_t group, GError **error);
/* Opens or begins the instance of this name and locks it. WEIR_ERROR_USAGE: a process that lives
 * has it, or the name is unfit; WEIR_ERROR_FAILED: there is no BPF file system to be had. */
struct instance *instance_open(const char *name, GError **error);
/* As instance_open(), but only where there is one; NULL without an error: there is none. */
struct instance *instance_find(const char *name, GError **error);
/* Lets go; what is pinned stays. */
void instance_free(struct instance *instance);

/* Where its configuration is, if it has one of its own; free with g_free. */
#define INSTANCE_CONFIGS "/etc/weir"
char *instance_config(const char *name);

/* The interfaces' names; where they belong to another network name space than the host's, that
 * as well. */
char *instance_name(const char *const *interfaces);
bool instance_name_is_fit(const char *name, GError **error);
/* Of those there are; NULL-terminated, free with g_strfreev(). */
char **instance_names(void);
/* There is one of this name, with a process or without. */
bool instance_exists(const char *name);
/* Tables of another version that were set apart, under names of their own; NULL-terminated, free
 * with g_strfreev(). The program that can read them, to be executed by its number and closed: it is
 * this user's, and nobody can change it any more; -1 with an error. They are gone: it may be of no
 * use any more. */
char **instance_apart(const char *name);
int instance_apart_program(const char *apart, GError **error);
void instance_apart_forget(const char *apart);
/* Something is left to be brought out; and nothing is: what remains of it is taken away. */
bool instance_apart_holds(const char *apart);
void instance_apart_clear(const char *apart);
/* Where its program writes its account; and those that were set apart of which one is there, as
 * instance_apart() tells them. */
char *instance_apart_account(const char *apart);
char **instance_apart_accounts(const char *name);
/* The instance it was set apart from, where it is one of these; free with g_free(). */
char *instance_apart_from(const char *name);
/* Waits a while for a process that is ending to let go of the instance. */
void instance_await(const char *name);
/* Who has the instance; 0: nobody. */
pid_t instance_owner(const char *name);

/* The shape of the tables found; NULL: none were. */
const struct instance_shape *instance_shape(const struct instance *instance);
/* Where links are pinned; where the tables found or begun last are; and those given up, NULL where
 * there are none. */
const char *instance_folder(const struct instance *instance);
const char *instance_tables(const struct instance *instance);
const char *instance_old_tables(const struct instance *instance, struct instance_shape *ret_shape);

/* Begins new tables: what were the current ones are given up, to be drained. The caller pins the
 * new ones in instance_tables(), then says that they are there. */
bool instance_begin(struct instance *instance, const struct instance_shape *shape, guint64 epoch_ns,
		    GError **error);
void instance_ready(struct instance *instance);
/* How the packets of the current tables are sampled from now on. */
void instance_sample(struct instance *instance, guint32 sample, bool random);
/* The tables given up are drained and gone. */
void instance_forget_old(struct instance *instance, const struct meter_counts *metered);
/* Something is attached for this instance. */
bool instance_has_links(const struct instance *instance);
/* The tables that this process has begun, if any, are not wanted after all; what was there before
 * is as it was. */
void instance_abandon(struct instance *instance);
/* Everything is exported: nothing stays pinned. */
void instance_end(struct instance *instance);

/* Between the kernel's clock and 1970: the first process's, so that records agree. */
guint64 instance_epoch(const struct instance *instance);

/* What earlier processes exported. */
const struct instance_totals *instance_totals(const struct instance *instance);
/* So much is about to be handed over, until the commit. */
void instance_intend(struct instance *instance, const struct account_flows *handing_over);
/* Now it has. In one step, whatever happens meanwhile. */
void instance_commit(struct instance *instance, const struct instance_totals *totals);
/* How often that was; counts on while the instance lives. */
const guint64 *instance_commits(const struct instance *instance);
/* What the earlier process was handing over when it ended: the destinations may have got it, and
 * will get it again. Zero: nothing. */
struct account_flows instance_doubt(const struct instance *instance);

#endif
