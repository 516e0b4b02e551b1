/* SPDX-License-Identifier: BSD-2-Clause */
/* A packet socket with a TPACKET_V3 ring. The kernel fills a block, then gives it to user space by
 * its status word; reading walks the blocks in the same order and gives each back at the read after
 * the one that took its last frame, so that frames stay valid in between.
 *
 * Direction is chosen by a filter in the kernel: what is not wanted takes no room in the ring and
 * is not in the counts. */
#include "capture/af_packet.h"

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"

#define RING_BYTES    (16u << 20)
#define BLOCK_BYTES   (256u << 10) /* more than the longest packet that GRO makes */
#define BLOCK_WAIT_MS 50	   /* a block that is not full goes to user space after this */
#define TAG_OCTETS    4

#ifndef ARPHRD_RAWIP
#define ARPHRD_RAWIP 519
#endif
#ifndef ARPHRD_IP6GRE
#define ARPHRD_IP6GRE 823
#endif

struct af_packet {
	char *name;
	struct af_packet_options options;
	int fd;
	int ifindex;
	guint8 *ring; /* MAP_FAILED: none */
	size_t block_bytes;
	guint blocks;

	guint block; /* being read, or to be read next */
	guint held;  /* blocks before it that are read, but still valid */
	guint left;  /* frames in it that were not read yet; 0: it is not begun */
	const guint8 *next;

	int fault; /* errno the socket reported; 0: none */
	struct af_packet_counts counts;
};

static bool fail(const struct af_packet *af, const char *what, int code, GError **error)
{
	const char *advice = "";

	if (code == EPERM || code == EACCES)
		advice = "; run as root, or with CAP_NET_RAW";
	else if (code == ENOMEM)
		advice = "; ask for a smaller ring";
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: %s: %s%s", af->name, what,
		    g_strerror(code), advice);
	return false;
}

static bool fail_absent(const struct af_packet *af, GError **error)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "%s: there is no such interface; 'ip link' lists them", af->name);
	return false;
}

static bool fail_down(const struct af_packet *af, GError **error)
{
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED,
		    "%s: the interface is down; 'ip link set %s up' brings it up", af->name,
		    af->name);
	return false;
}

static bool set_option(const struct af_packet *af, int option, const void *value, socklen_t size)
{
	return setsockopt(af->fd, SOL_PACKET, option, value, size) == 0;
}

/* Flags of the interface by its name; false: there is none. */
static bool interface_flags(const struct af_packet *af, guint *ret_flags)
{
	struct ifreq request = { 0 };

	g_strlcpy(request.ifr_name, af->name, sizeof(request.ifr_name));
	if (ioctl(af->fd, SIOCGIFFLAGS, &request) != 0)
		return false;
	*ret_flags = (guint16)request.ifr_flags;
	return true;
}

static bool set_filter(const struct af_packet *af, struct sock_filter *code, size_t length)
{
	const struct sock_fprog program = { .len = (unsigned short)length, .filter = code };

	return setsockopt(af->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

static bool choose_direction(const struct af_packet *af, guint flags)
{
	enum af_packet_direction direction = af->options.direction;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, G_MAXUINT32),
	};

	if (direction == AF_PACKET_BOTH && (flags & IFF_LOOPBACK))
		direction = AF_PACKET_IN;
	if (direction == AF_PACKET_BOTH)
		return true;
	if (direction == AF_PACKET_OUT) {
		code[1].jt = 1;
		code[1].jf = 0;
	}
	return set_filter(af, code, G_N_ELEMENTS(code));
}

static bool make_ring(struct af_packet *af, GError **error)
{
	const size_t wanted = af->options.ring_bytes ? af->options.ring_bytes : RING_BYTES;
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t half = MAX((wanted / 2 + page - 1) / page * page, page);
	const int version = TPACKET_V3;
	struct tpacket_req3 request = { .tp_retire_blk_tov = BLOCK_WAIT_MS };

	af->block_bytes = MIN(half, (size_t)BLOCK_BYTES);
	af->blocks = (guint)((wanted + af->block_bytes - 1) / af->block_bytes);
	af->blocks = MAX(af->blocks, 2u);
	request.tp_block_size = (unsigned int)af->block_bytes;
	request.tp_block_nr = af->blocks;
	request.tp_frame_size = TPACKET_ALIGNMENT << 7; /* the kernel wants one; version 3 packs */
	request.tp_frame_nr = (unsigned int)(af->block_bytes / request.tp_frame_size * af->blocks);
	if (!set_option(af, PACKET_VERSION, &version, sizeof(version)))
		return fail(af, "TPACKET_V3", errno, error);
	if (!set_option(af, PACKET_RX_RING, &request, sizeof(request)))
		return fail(af, "ring of a packet socket", errno, error);
	af->ring = mmap(NULL, af->block_bytes * af->blocks, PROT_READ | PROT_WRITE, MAP_SHARED,
			af->fd, 0);
	return af->ring == MAP_FAILED ? fail(af, "ring of a packet socket", errno, error) : true;
}

