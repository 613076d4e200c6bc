/* fcbody - what bng-fc asks of Firecracker to go on from a snapshot, for tests
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: fcbody FD	the snapshot's directory is that descriptor's
 */
#include "bng.h"
#include "fcsnap.h"

const struct applet *self;

int
main(int argc, char *argv[])
{
	char body[256];

	if (argc != 2)
		die("usage: fcbody FD");
	fcsnap_load((int)xnum(argv[1], 3, 1000, "descriptor"), body,
	    sizeof(body));
	puts(body);
	return 0;
}
