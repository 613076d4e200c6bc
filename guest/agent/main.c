/* agent - banger's part inside a machine
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: agent			as /init: boot, configure, serve
 *        agent -m FD		on a host: serve the link layer on a socket
 *        agent -s FD		on a host: serve one connection on a socket
 *
 * On a host, AGENT_IMAGE is what `configure` would say of the image.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot.h"
#include "image.h"
#include "json.h"
#include "link.h"
#include "ops.h"

int
main(int argc, char *argv[])
{
	const char *image;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && (!strcmp(argv[1], "-m") || !strcmp(argv[1], "-s"))) {
		ops_harmless = true;
		image = getenv("AGENT_IMAGE");
		if (image && (!json_ok(image, strlen(image)) ||
		    !image_set(image)))
			return 100;
		fd = (int)strtol(argv[2], NULL, 10);
		return argv[1][1] == 'm' ? link_mux(fd, false) :
		    link_plain(fd);
	}
	if (getpid() == 1)
		boot();
	fprintf(stderr, "usage: agent -m|-s FD\n");
	return 100;
}
