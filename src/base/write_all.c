/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/write_all.h"

#include <errno.h>
#include <unistd.h>

bool write_all(int fd, const void *octets, size_t length)
{
	const char *next = octets;

	while (length > 0) {
		ssize_t done = write(fd, next, length);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		next += done;
		length -= (size_t)done;
	}
	return true;
}
