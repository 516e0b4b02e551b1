/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/protocol.h"

const char *flow_protocol_name(guint64 protocol)
{
	static const struct {
		guint8 number;
		const char *name;
	} known[] = {
		{ 1, "ICMP" },	{ 2, "IGMP" },	 { 4, "IPIP" },	  { 41, "IPv6" },
		{ 6, "TCP" },	{ 17, "UDP" },	 { 33, "DCCP" },  { 47, "GRE" },
		{ 50, "ESP" },	{ 51, "AH" },	 { 58, "ICMP6" }, { 89, "OSPF" },
		{ 103, "PIM" }, { 112, "VRRP" }, { 132, "SCTP" }, { 136, "UDPL" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
		if (known[i].number == protocol)
			return known[i].name;
	}
	return NULL;
}
