/* listing.c - see listing.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "listing.h"

struct list_how
listing_options(int argc, char *argv[], const char *allowed)
{
	struct list_how how = { 0 };
	int c;

	while ((c = getopt(argc, argv, allowed)) != -1)
		if (c == 'j')
			how.json = true;
		else if (c == 'q')
			how.quiet = true;
		else if (c == 'r')
			how.running = true;
		else
			die_usage("%s: unknown option", argv[0]);
	how.json &= !how.quiet;
	how.names = argv + optind;
	how.count = argc - optind;
	return how;
}

int
listing_run(struct listing *l)
{
	const struct list_how *how = l->how;
	struct names n = { 0 };
	int status = EXIT_YES;

	if (how->count)
		n = (struct names){ how->names, (size_t)how->count, 0 };
	else
		l->every(&n, l->ctx);
	table_init(&l->table, l->heads);
	if (how->json)
		json_open(&l->json, NULL, '[');
	for (size_t i = 0; i < n.count; i++) {
		/* What nobody named and is none is no news. */
		if (l->one(l, n.name[i]) || !how->count)
			continue;
		warn("there is no %s '%s'", l->noun, n.name[i]);
		status = EXIT_NO;
	}
	if (how->json)
		json_close(&l->json, ']');
	else if (!how->quiet)
		table_print(&l->table);
	return status;
}
