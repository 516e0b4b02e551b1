/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/text_file.h"

#define OPTION "--metrics-token-file"
/* One that is shorter can be guessed. */
#define LEAST  16
#define BEARER "Bearer "

static bool fail(GError **error, const char *path, const char *why)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, OPTION " %s: %s", path, why);
	return false;
}

bool secret_is_private(const char *option, const char *path, GError **error)
{
	struct stat status;

	if (stat(path, &status) != 0) {
		g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE, "%s %s: %s", option, path,
			    g_strerror(errno));
		return false;
	}
	if (!(status.st_mode & (S_IRWXO | S_IWGRP)))
		return true;
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_USAGE,
		    "%s %s: its mode is %04o, so others can get at it; chmod 0600 it", option, path,
		    status.st_mode & 07777U);
	return false;
}

bool secret_read(const char *path, struct secret *ret_secret, GError **error)
{
	g_autofree char *read = NULL;
	g_autofree char *text = NULL;
	g_autoptr(GError) reason = NULL;
	gsize length;

	if (!secret_is_private(OPTION, path, error))
		return false;
	read = text_file_read(path, &length, &reason);
	if (!read)
		return fail(error, path, reason->message);
	text = g_strndup(read, length);
	if (strlen(text) != length)
		return fail(error, path, "it is no text");
	g_strstrip(text);
	if (strlen(text) < LEAST)
		return fail(error, path,
			    "a token has at least 16 characters; 'openssl rand -hex 32' makes one");
	for (const char *c = text; *c; c++) {
		if (!g_ascii_isgraph(*c))
			return fail(error, path, "a token is one line without spaces, in ASCII");
	}
	secret_of(text, ret_secret);
	return true;
}

void secret_of(const char *token, struct secret *ret_secret)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	gsize length = sizeof(ret_secret->digest);

	g_checksum_update(sum, (const guchar *)token, (gssize)strlen(token));
	g_checksum_get_digest(sum, ret_secret->digest, &length);
}

bool secret_is_given(const struct secret *secret, const char *header)
{
	struct secret given;
	guint8 differ = 0;

	if (!header || g_ascii_strncasecmp(header, BEARER, strlen(BEARER)) != 0)
		return false;
	secret_of(header + strlen(BEARER), &given);
	for (gsize i = 0; i < sizeof(given.digest); i++)
		differ |= given.digest[i] ^ secret->digest[i];
	return differ == 0;
}
