/* ports.c - what listens in the machine, and who that is
 *
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clean.h"
#include "file.h"
#include "json.h"
#include "ops.h"

enum { SOCKETS = 1024 };	/* of which the rest is not reported */

struct sock {
	char proto[8], addr[INET6_ADDRSTRLEN];
	unsigned int port;
	unsigned long inode;
	char process[32];
};

static struct sock socks[SOCKETS];
static size_t n_socks;

/* "0100007F", or four of these: in the words' own byte order. */
static void
read_addr(struct sock *s, const char *hex)
{
	uint32_t words[4];
	size_t n = strlen(hex) / 8;

	if (n != 1 && n != 4)
		return;
	for (size_t i = 0; i < n; i++) {
		char word[9];

		snprintf(word, sizeof(word), "%.8s", hex + 8 * i);
		words[i] = (uint32_t)strtoul(word, NULL, 16);
	}
	inet_ntop(n == 1 ? AF_INET : AF_INET6, words, s->addr,
	    sizeof(s->addr));
}

/* Sockets in this state: 0A is listening, 07 a UDP one without a peer. */
static void
read_table(const char *proto, unsigned int state)
{
	char path[64], line[512], hex[40];
	unsigned int port, st;
	unsigned long inode;
	autofclose FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/net/%s", proto);
	f = fopen(path, "re");
	while (f && n_socks < SOCKETS && fgets(line, sizeof(line), f)) {
		struct sock *s = &socks[n_socks];

		if (sscanf(line, " %*d: %39[0-9A-F]:%x %*s %x %*s %*s %*s "
		    "%*s %*s %lu", hex, &port, &st, &inode) != 4 ||
		    st != state)
			continue;
		snprintf(s->proto, sizeof(s->proto), "%s", proto);
		s->port = port;
		s->inode = inode;
		read_addr(s, hex);
		n_socks++;
	}
}

/* Give the sockets among a process's descriptors its name. */
static void
name_of(const char *pid)
{
	char dir[300], link[64], name[32] = "";
	unsigned long inode;
	struct dirent *e;
	autoclosedir DIR *d = NULL;

	snprintf(dir, sizeof(dir), "/proc/%s/fd", pid);
	d = opendir(dir);
	while (d && (e = readdir(d))) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, link,
		    sizeof(link) - 1);

		link[n < 0 ? 0 : n] = '\0';
		if (sscanf(link, "socket:[%lu]", &inode) != 1)
			continue;
		for (size_t i = 0; i < n_socks; i++) {
			if (socks[i].inode != inode || socks[i].process[0])
				continue;
			if (!*name) {
				snprintf(dir, sizeof(dir), "/proc/%s/comm",
				    pid);
				file_line(AT_FDCWD, dir, name, sizeof(name));
			}
			memcpy(socks[i].process, name, sizeof(name));
		}
	}
}

static void
print_one(const struct sock *s, bool first)
{
	char process[200];
	size_t len = 0;

	json_escape(process, sizeof(process), &len, s->process);
	printf("%s{\"proto\":\"%s\",\"addr\":\"%s\",\"port\":%u,"
	    "\"process\":\"%s\"}", first ? "" : ",", s->proto, s->addr,
	    s->port, process);
}

int
ports_run(const char *request)
{
	autoclosedir DIR *d = opendir("/proc");
	struct dirent *e;

	(void)request;
	read_table("tcp", 0x0a);
	read_table("tcp6", 0x0a);
	read_table("udp", 0x07);
	read_table("udp6", 0x07);
	while (d && n_socks && (e = readdir(d)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
			name_of(e->d_name);
	printf("{\"ports\":[");
	for (size_t i = 0; i < n_socks; i++)
		print_one(&socks[i], i == 0);
	printf("]}\n");
	return fflush(stdout) ? 1 : 0;
}
