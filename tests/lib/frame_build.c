/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames for tests, built header by header. */
#include "frame_build.h"

#include <string.h>

void made_clear(struct made_frame *frame)
{
	frame->size = 0;
}

void made_octets(struct made_frame *frame, const void *octets, guint32 size)
{
	g_assert_cmpuint(size, <=, MADE_FRAME_MAX - frame->size);
	memcpy(frame->octets + frame->size, octets, size);
	frame->size += size;
}

void made_zeros(struct made_frame *frame, guint32 octets)
{
	g_assert_cmpuint(octets, <=, MADE_FRAME_MAX - frame->size);
	memset(frame->octets + frame->size, 0, octets);
	frame->size += octets;
}

static void made_be8(struct made_frame *frame, guint8 value)
{
	made_octets(frame, &value, 1);
}

void made_be16(struct made_frame *frame, guint16 value)
{
	guint16 octets = GUINT16_TO_BE(value);

	made_octets(frame, &octets, sizeof(octets));
}

void made_be32(struct made_frame *frame, guint32 value)
{
	guint32 octets = GUINT32_TO_BE(value);

	made_octets(frame, &octets, sizeof(octets));
}

void made_patch16(struct made_frame *frame, guint32 offset, guint16 value)
{
	guint16 octets = GUINT16_TO_BE(value);

	g_assert_cmpuint(offset + 2, <=, frame->size);
	memcpy(frame->octets + offset, &octets, sizeof(octets));
}

void made_ethernet(struct made_frame *frame, guint16 type)
{
	static const guint8 macs[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };

	made_octets(frame, macs, sizeof(macs));
	made_be16(frame, type);
}

void made_tag(struct made_frame *frame, guint16 tci, guint16 type)
{
	made_be16(frame, tci);
	made_be16(frame, type);
}

static guint8 ttl_of(const struct made_ip *ip)
{
	return ip->ttl ? ip->ttl : 64;
}

void made_ipv4(struct made_frame *frame, const struct made_ip *ip)
{
	guint32 header = 20u + ip->options;

	made_be8(frame, (guint8)(0x40 | header / 4));
	made_be8(frame, ip->tos);
	made_be16(frame, (guint16)(header + ip->payload));
	made_be16(frame, ip->id);
	made_be16(frame, ip->fragment);
	made_be8(frame, ttl_of(ip));
	made_be8(frame, ip->proto);
	made_be16(frame, 0);
	made_be32(frame, 0xc0000200u | ip->from);
	made_be32(frame, 0xc0000200u | ip->to);
	for (guint i = 0; i < ip->options; i++)
		made_be8(frame, 1);
}

static void made_address6(struct made_frame *frame, guint8 host)
{
	made_be32(frame, 0x20010db8);
	made_zeros(frame, 8);
	made_be32(frame, host);
}

void made_ipv6(struct made_frame *frame, const struct made_ip *ip)
{
	made_be32(frame, 0x60000000u | (guint32)ip->tos << 20);
	made_be16(frame, (guint16)ip->payload);
	made_be8(frame, ip->proto);
	made_be8(frame, ttl_of(ip));
	made_address6(frame, ip->from);
	made_address6(frame, ip->to);
}

void made_extension(struct made_frame *frame, guint8 next, guint8 length)
{
	made_be8(frame, next);
	made_be8(frame, length);
	made_zeros(frame, 6 + 8u * length);
}

void made_fragment(struct made_frame *frame, guint8 next, guint16 offset, guint32 id)
{
	made_be8(frame, next);
	made_be8(frame, 0);
	made_be16(frame, offset);
	made_be32(frame, id);
}

void made_ports(struct made_frame *frame, guint16 source, guint16 destination)
{
	made_be16(frame, source);
	made_be16(frame, destination);
}

void made_tcp(struct made_frame *frame, const struct made_tcp *tcp)
{
	made_ports(frame, tcp->source, tcp->destination);
	made_be32(frame, tcp->seq);
	made_be32(frame, tcp->ack);
	made_be16(frame, (guint16)((20u + tcp->option_octets) / 4 << 12 | tcp->flags));
	made_be16(frame, tcp->window);
	made_be32(frame, 0);
	if (tcp->option_octets)
		made_octets(frame, tcp->options, tcp->option_octets);
}

void made_udp4(struct made_frame *frame, const struct made_ip *ip, guint16 source,
	       guint16 destination)
{
	struct made_ip whole = *ip;

	whole.proto = 17;
	whole.payload += 8;
	made_clear(frame);
	made_ethernet(frame, 0x0800);
	made_ipv4(frame, &whole);
	made_ports(frame, source, destination);
	made_be16(frame, (guint16)whole.payload);
	made_be16(frame, 0);
	made_zeros(frame, ip->payload);
}

void made_tcp4(struct made_frame *frame, const struct made_ip *ip, const struct made_tcp *tcp)
{
	struct made_ip whole = *ip;

	whole.proto = 6;
	whole.payload += 20u + tcp->option_octets;
	made_clear(frame);
	made_ethernet(frame, 0x0800);
	made_ipv4(frame, &whole);
	made_tcp(frame, tcp);
	made_zeros(frame, ip->payload);
}

struct frame made_at(const struct made_frame *frame, guint64 time_ns)
{
	return (struct frame){
		.data = frame->octets,
		.captured = frame->size,
		.length = frame->size,
		.time_ns = time_ns,
		.iface = 1,
		.link = METER_LINK_ETHERNET,
	};
}
