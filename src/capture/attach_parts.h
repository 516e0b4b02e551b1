/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside attach.c and the files beside it, a hook each: what is attached where, and what of it is
 * pinned. Nobody else includes this. */
#ifndef WEIR_CAPTURE_ATTACH_PARTS_H
#define WEIR_CAPTURE_ATTACH_PARTS_H

#include "capture/attach.h"

/* Where our filter sits on a clsact qdisc, so that it is found again among others. */
#define ATTACH_TC_HANDLE   0x77656972 /* "weir" */
#define ATTACH_TC_PRIORITY 0xc001

enum attach_point_id {
	POINT_XDP,
	POINT_TC_IN,
	POINT_TC_OUT,
	POINTS,
};

struct attach_point {
	int link;    /* -1: none */
	bool filter; /* a clsact filter instead */
	bool found;  /* it was there before this process */
	int before;  /* the program that made way for ours, to be put back; -1: none */
	guint32 before_mode;
};

struct attachment {
	char *interface;
	char *hook;
	char *pin; /* NULL: nothing outlives the process */
	unsigned int index;
	bool force;
	struct attach_point points[POINTS];
	bool clsact;	 /* the qdisc is ours as well */
	int claim;	 /* on the clsact hooks; -1: none */
	int promiscuous; /* a socket that keeps the interface so; -1: none */
};

/* --- attach_program.c --- */

bool attach_fail(GError **error, const char *interface, int code, const char *what);
/* The kernel's name of a program; "?" where it does not tell. */
void attach_program_name(guint32 id, char ret_name[16]);
/* The id of a loaded program; 0: not told. */
guint32 attach_program_id(int program);

/* --- attach_link.c: BPF links --- */

bool attach_link_alive(int link, unsigned int index, guint32 *ret_program);
/* The point's link goes on with this program. */
bool attach_link_update(struct attachment *at, enum attach_point_id id, int program,
			GError **error);

/* --- attach_pin.c: names in the folder --- */

enum attach_pin {
	PIN_LINK,			/* one a point, in the order of the points */
	PIN_FILTER = PIN_LINK + POINTS, /* our program in a clsact filter; one a point */
	PIN_BEFORE_DRIVER = PIN_FILTER + POINTS,
	PIN_BEFORE_GENERIC,
	PIN_CLSACT,
	PIN_PROMISCUOUS, /* the flag of the interface is ours to take back */
	PINS,
};

/* A descriptor; -1: nothing is pinned so. */
int attach_pin_get(const struct attachment *at, int pin);
/* True without a folder. */
bool attach_pin_put(const struct attachment *at, int pin, int fd, GError **error);
void attach_pin_remove(const struct attachment *at, int pin);
/* Indexes of interfaces with anything pinned in the folder. */
GArray *attach_pin_indexes(const char *folder);

/* --- attach_xdp.c --- */

/* Refuses where another program is on the hook, which is not to be replaced. */
bool attach_xdp_check(const struct attachment *at, GError **error);
bool attach_xdp(struct attachment *at, int program, enum attach_hook hook, GError **error);
/* What --force took off goes back. */
bool attach_xdp_restore(struct attachment *at, GError **error);

/* --- attach_tc.c: TCX links, else clsact filters --- */

bool attach_tc(struct attachment *at, const struct kernel_meter *meter,
	       enum attach_direction direction, GError **error);

/* --- attach_clsact.c --- */

/* The program of our filter; 0: there is none. */
guint32 attach_filter_program(const struct attachment *at, enum attach_point_id id);
bool attach_filter(struct attachment *at, enum attach_point_id id, int program, GError **error);
bool attach_filter_remove(struct attachment *at, enum attach_point_id id);
/* The qdisc goes when it is ours and nothing is left on it. */
void attach_clsact_remove(struct attachment *at);

#endif
