/* SPDX-License-Identifier: BSD-2-Clause */
/* The interface itself, by the ioctls of netdevice(7): they speak of this network namespace, where
 * sysfs may show another. */
#include "capture/probe_link.h"

#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIOCGIWNAME 0x8B01 /* linux/wireless.h does not go with net/if.h */

static bool ask(int fd, const char *ifname, unsigned long request, struct ifreq *ret_answer)
{
	memset(ret_answer, 0, sizeof(*ret_answer));
	g_strlcpy(ret_answer->ifr_name, ifname, sizeof(ret_answer->ifr_name));
	return ioctl(fd, request, ret_answer) == 0;
}

static bool has_entry(const char *ifname, const char *entry)
{
	g_autofree char *path = g_build_filename("/sys/class/net", ifname, entry, NULL);

	return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void ask_link(int fd, const char *ifname, struct probe_link *link)
{
	struct ifreq answer;

	if (ask(fd, ifname, SIOCGIFFLAGS, &answer))
		link->flags = (guint16)answer.ifr_flags;
	if (ask(fd, ifname, SIOCGIFMTU, &answer))
		link->mtu = (guint)answer.ifr_mtu;
	if (ask(fd, ifname, SIOCGIFHWADDR, &answer))
		link->hardware = answer.ifr_hwaddr.sa_family;
	link->wireless = ask(fd, ifname, SIOCGIWNAME, &answer) || has_entry(ifname, "phy80211");
	link->virtual_function = has_entry(ifname, "device/physfn");
}

void probe_link(const char *ifname, struct probe_link *ret_link)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memset(ret_link, 0, sizeof(*ret_link));
	ret_link->programs = g_array_new(FALSE, TRUE, sizeof(struct probe_program));
	if (strlen(ifname) < IFNAMSIZ)
		ret_link->ifindex = (int)if_nametoindex(ifname);
	if (ret_link->ifindex > 0 && fd >= 0) {
		ask_link(fd, ifname, ret_link);
		probe_ethtool(fd, ifname, ret_link);
		probe_hooks(ret_link);
	}
	if (fd >= 0)
		close(fd);
}

void probe_link_clear(struct probe_link *link)
{
	if (link->programs)
		g_array_free(link->programs, TRUE);
	link->programs = NULL;
}
