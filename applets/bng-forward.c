/* bng-forward - make ports of a machine ports of this host
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: bng-forward VM [ADDRESS:]HOSTPORT:GUESTPORT ...
 *
 * Listens on HOSTPORT of ADDRESS (127.0.0.1; an IPv6 one in brackets), 0
 * being any that is free, and connects who comes to GUESTPORT on the machine's
 * loopback, through its agent: neither a route nor a right is needed. Prints
 * "ADDRESS:HOSTPORT<TAB>GUESTPORT" for each once all listen, and goes on until
 * the machine ends or it is killed.
 *
 * exit: 1 not running, or it has ended; 100 wrong usage; 111 failed (an
 *       address is taken, say)
 */
#include <sys/socket.h>

#include "ask.h"
#include "bng.h"
#include "dirs.h"
#include "flood.h"
#include "forward/forward.h"
#include "forwards.h"

static struct watch life;	/* a connection that ends with the machine */
static char *record;		/* of what is forwarded, for who asks */

/*
 * The machine's end ends us. A restore, too, ends its connections; who can
 * connect again then lives.
 */

static void on_life(struct watch *w, uint32_t events);

static bool
live(void)
{
	life.ready = on_life;
	life.fd = sock_connect_at(ask_dir, "agent.sock");
	return life.fd >= 0 &&
	    send(life.fd, "CONNECT 1\n", 10, MSG_NOSIGNAL) == 10 &&
	    !loop_add(&life, EPOLLIN);
}

static void
on_life(struct watch *w, uint32_t events)
{
	static struct flood often;
	char ok[64];

	(void)events;
	if (recv(w->fd, ok, sizeof(ok), MSG_DONTWAIT) > 0)
		return;
	loop_del(w);
	if (flood(&often, 3, 2) || !live())
		die_status(EXIT_NO, "%s", ask_lost_why());
}

static void
listens(const char *address, uint16_t host, uint16_t guest)
{
	forwards_add(record, address, host, guest);
	printf("%s:%d\t%d\n", address, host, guest);
}

static int
forward_main(int argc, char *argv[])
{
	const char *vm;
	int opt;

	opterr = 0;
	opt = getopt(argc, argv, "+h");
	if (opt == 'h')
		usage_help();
	if (opt != -1)
		die_usage("unknown option");
	if (argc - optind < 2 || argc - optind - 1 > LISTENERS)
		die_usage("a machine and 1 to %d ports are expected",
		    LISTENERS);
	vm = argv[optind];
	for (int i = optind + 1; i < argc; i++)
		listeners_add(argv[i]);
	close(ask_connect(vm, AGENT_WAITING, EXIT_NO));
	if (loop_init() || !live())
		die("cannot reach machine '%s'", vm);
	conns_init(vm);
	silence_init(ask_name(vm));
	record = forwards_begin(ask_dir);
	listeners_start(listens);
	xflush();
	while (!loop_turn())
		;
	die_sys("cannot wait");
}

APPLET(forward, PLAIN);
