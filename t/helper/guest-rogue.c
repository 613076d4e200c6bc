/* guest-rogue - an /init in the agent's place, that does as it is told
 *
 * SPDX-License-Identifier: MIT
 *
 * The kernel's command line says how it boots (rogue=MODE): by default it
 * answers the host as an agent does; `silent` never says a word, `deaf` never
 * answers a request, `refuse` answers with an error, `restless` is a new
 * agent again and again; `panic`, `poweroff` and `reset` do just that.
 *
 * A request on port 2 is answered as done, and the machine powers off if it
 * was for a shutdown. On port 1 the first line of a connection is a command:
 *
 *	echo		send back what comes
 *	flood N		send N bytes and close
 *	overrun		send more than there is credit for
 *	garbage		send what is no frame
 *	hello		be a new agent
 *	console N	write N lines to the console and close
 *	panic, poweroff, reset
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "frame.h"
#include "mux.h"

enum { STREAMS = 256 };

enum job { ASKED, ECHO, FLOOD, DONE };

static struct stream {
	bool used, close_sent, close_got;
	uint32_t port;
	enum job job;
	char line[64];
	size_t have;
	unsigned long left;		/* of a flood */
	struct mux_window win;
	uint8_t *buf;			/* of an echo */
	size_t len;
} streams[STREAMS];

static char mode[32] = "agent";
static int port_fd;

static void
write_port(const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t w = write(port_fd, p, n);

		if (w < 0 && errno != EINTR && errno != EAGAIN)
			return;
		if (w < 0)
			continue;
		p += w;
		n -= (size_t)w;
	}
}

static void
end_machine(const char *how)
{
	int fd;

	sync();
	if (!strcmp(how, "poweroff"))
		reboot(RB_POWER_OFF);
	if (!strcmp(how, "reset"))
		reboot(RB_AUTOBOOT);
	fd = open("/proc/sysrq-trigger", O_WRONLY);
	if (write(fd, "c", 1) != 1)
		pause();
}

static void
send_close(uint16_t n)
{
	uint8_t out[MUX_HEAD];
	struct stream *s = &streams[n];

	if (!s->close_sent)
		write_port(out, mux_put_head(out, MUX_T_CLOSE, n, 0));
	s->close_sent = true;
	if (s->close_got)
		s->used = false;
}

static void
send_data(uint16_t n, const uint8_t *p, size_t len)
{
	static uint8_t out[MUX_FRAME];

	memcpy(out + MUX_HEAD, p, len);
	mux_put_head(out, MUX_T_DATA, n, (uint32_t)len);
	write_port(out, MUX_HEAD + len);
	streams[n].win.send -= (uint32_t)len;
}

static void
send_sync(void)
{
	static const uint8_t zero[MUX_NONCE];
	static uint8_t out[MUX_SYNC];

	write_port(out, mux_put_sync(out, zero));
}

static int
on_hello(void *ctx, const uint8_t nonce[MUX_NONCE])
{
	uint8_t out[MUX_HELLO];

	(void)ctx;
	memset(streams, 0, sizeof(streams));
	if (!strcmp(mode, "restless"))
		send_sync();
	else
		write_port(out, mux_put_hello(out, nonce));
	return 0;
}

static int
on_open(void *ctx, uint16_t n, uint32_t port)
{
	struct stream *s = &streams[n % STREAMS];

	(void)ctx;
	free(s->buf);
	memset(s, 0, sizeof(*s));
	s->used = true;
	s->port = port;
	mux_window_init(&s->win);
	return 0;
}

/* A request in the agent's own protocol: "done", whatever it was. */
static void
answer(uint16_t n, const uint8_t *p, size_t len)
{
	const char *text = strcmp(mode, "refuse") ? "{\"v\":1,\"exit\":0}" :
	    "{\"v\":1,\"error\":\"it does not feel like it\"}";
	uint8_t out[128];

	if (!strcmp(mode, "deaf"))
		return;
	frame_put_head(out, CH_CONTROL, (uint32_t)strlen(text));
	memcpy(out + FRAME_HEAD, text, strlen(text));
	send_data(n, out, FRAME_HEAD + strlen(text));
	send_close(n);
	if (memmem(p, len, "shutdown", 8))
		end_machine("poweroff");
}

static void
overrun(uint16_t n)
{
	static uint8_t zeros[MUX_DATA];

	/* More than the window and a client's socket hold together. */
	for (int i = 0; i < 64; i++)
		send_data(n, zeros, sizeof(zeros));
}

static void
chatter(unsigned long lines)
{
	for (unsigned long i = 0; i < lines; i++)
		printf("line %lu of what the guest has to say\n", i);
	fflush(stdout);
}