static bool join_interface(const struct af_packet *af, GError **error)
{
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = g_htons(ETH_P_ALL),
		.sll_ifindex = af->ifindex,
	};
	const struct packet_mreq promiscuous = {
		.mr_ifindex = af->ifindex,
		.mr_type = PACKET_MR_PROMISC,
	};

	if (af->options.promiscuous &&
	    !set_option(af, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)))
		return fail(af, "promiscuous mode", errno, error);
	if (bind(af->fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		return errno == ENETDOWN ? fail_down(af, error)
					 : fail(af, "packet socket", errno, error);
	return true;
}

static void close_socket(struct af_packet *af)
{
	if (af->ring != MAP_FAILED)
		munmap(af->ring, af->block_bytes * af->blocks);
	af->ring = MAP_FAILED;
	if (af->fd >= 0)
		close(af->fd); /* leaves promiscuous mode as well */
	af->fd = -1;
}

/* The protocol is 0 until the interface is joined: no frame comes before all is ready. */
static bool open_socket(struct af_packet *af, GError **error)
{
	guint flags;

	af->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (af->fd < 0)
		return fail(af, "packet socket", errno, error);
	af->ifindex = (int)if_nametoindex(af->name);
	if (af->ifindex == 0 || !interface_flags(af, &flags))
		return fail_absent(af, error);
	if (!(flags & IFF_UP))
		return fail_down(af, error);
	if (!make_ring(af, error))
		return false;
	if (!choose_direction(af, flags))
		return fail(af, "direction of a packet socket", errno, error);
	if (!join_interface(af, error))
		return false;
	af->block = af->held = af->left = 0;
	af->fault = 0;
	return true;
}

struct af_packet *af_packet_open(const char *ifname, const struct af_packet_options *options,
				 GError **error)
{
	struct af_packet *af = g_new0(struct af_packet, 1);

	af->name = g_strdup(ifname);
	af->options = *options;
	af->fd = -1;
	af->ring = MAP_FAILED;
	if (!open_socket(af, error)) {
		af_packet_free(af);
		return NULL;
	}
	return af;
}

void af_packet_free(struct af_packet *af)
{
	if (!af)
		return;
	close_socket(af);
	g_free(af->name);
	g_free(af);
}

int af_packet_fd(const struct af_packet *af)
{
	return af->fd;
}

int af_packet_ifindex(const struct af_packet *af)
{
	return af->ifindex;
}

static struct tpacket_hdr_v1 *block_header(const struct af_packet *af, guint block)
{
	guint8 *at = af->ring + (size_t)(block % af->blocks) * af->block_bytes;

	return &((struct tpacket_block_desc *)(void *)at)->hdr.bh1;
}

static void give_back(struct af_packet *af)
{
	for (; af->held > 0; af->held--) {
		guint block = af->block + af->blocks - af->held;

		/* The kernel may write into it from here on: every read of it is done. */
		__atomic_store_n(&block_header(af, block)->block_status, TP_STATUS_KERNEL,
				 __ATOMIC_RELEASE);
	}
}

static void block_done(struct af_packet *af)
{
	af->block = (af->block + 1) % af->blocks;
	af->held++;
}

/* A block with frames to read, if the kernel gave one. */
static bool have_block(struct af_packet *af)
{
	while (af->left == 0 && af->held < af->blocks) {
		const struct tpacket_hdr_v1 *header = block_header(af, af->block);
		guint32 status = __atomic_load_n(&header->block_status, __ATOMIC_ACQUIRE);

		if (!(status & TP_STATUS_USER))
			return false;
		af->left = header->num_pkts;
		af->next = (const guint8 *)block_header(af, af->block) -
			   offsetof(struct tpacket_block_desc, hdr.bh1) +
			   header->offset_to_first_pkt;
		if (af->left == 0)
			block_done(af);
	}
	return af->left > 0;
}

static enum meter_link link_of(guint hardware)
{
	switch (hardware) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK: /* its Ethernet header is all zeros */
		return METER_LINK_ETHERNET;
	case ARPHRD_NONE:
	case ARPHRD_RAWIP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
	case ARPHRD_IP6GRE:
		return METER_LINK_IP;
	default:
		return METER_LINK_OTHER;
	}
}

/* As files number what a packet socket gives of such devices. */
static guint16 linktype_of(guint hardware)
{
	switch (hardware) {
	case ARPHRD_IEEE80211:
		return 105;
	case ARPHRD_IEEE80211_PRISM:
		return 119;
	case ARPHRD_IEEE80211_RADIOTAP:
		return 127;
	default:
		return link_of(hardware) == METER_LINK_ETHERNET ? 1
		       : link_of(hardware) == METER_LINK_IP	? 101
								: G_MAXUINT16;
	}
}

/* Kernels that do not say which kind of tag it was know only one. */
static guint16 tag_type(const struct tpacket3_hdr *header)
{
	return header->tp_status & TP_STATUS_VLAN_TPID_VALID ? header->hv1.tp_vlan_tpid
							     : ETH_P_8021Q;
}

