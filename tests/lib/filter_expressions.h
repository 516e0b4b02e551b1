/* SPDX-License-Identifier: BSD-2-Clause */
/* What people ask of tcpdump, and what makes libpcap use every kind of step it has. */
#ifndef TESTS_FILTER_EXPRESSIONS_H
#define TESTS_FILTER_EXPRESSIONS_H

/* clang-format off */
static const char *const filter_expressions[] = {
	"",
	/* protocols */
	"ip", "ip6", "tcp", "udp", "icmp", "icmp6", "arp", "sctp", "igmp", "esp", "stp", "not ip",
	"ip proto 47", "ip6 proto 17", "ip proto 4 or ip proto 41", "ip6 protochain 17",
	"ip protochain 6", "ip6 protochain 58 or protochain 50", "ip protochain 4 and not tcp",
	"icmp or icmp6", "pppoes", "pppoed", "mpls", "mpls and ip", "llc",
	"vlan", "vlan and ip", "vlan and vlan", "vlan 100 or vlan 200", "vlan and tcp port 80",
	"pppoes and ip and tcp", "ether proto 0x8847 or ether proto 0x88a8", "atalk or ipx",
	/* addresses */
	"host 10.0.0.1", "src host 192.168.1.1", "dst net 10.0.0.0/8", "net 192.168.0.0/16",
	"host 10.0.0.1 or net 192.168.0.0/16", "not net 10.0.0.0/8 and ip", "ip6 net fe80::/10",
	"host fe80::1 or host ff02::1", "src net 2001:db8::/32 or dst net ff00::/8",
	"ip multicast", "ip6 multicast", "net 224.0.0.0/4",
	"ether broadcast", "ether multicast", "ether src 00:00:00:00:00:00",
	"ether host ff:ff:ff:ff:ff:ff and not arp", "arp host 192.168.1.1",
	/* ports */
	"udp port 53", "port 80", "port 443 or port 80 or port 8080", "tcp dst port 443",
	"src portrange 1024-65535 and dst portrange 1-1023", "udp src port 67 or 68",
	"sctp port 36412 or sctp portrange 2000-3000", "port not 53 and port not 80",
	"tcp and host 10.0.0.1 and (port 22 or port 80)",
	/* octets of headers and of what follows */
	"tcp[tcpflags] & tcp-syn != 0", "tcp[tcpflags] & (tcp-syn|tcp-ack) == (tcp-syn|tcp-ack)",
	"tcp[tcpflags] == tcp-rst or tcp[tcpflags] & tcp-fin != 0", "tcp[13] = 24",
	"icmp[icmptype] == icmp-echo or icmp[icmptype] == icmp-echoreply", "icmp6[icmp6type] = 135",
	"ip[8] < 64", "ip[6:2] & 0x1fff != 0", "ip[6] & 0x20 != 0", "ip[0] & 0xf > 5",
	"ip[2:2] > 576", "ip6[6] = 58", "ip[12:4] > 0xc0000000", "ether[0] & 1 = 0",
	"ether[10:4] != 0", "ether[12:4] & 0xffff0000 = 0x08000000", "ether[13:2] = 0x0045",
	"ether[14:4] >> 24 = 0x45", "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420",
	"tcp port 80 and ((ip[2:2] - ((ip[0] & 0xf) << 2)) - ((tcp[12] & 0xf0) >> 2)) != 0",
	"udp[8:2] & 0x8000 = 0x8000", "udp[4:2] > 100 and udp[4:2] < 200", "ip[ip[0] & 0xf] > 3",
	"ether[len - 1] = 0", "ether[len - 4:4] != 0 and ip", "ether[ether[20]] > 10",
	"ether[ether[15] + 3:2] % 7 = 2",
	/* arithmetic */
	"ip[4:2] % 3 = 1", "ip[4:2] / ip[8] > 200", "100000 / ip[1] > 5", "ip[4:2] % ip[1] = 0",
	"ip[4:2] * 7 & 0xff = 0x21", "ip[8] << ip[1] = 64", "ip[16:4] >> ip[8] > 0",
	"ip[12:4] - ip[16:4] > 0x80000000", "ip[10:2] ^ ip[4:2] > 0x8000", "-ip[4:2] & 0xf = 3",
	"(ip[4:2] | ip[10:2]) & 0x0f00 = 0x0f00", "ip[12:4] = ip[16:4]", "ip[12:4] > ip[16:4]",
	"1 = 1", "len % 2 = 0", "len >= 100 and len < 1000", "ip[2:2] + 14 = len",
	/* lengths */
	"greater 100", "less 64", "len > 1514 or len < 60",
	/* long ones: more than one jump can reach, more loads than a verifier likes to combine */
	"ip[0]=69 and (ip[1]=1 or ip[2]=2 or ip[3]=3 or ip[4]=4 or ip[5]=5 or ip[6]=6 or ip[7]=7 or "
	"ip[8]=8 or ip[9]=9 or ip[10]=10 or ip[11]=11 or ip[12]=12 or ip[13]=13 or ip[14]=14 or "
	"ip[15]=15 or ip[16]=16 or ip[17]=17 or ip[18]=18 or ip[19]=19 or ip[20]=20 or ip[21]=21 or "
	"ip[22]=22 or ip[23]=23 or ip[24]=24 or ip[25]=25 or ip[26]=26 or ip[27]=27 or ip[28]=28 or "
	"ip[29]=29 or ip[30]=30 or ip[31]=31 or ip[32]=32 or ip[33]=33 or ip[34]=34 or ip[35]=35)",
	("host 10.0.0.1 or host 10.0.0.2 or host 10.0.0.3 or host 10.0.0.4 or host 10.1.0.1 or "
	"host 10.1.0.2 or host 192.168.0.1 or host 192.168.0.2 or host 192.168.1.1 or "
	"host 192.168.1.2 or host 192.168.1.100 or host 172.16.0.1 or host 172.16.0.2 or "
	"host 8.8.8.8 or host 8.8.4.4 or host 1.1.1.1 or host 1.0.0.1 or host 127.0.0.1 or "
	"host fe80::1 or host fe80::2 or host ff02::fb or host ::1 or host 2001:db8::1 or "
	"port 53 or port 5353 or port 67 or port 68 or port 123 or port 161 or portrange 6000-7000"),
	"ip[ip[1]+1]=1 or ip[ip[2]+2]=2 or ip[ip[3]+3]=3 or ip[ip[4]+4]=4 or ip[ip[5]+5]=5 or "
	"ip[ip[6]+6]=6 or ip[ip[7]+7]=7 or ip[ip[8]+8]=8 or ip[ip[9]+9:4]=9 or ip[ip[10]+1:2]=10",
};
/* clang-format on */

#endif
