/* agent - banger's part inside a machine
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: agent			as /init: boot, configure, serve
 *        agent -m FD		on a host: serve the link layer on a socket
 *        agent -s FD		on a host: serve one connection on a socket
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot.h"
#include "link.h"
#include "ops.h"

int
main(int argc, char *argv[])
{
	int fd;

	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && (!strcmp(argv[1], "-m") || !strcmp(argv[1], "-s"))) {
		ops_harmless = true;
		fd = (int)strtol(argv[2], NULL, 10);
		return argv[1][1] == 'm' ? link_mux(fd, false) :
		    link_plain(fd);
	}
	if (getpid() == 1)
		boot();
	fprintf(stderr, "usage: agent -m|-s FD\n");
	return 100;
}
