/* bng-look - what machines use, and what listens in them
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: bng-look stats [-j] [NAME ...]
 *        bng-look ports [-j] NAME
 *
 * stats  what machines (by default all) cost this host, and what they use of
 *        what they have; of one that does not run, its disks
 * ports  what listens in a machine: protocol, address, port, process, and
 *        whether it speaks HTTP
 *
 *   -j  JSON
 *
 * What a machine says of itself is waited for two seconds; percentages of CPU
 * are since its start, 100 being one processor of this host.
 *
 * exit: 0 done, 1 no (there is no such machine, it does not run), 100 wrong
 *       usage, 111 failed
 */
#include "bng.h"
#include "look/look.h"

/* -j alone. */
static bool
wants_json(int argc, char *argv[])
{
	bool json = false;
	int opt;

	while ((opt = getopt(argc, argv, "j")) != -1)
		if (opt == 'j')
			json = true;
		else
			die_usage("unknown option");
	return json;
}

static int
verb_stats(int argc, char *argv[])
{
	bool json = wants_json(argc, argv);

	return look_stats(argv + optind, (size_t)(argc - optind), json);
}

static int
verb_ports(int argc, char *argv[])
{
	bool json = wants_json(argc, argv);

	if (argc - optind != 1)
		die_usage("one machine is expected");
	return look_ports(argv[optind], json);
}

static int
look_main(int argc, char *argv[])
{
	static const struct verb verbs[] = {
		{ "stats", verb_stats }, { "ports", verb_ports },
		{ NULL, NULL },
	};

	opterr = 0;
	return verbs_run(verbs, argc, argv);
}

APPLET(look, PLAIN);
