/* plug - a client of agent.sock, for tests
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: plug VMDIR PORT [LINE]	connect, say "ok", send LINE, copy what
 *					comes to stdout
 *        plug -e N BYTES VMDIR	N connections at once, each echoing so many
 *					bytes of its own, all of them checked
 *        plug -h VMDIR PORT LINE	send LINE, say "ok", read nothing until
 *					stdin ends or it is hung up on
 *        plug -l VMDIR TEXT		TEXT instead of the CONNECT line; say
 *					"ok" at once, then the answer
 *        plug -n N VMDIR PORT	N connections at once, which ask and read
 *					nothing; say "ok", end with stdin
 *        plug -p VMDIR		PAUSE; end that when the answer is OK; both
 *					answers
 */
#include <poll.h>
#include <sys/socket.h>

#include "bng.h"
#include "dirs.h"

const struct applet *self;

static int
dial(const char *dir)
{
	int dirfd = open(dir, O_RDONLY | O_DIRECTORY);
	int fd = sock_connect_at(dirfd, "agent.sock");

	if (fd < 0) {
		errno = -fd;
		die_sys("cannot connect");
	}
	close(dirfd);
	return fd;
}

static int
plug(const char *dir, const char *port)
{
	char line[64];
	size_t n = 0;
	int fd = dial(dir);

	dprintf(fd, "CONNECT %s\n", port);
	while (n < sizeof(line) - 1 && read(fd, line + n, 1) == 1)
		if (line[n++] == '\n')
			break;
	line[n] = '\0';
	if (strncmp(line, "OK ", 3))
		die("it hung up");
	return fd;
}

static void
say_ok(void)
{
	puts("ok");
	fflush(stdout);
}

static void
copy(int fd)
{
	static char buf[65536];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		xwrite(STDOUT_FILENO, buf, (size_t)n, "stdout");
}

static int
hold(int fd)
{
	struct pollfd p[] = { { .fd = fd }, { .events = POLLIN } };

	return poll(p, 2, -1) < 0;
}

/* The byte at `at` of connection i. */
static uint8_t
pattern(unsigned i, size_t at)
{
	return (uint8_t)(at * 31 + at / 251 + i * 7);
}

struct echo {
	int fd;
	size_t sent, got, size;
};

static void
pump(struct echo *e, unsigned i, short events)
{
	uint8_t buf[16384];
	ssize_t n;
	size_t want = e->size - e->sent;

	if ((events & POLLOUT) && want) {
		want = want < sizeof(buf) ? want : sizeof(buf);
		for (size_t k = 0; k < want; k++)
			buf[k] = pattern(i, e->sent + k);
		n = send(e->fd, buf, want, MSG_DONTWAIT);
		e->sent += n > 0 ? (size_t)n : 0;
	}
	if (!(events & (POLLIN | POLLHUP)))
		return;
	n = recv(e->fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n <= 0)
		die("connection %u ended after %zu bytes", i, e->got);
	for (ssize_t k = 0; k < n; k++)
		if (buf[k] != pattern(i, e->got + (size_t)k))
			die("connection %u differs at %zu", i, e->got);
	e->got += (size_t)n;
}

static int
echoes(unsigned count, size_t size, const char *dir)
{
	struct echo *e = xcalloc(count, sizeof(*e));
	struct pollfd *p = xcalloc(count, sizeof(*p));
	unsigned done = 0;

	for (unsigned i = 0; i < count; i++) {
		e[i].fd = p[i].fd = plug(dir, "1");
		e[i].size = size;
		dprintf(e[i].fd, "echo\n");
	}
	while (done < count) {
		for (unsigned i = 0; i < count; i++)
			p[i].events = POLLIN |
			    (e[i].sent < size ? POLLOUT : 0);
		poll(p, count, -1);
		for (unsigned i = 0; i < count; i++) {
			if (p[i].fd < 0)
				continue;
			pump(&e[i], i, p[i].revents);
			if (e[i].got == size) {
				p[i].fd = -1;
				done++;
			}
		}
	}
	say_ok();
	return 0;
}

static int
crowd(unsigned count, const char *dir, const char *port)
{
	char c;

	for (unsigned i = 0; i < count; i++)
		dprintf(dial(dir), "CONNECT %s\n", port);
	say_ok();
	return read(STDIN_FILENO, &c, 1) < 0;
}

static int
pause_it(const char *dir)
{
	int fd = dial(dir);
	char line[3];

	dprintf(fd, "PAUSE\n");
	if (read_full(fd, line, 3) == 3)
		xwrite(STDOUT_FILENO, line, 3, "stdout");
	if (!memcmp(line, "OK\n", 3))
		shutdown(fd, SHUT_WR);
	copy(fd);
	return 0;
}

int
main(int argc, char *argv[])
{
	int fd;

	msg_name = "plug";
	if (argc == 5 && !strcmp(argv[1], "-e"))
		return echoes((unsigned)strtoul(argv[2], NULL, 10),
		    strtoul(argv[3], NULL, 10), argv[4]);
	if (argc == 5 && !strcmp(argv[1], "-h")) {
		fd = plug(argv[2], argv[3]);
		dprintf(fd, "%s\n", argv[4]);
		say_ok();
		return hold(fd);
	}
	if (argc == 5 && !strcmp(argv[1], "-n"))
		return crowd((unsigned)strtoul(argv[2], NULL, 10), argv[3],
		    argv[4]);
	if (argc == 3 && !strcmp(argv[1], "-p"))
		return pause_it(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "-l")) {
		fd = dial(argv[2]);
		dprintf(fd, "%s", argv[3]);
		say_ok();
		copy(fd);
		return 0;
	}
	fd = plug(argv[1], argv[2]);
	say_ok();
	if (argc > 3)
		dprintf(fd, "%s\n", argv[3]);
	copy(fd);
	return 0;
}