static void
command(uint16_t n, const char *line)
{
	struct stream *s = &streams[n];

	if (!strcmp(line, "echo")) {
		s->job = ECHO;
		s->buf = malloc(MUX_WINDOW);
	} else if (!strncmp(line, "flood ", 6)) {
		s->job = FLOOD;
		s->left = strtoul(line + 6, NULL, 10);
	} else if (!strcmp(line, "overrun")) {
		overrun(n);
	} else if (!strcmp(line, "garbage")) {
		write_port((const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff",
		    8);
	} else if (!strcmp(line, "hello")) {
		send_sync();
	} else if (!strncmp(line, "console ", 8)) {
		chatter(strtoul(line + 8, NULL, 10));
		send_close(n);
	} else {
		end_machine(line);
	}
}

static int
on_data(void *ctx, uint16_t n, const uint8_t *p, size_t len)
{
	struct stream *s = &streams[n % STREAMS];

	(void)ctx;
	mux_window_got(&s->win, len);
	if (s->port != 1) {
		answer(n, p, len);
		return 0;
	}
	for (; s->job == ASKED && len; p++, len--) {
		if (*p == '\n') {
			s->job = DONE;
			command(n, s->line);
		} else if (s->have < sizeof(s->line) - 1) {
			s->line[s->have++] = (char)*p;
		}
	}
	if (s->job == ECHO) {
		memcpy(s->buf + s->len, p, len);
		s->len += len;
	}
	return 0;
}

static int
on_credit(void *ctx, uint16_t n, uint32_t more)
{
	(void)ctx;
	return mux_window_grant(&streams[n % STREAMS].win, more);
}

static int
on_close(void *ctx, uint16_t n)
{
	(void)ctx;
	streams[n % STREAMS].close_got = true;
	send_close(n);
	return 0;
}

/* One frame at most. False when the stream has nothing to do now. */
static bool
work(uint16_t n)
{
	static uint8_t pattern[MUX_DATA];
	struct stream *s = &streams[n];
	size_t len = s->win.send < MUX_DATA ? s->win.send : MUX_DATA;
	uint8_t out[MUX_HEAD + 4];
	uint32_t due;

	if (!s->used || s->close_sent || s->port != 1)
		return false;
	due = mux_window_due(&s->win, s->len);
	if (due)
		write_port(out, mux_put_u32(out, MUX_T_CREDIT, n, due));
	if (s->job == FLOOD) {
		len = len < s->left ? len : s->left;
		if (len)
			send_data(n, pattern, len);
		s->left -= len;
		if (!s->left)
			send_close(n);
		return len;
	}
	if (s->job != ECHO)
		return false;
	len = len < s->len ? len : s->len;
	if (!len)
		return false;
	send_data(n, s->buf, len);
	memmove(s->buf, s->buf + len, s->len - len);
	s->len -= len;
	return true;
}

static void
load_modules(void)
{
	struct dirent **list;
	int n = scandir("/modules", &list, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char path[512];
		int fd;

		snprintf(path, sizeof(path), "/modules/%s", list[i]->d_name);
		fd = open(path, O_RDONLY);
		syscall(SYS_finit_module, fd, "", 0);
		close(fd);
	}
}

/* The port's number is in its name: /dev/vportNpM. */
static int
open_port(void)
{
	struct dirent **list;
	char path[512];
	int fd, n = scandir("/sys/class/virtio-ports", &list, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "/dev/%s", list[i]->d_name);
		if (list[i]->d_name[0] == '.')
			continue;
		fd = open(path, O_RDWR);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

static void
boot(void)
{
	char text[4096] = "";
	char *m;
	int fd;

	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	fd = open("/proc/cmdline", O_RDONLY);
	if (read(fd, text, sizeof(text) - 1) < 0)
		return;
	m = strstr(text, "rogue=");
	if (m)
		sscanf(m, "rogue=%31[a-z]", mode);
	load_modules();
	if (!strcmp(mode, "poweroff"))
		puts("banger: cannot stay: told so");
	fflush(stdout);
	if (!strcmp(mode, "panic") || !strcmp(mode, "reset") ||
	    !strcmp(mode, "poweroff"))
		end_machine(mode);
	while (!strcmp(mode, "silent"))
		pause();
	/* The port appears once the host's answer to the driver is in. */
	while ((port_fd = open_port()) < 0)
		usleep(1000);
}

int
main(void)
{
	static const struct mux_events events = {
		on_hello, on_open, on_data, on_credit, on_close };
	static uint8_t buf[65536];
	struct mux_in in = { .have = 0 };

	boot();
	send_sync();
	for (;;) {
		ssize_t n = read(port_fd, buf, sizeof(buf));
		bool busy = true;

		if (n > 0 && mux_feed(&in, buf, (size_t)n, &events, NULL))
			memset(&in, 0, sizeof(in));
		while (busy) {
			busy = false;
			for (int i = 0; i < STREAMS; i++)
				busy |= work((uint16_t)i);
		}
	}
}