static void take_frame(struct af_packet *af, struct frame *frame)
{
	const struct tpacket3_hdr *header = (const void *)af->next;
	const struct sockaddr_ll *from =
		(const void *)(af->next + TPACKET_ALIGN(sizeof(struct tpacket3_hdr)));
	const bool tagged = header->tp_status & TP_STATUS_VLAN_VALID;

	frame->data = af->next + header->tp_mac;
	frame->captured = header->tp_snaplen;
	/* The kernel does not count the tag it took out; the wire did carry it. */
	frame->length = header->tp_len + (tagged ? TAG_OCTETS : 0);
	frame->time_ns = header->tp_sec * FLOW_SECOND_NS + header->tp_nsec;
	frame->iface = af->options.iface ? af->options.iface : (guint16)af->ifindex;
	frame->link = (guint8)link_of(from->sll_hatype);
	frame->vlan = tagged ? (guint16)header->hv1.tp_vlan_tci : 0;
	frame->tag = tagged ? tag_type(header) : 0;
	frame->linktype = linktype_of(from->sll_hatype);
	frame->outer = 0;
	frame->outgoing = from->sll_pkttype == PACKET_OUTGOING;
	af->next += header->tp_next_offset;
	if (--af->left == 0)
		block_done(af);
}

static void note_fault(struct af_packet *af)
{
	int code = 0;
	socklen_t size = sizeof(code);

	if (!af->fault && getsockopt(af->fd, SOL_SOCKET, SO_ERROR, &code, &size) == 0)
		af->fault = code;
}

static bool tell_fault(const struct af_packet *af, GError **error)
{
	guint flags;

	if (af->fault != ENETDOWN)
		return fail(af, "packet socket", af->fault, error);
	if (interface_flags(af, &flags))
		return fail_down(af, error);
	g_set_error(error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s: the interface is gone", af->name);
	return false;
}

static guint64 in_ring(const struct af_packet *af)
{
	const struct af_packet_counts *counts = &af->counts;

	return counts->packets - counts->drops - counts->lost - counts->read;
}

int af_packet_read(struct af_packet *af, struct frame *ret_frames, size_t max, GError **error)
{
	size_t count = 0;

	if (af->ring == MAP_FAILED) {
		fail_absent(af, error); /* a reopen that failed */
		return -1;
	}
	give_back(af);
	while (count < MIN(max, (size_t)G_MAXINT) && have_block(af))
		take_frame(af, &ret_frames[count++]);
	af->counts.read += count;
	if (count > 0 || max == 0)
		return (int)count;
	note_fault(af);
	if (!af->fault)
		return 0;
	/* The block the kernel was writing when it happened is still to come. */
	if (!af_packet_counts(af, &(struct af_packet_counts){ 0 }, error))
		return -1;
	if (in_ring(af) > 0)
		return 0;
	tell_fault(af, error);
	return -1;
}

/* The kernel unbinds a socket whose interface is gone, and binds it to no later one. */
static bool still_bound(const struct af_packet *af)
{
	struct sockaddr_ll address = { 0 };
	socklen_t size = sizeof(address);

	return getsockname(af->fd, (struct sockaddr *)&address, &size) == 0 &&
	       address.sll_ifindex == af->ifindex;
}

static bool recover(struct af_packet *af, GError **error)
{
	guint flags;

	if (!interface_flags(af, &flags))
		return fail_absent(af, error);
	if (!(flags & IFF_UP))
		return fail_down(af, error);
	note_fault(af); /* takes it, so that poll() is quiet again */
	af->fault = 0;
	return true;
}

bool af_packet_reopen(struct af_packet *af, GError **error)
{
	struct af_packet_counts counts;

	if (af->fd >= 0 && af->ring != MAP_FAILED) {
		if ((int)if_nametoindex(af->name) == af->ifindex && still_bound(af))
			return recover(af, error);
		if (!af_packet_counts(af, &counts, error))
			return false;
		af->counts.lost += in_ring(af);
	}
	close_socket(af);
	return open_socket(af, error);
}

bool af_packet_stop(struct af_packet *af, GError **error)
{
	struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, 0) };

	return set_filter(af, code, G_N_ELEMENTS(code)) ? true : fail(af, "stopping", errno, error);
}

/* Reading the kernel's counters sets them back. */
bool af_packet_counts(struct af_packet *af, struct af_packet_counts *ret_counts, GError **error)
{
	struct tpacket_stats_v3 now = { 0 };
	socklen_t size = sizeof(now);

	if (af->fd >= 0 && getsockopt(af->fd, SOL_PACKET, PACKET_STATISTICS, &now, &size) != 0)
		return fail(af, "counters of a packet socket", errno, error);
	af->counts.packets += now.tp_packets;
	af->counts.drops += now.tp_drops;
	*ret_counts = af->counts;
	return true;
}
