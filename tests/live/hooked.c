/* SPDX-License-Identifier: BSD-2-Clause */
#include "hooked.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/native_meter.h"
#include "unit.h"
#include "wire.h"

#define BPFFS	   "/sys/fs/bpf"
#define FOLDER	   BPFFS "/weir"
#define LIMIT_US   (120 * G_USEC_PER_SEC)
#define FRAME_SIZE 60

const char *hooked_folder(void)
{
	static bool mounted;

	if (!mounted &&
	    (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	     mount("bpf", BPFFS, "bpf", 0, NULL) != 0 || mkdir(FOLDER, 0700) != 0)) {
		printf("skipped: a BPF file system: %m\n");
		exit(77);
	}
	mounted = true;
	return FOLDER;
}

void hooked_lay(void)
{
	wire_ip("link add " NEAR " type veth peer name " FAR);
	wire_up();
}

guint hooked_pins(void)
{
	GDir *folder = g_dir_open(hooked_folder(), 0, NULL);
	guint count = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
	while (g_dir_read_name(folder))
		count++;
	g_dir_close(folder);
	return count;
}

struct kernel_meter *hooked_meter(void)
{
	const struct native_options native = { .idle_ns = 15 * FLOW_SECOND_NS,
					       .active_ns = 60 * FLOW_SECOND_NS,
					       .max_flows = 64 * SET_WAYS };
	const struct kernel_options options = { .hook = KERNEL_HOOK_XDP,
						.every_hook = true,
						.sets = 64,
						.ring_octets = 1 << 16,
						.settings = native_settings(&native) };
	GError *error = NULL;
	struct kernel_meter *meter = kernel_meter_new(&options, &error);

	if (!meter)
		printf("%s\n", error->message);
	CU_ASSERT_PTR_NOT_NULL_FATAL(meter);
	return meter;
}

guint64 hooked_count(struct kernel_meter *meter)
{
	struct meter_counts counts;
	guint64 packets = 0;

	CU_ASSERT_FATAL(kernel_meter_counts(meter, &counts, NULL));
	for (int v = 0; v < METER_VERDICTS; v++)
		packets += counts.packets[v];
	return packets;
}

bool hooked_sees(struct kernel_meter *meter, guint64 packets)
{
	const gint64 deadline = g_get_monotonic_time() + LIMIT_US;

	while (hooked_count(meter) < packets && g_get_monotonic_time() < deadline)
		sched_yield();
	return hooked_count(meter) == packets;
}

void hooked_send(const char *ifname, guint count)
{
	static const guint8 frame[FRAME_SIZE];
	int fd = wire_sender(ifname);

	for (guint i = 0; i < count; i++)
		CU_ASSERT_EQUAL_FATAL(send(fd, frame, sizeof(frame), 0), sizeof(frame));
	close(fd);
}

guint32 hooked_xdp(const char *ifname)
{
	guint32 id = 0;

	CU_ASSERT_EQUAL(bpf_xdp_query_id((int)if_nametoindex(ifname), 0, &id), 0);
	return id;
}

void hooked_says(GError **error, const char *words)
{
	const char *message = *error ? (*error)->message : "no error";

	if (!strstr(message, words))
		printf("  %s\n", message);
	CU_ASSERT_PTR_NOT_NULL(strstr(message, words));
	g_clear_error(error);
}
