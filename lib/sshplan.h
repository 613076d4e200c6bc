/* sshplan.h - how an image without sshd gets one, by its own package manager
 *
 * What a distribution is, its os-release(5) says: ID, or else the first of
 * ID_LIKE that is known. Both sides use it: the agent to do it, the host to
 * show it.
 */
#ifndef BNG_SSHPLAN_H
#define BNG_SSHPLAN_H

#include <stddef.h>

struct sshplan {
	const char *family;	/* "debian" */
	const char *ids;	/* "debian ubuntu": those that are of it */
	const char *manager;	/* "apt-get", for people */
	const char *install;	/* for sh, as root */
};

enum { SSHPLAN_ID = 64, OS_RELEASE_MAX = 64 << 10 };

/* What comes after it in any family: an account to log in to, and starting. */
extern const char sshplan_before[], sshplan_after[];

/*
 * The plan for the text of an os-release, or NULL. What it calls itself is in
 * id then: "" when it does not say.
 */
const struct sshplan *sshplan_find(const char *os_release, char id[SSHPLAN_ID]);

#endif
