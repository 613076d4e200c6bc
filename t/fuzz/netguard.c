/* netguard - fuzz what a guest sends: nothing of it is for the host alone
 *
 * SPDX-License-Identifier: MIT
 *
 * The first byte says how the rest is cut; that is a stream of frames, as QEMU
 * sends them. What comes back is frames, whole ones, each let through alone
 * too, and none to where only the host is.
 */
#include <sys/socket.h>

#include "../../lib/netguard.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const struct applet *self;

static void
must(bool fine)
{
	if (!fine)
		abort();
}

static void
broken(void *ctx)
{
	*(bool *)ctx = true;
}

/* Looked at another way than netguard.c does. */
static void
check(const uint8_t *frame, size_t n)
{
	uint8_t *exact = malloc(n ? n : 1);
	const uint8_t *to = frame + 30;

	must(exact);
	memcpy(exact, frame, n);
	must(netguard_lets(exact, n));
	free(exact);
	must(n >= 14 && frame[12] == 8);
	if (frame[13] == 6)
		return;
	must(!frame[13] && n >= 34);
	must(to[0] && to[0] != 127);
	if (to[0] == 10 && !to[1] && to[2] == 2)
		must(to[3] == 2 || to[3] == 3);
	if (to[0] >= 224)
		must(to[0] == 255 && to[1] == 255 && to[2] == 255 &&
		    to[3] == 255);
}

static void
check_all(int fd)
{
	static uint8_t buf[1 << 20];
	size_t have = 0, at = 0;
	ssize_t n;

	while ((n = recv(fd, buf + have, sizeof(buf) - have, 0)) > 0)
		have += (size_t)n;
	while (at < have) {
		size_t len;

		must(have - at >= NETGUARD_HEAD);
		len = get_be32(buf + at);
		must(have - at - NETGUARD_HEAD >= len);
		check(buf + at + NETGUARD_HEAD, len);
		at += NETGUARD_HEAD + len;
	}
}

static void
pair(int fds[2])
{
	must(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	struct netguard g;
	bool over = false;
	int from[2], back[2];
	size_t step;

	if (!size)
		return 0;
	step = 1 + (size_t)*data++ * 16;
	size--;
	must(ready || !loop_init());
	ready = true;
	pair(from);
	pair(back);
	must(!netguard_init(&g, from[1], back[1], broken, &over));
	while (size && !over) {
		size_t n = size < step ? size : step;

		must(send(from[0], data, n, 0) == (ssize_t)n);
		data += n;
		size -= n;
		on_frames(&g.from, EPOLLIN);
	}
	check_all(back[0]);
	netguard_free(&g);
	close(from[0]);
	close(back[0]);
	return 0;
}
