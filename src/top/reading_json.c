/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects with the names of elements, as the run's own JSON has them. */
#include <arpa/inet.h>
#include <string.h>

#include "top/reading.h"

/* Both directions of one element. */
struct names {
	const char *name[2];
};

static const struct names packets = { { "packetDeltaCount", "reversePacketDeltaCount" } };
static const struct names octets = { { "octetDeltaCount", "reverseOctetDeltaCount" } };
static const struct names retransmitted = { { "tcpRetransmittedPacketCount",
					      "reverseTcpRetransmittedPacketCount" } };
static const struct names rtt_mean = { { "tcpRttMean", "reverseTcpRttMean" } };
static const struct names handshake = { { "tcpHandshakeRtt", "reverseTcpHandshakeRtt" } };
static const struct names interface_name = { { "interfaceName", "reverseInterfaceName" } };
/* Of the ends, not of directions. */
static const struct names ipv4 = { { "sourceIPv4Address", "destinationIPv4Address" } };
static const struct names ipv6 = { { "sourceIPv6Address", "destinationIPv6Address" } };
static const struct names port = { { "sourceTransportPort", "destinationTransportPort" } };
static const struct names country = { { "sourceCountryCode", "destinationCountryCode" } };
static const struct names as_number = { { "bgpSourceAsNumber", "bgpDestinationAsNumber" } };
static const struct names as_name = { { "sourceAsOrganization", "destinationAsOrganization" } };

static JsonNode *value_of(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	return node && JSON_NODE_HOLDS_VALUE(node) ? node : NULL;
}

static guint64 number_of(JsonObject *object, const char *name)
{
	JsonNode *node = value_of(object, name);

	return node && json_node_get_value_type(node) == G_TYPE_INT64
		       ? (guint64)json_node_get_int(node)
		       : 0;
}

static const char *text_of(JsonObject *object, const char *name)
{
	JsonNode *node = value_of(object, name);

	return node && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node)
								       : NULL;
}

static guint64 hash(const char *text)
{
	guint64 sum = G_GUINT64_CONSTANT(14695981039346656037);

	for (; *text; text++)
		sum = (sum ^ (guint8)*text) * G_GUINT64_CONSTANT(1099511628211);
	return sum;
}

/* GDateTime knows no nanoseconds. */
static guint64 time_of(JsonObject *object, const char *name)
{
	const char *text = text_of(object, name);
	g_autoptr(GDateTime) time = text ? g_date_time_new_from_iso8601(text, NULL) : NULL;
	const char *digit = time ? strchr(text, '.') : NULL;
	guint64 ns = time ? (guint64)g_date_time_to_unix(time) * 1000000000 : 0;

	for (guint64 unit = 100000000; digit && g_ascii_isdigit(*++digit); unit /= 10)
		ns += (guint64)(*digit - '0') * unit;
	return ns;
}

/* One plain line; equal texts are one pointer. */
static const char *plain(const char *text)
{
	g_autofree char *made = g_strdup(text ? text : "");

	for (char *c = made; *c; c++) {
		if (g_ascii_iscntrl(*c))
			*c = '?';
	}
	return *made ? g_intern_string(made) : NULL;
}

static bool read_address(JsonObject *object, int way, struct top_reading *reading)
{
	const char *four = text_of(object, ipv4.name[way]);
	const char *six = text_of(object, ipv6.name[way]);
	guint8 *address = reading->flow.end[way].address;

	if (reading->flow.version == 4 && four) {
		address[10] = address[11] = 0xff;
		return inet_pton(AF_INET, four, address + 12) == 1;
	}
	return reading->flow.version == 6 && six && inet_pton(AF_INET6, six, address) == 1;
}

static void read_place(JsonObject *object, int way, struct top_end *end)
{
	const char *code = text_of(object, country.name[way]);

	if (code && strlen(code) == 2 && g_ascii_isalpha(code[0]) && g_ascii_isalpha(code[1]))
		memcpy(end->country, code, 2);
	end->as_number = (guint32)number_of(object, as_number.name[way]);
	end->as_name = plain(text_of(object, as_name.name[way]));
}

static guint64 side_rtt(JsonObject *object, int way)
{
	JsonNode *mean = value_of(object, rtt_mean.name[way]);

	return mean ? (guint64)(json_node_get_double(mean) + 0.5)
		    : number_of(object, handshake.name[way]);
}

static bool read_side(JsonObject *object, int way, struct top_reading *reading)
{
	struct top_end *end = &reading->flow.end[way];

	if (!read_address(object, way, reading))
		return false;
	end->port = (guint16)number_of(object, port.name[way]);
	reading->counts.packets[way] = number_of(object, packets.name[way]);
	reading->counts.octets[way] = number_of(object, octets.name[way]);
	reading->counts.retransmitted[way] = number_of(object, retransmitted.name[way]);
	reading->flow.knows_tcp |= value_of(object, retransmitted.name[way]) != NULL;
	reading->flow.rtt_us += side_rtt(object, way);
	if (reading->counts.packets[way] > 0)
		end->interface = plain(text_of(object, interface_name.name[way]));
	read_place(object, way, end);
	return true;
}

/* The id names the flow, and behind the point the record. */
static guint64 flow_number(const char *id)
{
	g_autofree char *flow = g_strndup(id, strcspn(id, "."));

	return hash(flow);
}

bool top_reading_of_json(JsonObject *object, struct top_reading *ret_reading)
{
	const char *id = text_of(object, "id");
	const char *key = text_of(object, "key");
	struct top_reading reading = {
		.flow = { .proto = (guint8)number_of(object, "protocolIdentifier"),
			  .version = (guint8)number_of(object, "ipVersion") },
		.first_ns = time_of(object, "flowStartNanoseconds"),
		.last_ns = time_of(object, "flowEndNanoseconds"),
	};

	if (!id || !key || json_object_has_member(object, "held") ||
	    !read_side(object, TOP_FORTH, &reading) || !read_side(object, TOP_BACK, &reading))
		return false;
	reading.flow.id = flow_number(id);
	reading.record = hash(id) | 1;
	reading.key = hash(key);
	*ret_reading = reading;
	return true;
}
