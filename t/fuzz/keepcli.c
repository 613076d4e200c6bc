/* keepcli - fuzz what a session's keeper is told: however the bytes are cut,
 * it answers with whole frames, and its bounds hold
 *
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../lib/frame.c"
#include "../../guest/agent/json.c"
#include "../../guest/agent/keepcli.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the command was given, and has to say. */
static size_t given, stopped, killed;
static char slow;

bool
end_open(struct end *e, int fd, uint32_t events)
{
	e->fd = fd;
	e->ready = events;
	return true;
}

void
end_close(struct end *e)
{
	if (e->fd >= 0)
		close(e->fd);
	e->fd = -1;
}

void
job_input_end(struct job *j)
{
	end_close(&j->in);
}

void
job_kill(const struct job *j)
{
	(void)j;
	killed++;
}

void
job_signal(const struct job *j, int sig)
{
	(void)j;
	if (sig < 1 || sig > 64)
		abort();
}

void
job_resize(const struct job *j, unsigned short rows, unsigned short cols)
{
	(void)j;
	if (!rows || !cols)
		abort();
}

void
keeper_stop(struct keeper *k, int64_t seconds)
{
	(void)k;
	if (seconds < 0 || seconds > 3600)
		abort();
	stopped++;
}

int
file_note(int dirfd, const char *name, const void *buf, size_t len, mode_t mode)
{
	(void)dirfd, (void)name, (void)mode;
	return memchr(buf, '\0', len) ? abort(), 1 : 0;
}

int
file_slurp(int dirfd, const char *name, size_t max, char **ret_buf,
    size_t *ret_len)
{
	(void)dirfd, (void)name, (void)max, (void)ret_len;
	*ret_buf = strdup("{\"who\":\"\\u001b[2J\"}");
	return 0;
}

ssize_t
ring_get(struct ring *r, uint64_t *at, void *buf, size_t size)
{
	if (*at > r->total)
		abort();
	if (size > r->total - *at)
		size = (size_t)(r->total - *at);
	memset(buf, 'x', size);
	*at += size;
	return (ssize_t)size;
}

/* Everything that came back is a row of frames. */
static void
check(int fd)
{
	static uint8_t buf[1 << 18];
	struct frame_in in = { .have = 0 };
	ssize_t n, h;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		for (uint8_t *p = buf; n; p += h, n -= h) {
			if (!frame_begun(&in)) {
				h = frame_head(&in, p, (size_t)n);
				if (h < 0 || (frame_begun(&in) &&
				    in.channel == CH_STDIN))
					abort();
			} else {
				h = n < in.left ? n : (ssize_t)in.left;
				frame_took(&in, (size_t)h);
			}
			if (frame_begun(&in) && !in.left)
				frame_took(&in, 0);
		}
	}
}

static void
settle(struct keeper *k)
{
	for (struct keepcli *c = k->clients; c; c = c->next)
		c->end.ready = EPOLLIN | EPOLLOUT;
	if (k->job->in.fd >= 0)
		k->job->in.ready = slow ? 0 : EPOLLOUT;
	for (int i = 0; i < 10000 && keepcli_serve(k); i++)
		continue;
}

/* Two clients, each with half of the input, at most `cut` bytes at a time. */
static void
run(const uint8_t *p, size_t size, size_t cut, bool input)
{
	struct job job = { .in.fd = open("/dev/null", O_WRONLY) };
	struct keeper k = { .name = "fuzz", .dir = -1, .job = &job,
		.input = input, .ring = { { 3, 100000 }, { 3, 7 } },
		.listener.fd = -1, .timer.fd = -1 };
	size_t at[2] = { 0, size / 2 }, to[2] = { size / 2, size };
	int sv[2][2];

	for (int i = 0; i < 2; i++) {
		struct keepcli *c = calloc(1, sizeof(*c));

		if (!c || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
		    sv[i]))
			abort();
		end_open(&c->end, sv[i][1], EPOLLIN | EPOLLOUT);
		c->next = k.clients;
		k.clients = c;
	}
	while (at[0] < to[0] || at[1] < to[1]) {
		for (int i = 0; i < 2; i++) {
			size_t n = to[i] - at[i] < cut ? to[i] - at[i] : cut;

			if (n && send(sv[i][0], p + at[i], n,
			    MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
				n = to[i] - at[i];
			at[i] += n;
			slow = (char)(at[i] & 1);
			settle(&k);
			check(sv[i][0]);
		}
	}
	slow = 0;
	k.over = size & 1;
	settle(&k);
	for (int i = 0; i < 2; i++) {
		check(sv[i][0]);
		close(sv[i][0]);
	}
	settle(&k);
	if (k.clients || k.attached || k.writer)
		abort();
	end_close(&job.in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	run(data, size, size + 1, true);
	run(data, size, 3, true);
	run(data, size, 64, false);
	return 0;
}
