/* account.h - who a command runs as, by the image's own files
 *
 * A libc would ask what nsswitch.conf names; here that is /etc/passwd and
 * /etc/group, read in bounds. An image without them still has root and numbers.
 */
#ifndef AGENT_ACCOUNT_H
#define AGENT_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { ACCOUNT_SPEC = 256, ACCOUNT_GROUPS = 256 };

struct account {
	uid_t uid;
	gid_t gid, groups[ACCOUNT_GROUPS];	/* gid is not among groups */
	size_t n_groups;
	char name[ACCOUNT_SPEC], home[4096], shell[4096];
};

/*
 * Whom USER, UID, USER:GROUP or such means; "" is root. False: why is a
 * sentence.
 */
bool account_find(const char *spec, struct account *ret, char *why,
    size_t size);

/* Become them for good; false: errno. */
bool account_become(const struct account *a);

#endif
