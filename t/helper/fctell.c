/* fctell - ask a machine's Firecracker, for tests
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: fctell VMDIR METHOD PATH [JSON]	print the status and the answer
 */
#include "api.h"
#include "bng.h"

const struct applet *self;

int
main(int argc, char *argv[])
{
	struct api *a = xcalloc(1, sizeof(*a));
	int dir, r;

	if (argc < 4)
		die("usage: fctell VMDIR METHOD PATH [JSON]");
	dir = xopen(argv[1], O_RDONLY | O_DIRECTORY, 0);
	r = api_call(a, dir, "api.sock", argv[2], argv[3], argv[4], 60000);
	if (r && r != -EREMOTEIO)
		die("cannot ask: %s", strerror(-r));
	printf("%d %s\n", a->status, a->body ? a->body : "");
	return 0;
}
