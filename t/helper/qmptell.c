/* qmptell - say a line to a machine's QEMU, for tests
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: qmptell VMDIR JSON	print the answer: a "return" or an "error"
 */
#include <poll.h>

#include "bng.h"
#include "dirs.h"
#include "qmp.h"

const struct applet *self;

static int answers;

static void
on_message(void *ctx, const cJSON *m)
{
	(void)ctx;
	if (!cJSON_GetObjectItem(m, "return") &&
	    !cJSON_GetObjectItem(m, "error"))
		return;
	if (++answers == 2)
		puts(cJSON_PrintUnformatted(m));
}

int
main(int argc, char *argv[])
{
	struct qmp q = { .fd = -1 };
	int dir;

	if (argc != 3)
		die("usage: qmptell VMDIR JSON");
	dir = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	q.fd = sock_connect_at(dir, "qmp.sock");
	if (dir < 0 || q.fd < 0)
		die("cannot connect to '%s'", argv[1]);
	dprintf(q.fd, "{\"execute\":\"qmp_capabilities\"}\n%s\n", argv[2]);
	while (answers < 2) {
		struct pollfd p = { .fd = q.fd, .events = POLLIN };
		int r = poll(&p, 1, -1) < 0 ? -errno :
		    qmp_read(&q, on_message, NULL);

		if (r && r != -EAGAIN)
			die("it hung up");
	}
	return 0;
}
