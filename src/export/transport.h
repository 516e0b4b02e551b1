/* SPDX-License-Identifier: BSD-2-Clause */
/* How messages travel to a collector. All calls of one transport come from the thread of its
 * destination, and may take their time: nobody else waits for them. */
#ifndef WEIR_EXPORT_TRANSPORT_H
#define WEIR_EXPORT_TRANSPORT_H

#include <gio/gio.h>
#include <stdbool.h>

struct transport;

struct transport_options {
	const char *host;
	guint16 port;
	guint timeout_s; /* of connecting, and of a collector that takes nothing */
	/* Of transports with certificates. Files are PEM; NULL: not said. */
	const char *ca;	  /* whose certificates are good; not said: the system's */
	const char *cert; /* ours */
	const char *key;
	const char *name; /* that the collector's must have; not said: the host's */
	guint renew_s;	  /* a session that nobody answers ends after so long; 0: never */
};

/* Octets of one message. */
struct transport_octets {
	const guint8 *octets;
	size_t length;
};

/* What is to be sent, in order; sent says how many were handed over, also when the connection broke
 * in between. */
struct transport_batch {
	const struct transport_octets *messages;
	guint count;
	guint sent;
};

/* One row a way to travel. */
struct transport_ops {
	const char *name;     /* the part of the URL behind "+" */
	bool datagrams;	      /* a message each; else a stream, in order */
	bool secure;	      /* with certificates */
	bool sessions;	      /* the other end knows when a connection is a new one */
	guint16 port;	      /* of IPFIX, where the URL names none */
	guint16 message_max;  /* octets of a message unless the URL says; 0: what suits the form */
	guint16 message_most; /* that can be carried; 0: more than anybody wants */
	struct transport *(*open)(const struct transport_options *options, GError **error);
	/* Finds the collector and reaches it, as far as can be known. */
	bool (*connect)(struct transport *transport, GCancellable *stop, GError **error);
	/* Hands over the messages, whole and in order. */
	bool (*send)(struct transport *transport, struct transport_batch *batch, GCancellable *stop,
		     GError **error);
	/* False: the other end is gone; found out without sending. */
	bool (*is_alive)(struct transport *transport);
	/* Octets that were handed over and are not known to have arrived. Once the other end is
	 * gone, 0 says that it closed in order, having read everything. */
	guint64 (*unconfirmed)(struct transport *transport);
	/* How much of what has arrived it may not have read: that is lost if it dies. NULL: no
	 * matter. */
	guint64 (*unread_most)(struct transport *transport);
	/* No more comes in this session: asks the other end to close, which is_alive then tells.
	 * NULL: there is no such question. */
	void (*finish)(struct transport *transport);
	void (*disconnect)(struct transport *transport);
	void (*free)(struct transport *transport);
};

extern const struct transport_ops udp_transport;
extern const struct transport_ops tcp_transport;
extern const struct transport_ops tls_transport;
extern const struct transport_ops dtls_transport;
extern const struct transport_ops sctp_transport;

/* NULL: there is none of this name. */
const struct transport_ops *transport_by_name(const char *name, size_t length);
/* Their names, "udp, tcp"; free with g_free. */
char *transport_names(void);

#endif
