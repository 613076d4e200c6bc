/* snaplist.h - machines' snapshots as a table and as JSON, on stdout */
#ifndef BNG_SNAPLIST_H
#define BNG_SNAPLIST_H

#include "json.h"
#include "vmlist.h"

/*
 * Of the machines in how, or of all; the oldest first. Quiet: "MACHINE, tab,
 * SNAPSHOT", or the second alone when one machine is named. An exit status: 1
 * when a machine does not exist.
 */
int snaplist(const struct list_how *how);

/* Their names, of one machine: as text, or as an array under this key. */
char *snaplist_names(int vmfd);
void snaplist_json(struct json *j, int vmfd, const char *key);

#endif
