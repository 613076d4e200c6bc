/* net.c - the machine's one network interface; see net.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clean.h"
#include "mount.h"
#include "net.h"
#include "ops.h"

static bool
is_virtio(const char *name)
{
	char path[128], to[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/class/net/%s/device/driver", name);
	n = readlink(path, to, sizeof(to) - 1);
	if (n < 0)
		return false;
	to[n] = '\0';
	return !strcmp(strrchr(to, '/') ? strrchr(to, '/') + 1 : to,
	    "virtio_net");
}

static bool
find_nic(const void *arg)
{
	char *name = (char *)arg; /* IFNAMSIZ bytes, to be filled in */
	autoclosedir DIR *d = opendir("/sys/class/net");
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (strlen(e->d_name) >= IFNAMSIZ || !is_virtio(e->d_name))
			continue;
		snprintf(name, IFNAMSIZ, "%.15s", e->d_name);
		return true;
	}
	return false;
}

static bool
set_addr(int fd, struct ifreq *ifr, unsigned long what, struct in_addr addr)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr = addr };

	memcpy(&ifr->ifr_addr, &sin, sizeof(sin));
	return !ioctl(fd, what, ifr);
}

/* "10.0.2.15/24" */
static bool
set_ip(int fd, struct ifreq *ifr, const char *ip)
{
	char text[INET_ADDRSTRLEN];
	size_t len = strcspn(ip, "/");
	struct in_addr addr, mask;
	char *end;
	long bits;

	if (len >= sizeof(text) || ip[len] != '/')
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)len, ip);
	bits = strtol(ip + len + 1, &end, 10);
	if (*end || bits < 1 || bits > 32 || !inet_pton(AF_INET, text, &addr)) {
		errno = EINVAL;
		return false;
	}
	mask.s_addr = htonl(~0U << (32 - bits));
	return set_addr(fd, ifr, SIOCSIFADDR, addr) &&
	    set_addr(fd, ifr, SIOCSIFNETMASK, mask);
}

static bool
set_mac(int fd, struct ifreq *ifr, const char *text)
{
	unsigned int b[6];
	char new[6];

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", &b[0], &b[1], &b[2],
	    &b[3], &b[4], &b[5]) != 6) {
		errno = EINVAL;
		return false;
	}
	if (ioctl(fd, SIOCGIFHWADDR, ifr))
		return false;
	for (int i = 0; i < 6; i++)
		new[i] = (char)b[i];
	if (!memcmp(ifr->ifr_hwaddr.sa_data, new, sizeof(new)))
		return true;
	memcpy(ifr->ifr_hwaddr.sa_data, new, sizeof(new));
	return !ioctl(fd, SIOCSIFHWADDR, ifr);
}

static bool
set_route(int fd, const char *gateway)
{
	struct sockaddr_in gw = { .sin_family = AF_INET };
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct rtentry rt = { .rt_flags = RTF_UP | RTF_GATEWAY };

	if (inet_pton(AF_INET, gateway, &gw.sin_addr) != 1) {
		errno = EINVAL;
		return false;
	}
	memcpy(&rt.rt_gateway, &gw, sizeof(gw));
	memcpy(&rt.rt_dst, &any, sizeof(any));
	memcpy(&rt.rt_genmask, &any, sizeof(any));
	return !ioctl(fd, SIOCADDRT, &rt) || errno == EEXIST;
}

/*
 * There is no router of IPv6 out there, and the kernel would ask for one for
 * ever: an idle machine is to be idle. A kernel without IPv6 does not.
 */
static void
ask_no_router(const char *nic)
{
	char path[64 + IFNAMSIZ];
	int fd;

	snprintf(path, sizeof(path),
	    "/proc/sys/net/ipv6/conf/%s/router_solicitations", nic);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "0", 1) < 0)
		errno = 0; /* then it asks */
	close(fd);
}

bool
net_up(const char *name, const char *ip, const char *gateway, const char *mac)
{
	struct ifreq ifr = { .ifr_flags = 0 };
	autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok;

	if (name)
		snprintf(ifr.ifr_name, IFNAMSIZ, "%s", name);
	else if (!wait_found(find_nic, ifr.ifr_name))
		return !complain("cannot find a network interface");
	ask_no_router(ifr.ifr_name);
	ok = (!mac || !*mac || set_mac(fd, &ifr, mac)) &&
	    (!ip || set_ip(fd, &ifr, ip));
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	ok = ok && !ioctl(fd, SIOCSIFFLAGS, &ifr) &&
	    (!gateway || !*gateway || set_route(fd, gateway));
	if (!ok)
		complain("cannot configure '%s': %s", ifr.ifr_name,
		    strerror(errno));
	return ok;
}
