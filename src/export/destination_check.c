/* SPDX-License-Identifier: BSD-2-Clause */
#include "export/destination_check.h"

#define TEMPLATE_DEFAULT "standard"

const char *destination_template(const struct destination_url *url,
				 const struct export_options *options)
{
	if (url->template_name)
		return url->template_name;
	if (options->template_name)
		return options->template_name;
	return url->ops->template_name ? url->ops->template_name : TEMPLATE_DEFAULT;
}

static bool swallow(void *data, const guint8 *octets, size_t length, GError **error)
{
	(void)data;
	(void)octets;
	(void)length;
	(void)error;
	return true;
}

static bool check_records(const struct destination_url *url, const struct export_options *options,
			  GError **error)
{
	struct record_template *layout =
		record_template_load(destination_template(url, options), options->direction, error);
	const guint16 usual = url->transport ? url->transport->message_max : 0;
	struct encoder *encoder = NULL;

	if (layout)
		encoder = url->ops->open(
			&(struct encoder_options){
				.record_template = layout,
				.pen = options->pen,
				.domain = url->has_domain ? url->domain : options->domain,
				.message_max = url->mtu ? url->mtu : usual,
				.message_grows = !url->mtu &&
						 (!url->transport || !url->transport->message_most),
			},
			swallow, NULL, error);
	if (encoder)
		url->ops->free(encoder);
	record_template_free(layout);
	return encoder;
}

static bool check_transport(const struct destination_url *url, GError **error)
{
	const struct transport_options place = {
		.host = url->host,
		.port = url->port,
		.timeout_s = (guint)url->timeout_s,
		.ca = url->ca,
		.cert = url->cert,
		.key = url->key,
		.name = url->name,
	};
	struct transport *transport = url->transport->open(&place, error);

	if (!transport)
		return false;
	url->transport->free(transport);
	return true;
}

bool destination_check(const char *url, const char *label, const struct export_options *options,
		       GError **error)
{
	struct destination_url parsed;
	bool good;

	if (!destination_url_parse_as(url, label, &parsed, NULL, error))
		return false;
	good = check_records(&parsed, options, error) &&
	       (!parsed.transport || check_transport(&parsed, error));
	if (!good)
		g_prefix_error(error, "destination \"%s\": ", label);
	destination_url_clear(&parsed);
	return good;
}
