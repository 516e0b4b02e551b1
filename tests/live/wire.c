/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire.h"

#include <linux/if_packet.h>

#include <CUnit/CUnit.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

char *wire_ip_output(const char *line)
{
	g_autofree char *command = g_strconcat("ip ", line, NULL);
	g_auto(GStrv) words = g_strsplit(command, " ", -1);
	char *output = NULL;
	g_autofree char *errors = NULL;
	int status = -1;

	g_spawn_sync(NULL, words, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, &errors, &status,
		     NULL);
	if (status != 0)
		printf("%s: %s\n", command, errors ? errors : "cannot be started");
	CU_ASSERT_EQUAL_FATAL(status, 0);
	return output;
}

void wire_ip(const char *line)
{
	g_free(wire_ip_output(line));
}

int wire_enter(void)
{
	FILE *sysctl;

	if (unshare(CLONE_NEWNET) != 0) {
		printf("skipped: a network namespace: %m\n");
		exit(77);
	}
	/* No router solicitations and the like: the only frames are the test's. */
	sysctl = fopen("/proc/sys/net/ipv6/conf/default/disable_ipv6", "we");
	if (sysctl) {
		fputs("1", sysctl);
		fclose(sysctl);
	}
	return 0;
}

/* The kernel's answer waits for the lock under which it notices the carrier. */
static void wait_until_up(const char *ifname)
{
	const gint64 deadline = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
	g_autofree char *line = g_strdup_printf("link show %s", ifname);
	bool up = false;

	while (!up && g_get_monotonic_time() < deadline) {
		g_autofree char *shown = wire_ip_output(line);

		up = strstr(shown, "state UP") != NULL;
	}
	CU_ASSERT_TRUE_FATAL(up);
}

void wire_up(void)
{
	wire_ip("link set " NEAR " up");
	wire_ip("link set " FAR " up");
	wait_until_up(NEAR);
	wait_until_up(FAR);
}

void wire_lay(void)
{
	wire_ip("link add " NEAR " mtu 65535 type veth peer name " FAR " mtu 65535");
	wire_up();
}

void wire_remove(void)
{
	wire_ip("link del " NEAR);
}

guint64 wire_count(const char *ifname, const char *way, const char *counter)
{
	g_autofree char *line = g_strdup_printf("-j -s link show %s", ifname);
	g_autofree char *json = wire_ip_output(line);
	g_autofree char *section = g_strdup_printf("\"%s\":", way);
	g_autofree char *key = g_strdup_printf("\"%s\":", counter);
	const char *at = strstr(json, "\"stats64\"");

	at = at ? strstr(at, section) : NULL;
	at = at ? strstr(at, key) : NULL;
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	return g_ascii_strtoull(at + strlen(key), NULL, 10);
}

int wire_sender(const char *ifname)
{
	const struct sockaddr_ll address = { .sll_family = AF_PACKET,
					     .sll_ifindex = (int)if_nametoindex(ifname) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	CU_ASSERT_NOT_EQUAL_FATAL(fd, -1);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}
