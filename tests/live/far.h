/* SPDX-License-Identifier: BSD-2-Clause */
/* A packet socket at the far end of the wire, and frames to send to it. */
#ifndef WEIR_TESTS_LIVE_FAR_H
#define WEIR_TESTS_LIVE_FAR_H

#include "capture/af_packet.h"
#include "capture/native_meter.h"

#define BATCH	   256
#define FRAME_SIZE 200

/* Promiscuous; its frames come from interface 1. */
struct af_packet *far_open(size_t ring_bytes, enum af_packet_direction direction);
struct af_packet_counts far_counts(struct af_packet *af);
/* False: nothing came for seconds. */
bool far_wait(const struct af_packet *af);
/* Reads until every frame the kernel counted is read or dropped; how many were read since the
 * socket was opened. meter and ret_octets (on the wire) may be NULL. */
guint64 far_read(struct af_packet *af, struct native_meter *meter, guint64 *ret_octets);

/* An IPv4 UDP frame of FRAME_SIZE octets, from port number to port 53. */
void far_frame(guint8 *frame, guint16 number);
/* Waits until the kernel has counted so many for the socket: the frames sent lie a moment in a
 * queue of a thousand before. False: they did not come for seconds. */
bool far_await(struct af_packet *af, guint64 packets);

/* Such frames, of a thousand flows, sent from this end. */
void far_send(const char *ifname, guint count);
/* The same from the near end, all of which the socket is to count before this returns. */
void far_send_counted(struct af_packet *af, guint count);
/* The same for a thread of its own; how many could be sent. */
guint far_try_send(const char *ifname, guint count);

#endif
