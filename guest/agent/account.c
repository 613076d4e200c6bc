/* account.c - who a command runs as; see account.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <ctype.h>
#include <fcntl.h>
#include <grp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "account.h"
#include "clean.h"
#include "file.h"

enum {
	FILE_MAX = 1 << 20,
	PASSWD_FIELDS = 7,	/* name:x:uid:gid:comment:home:shell */
	GROUP_FIELDS = 4,	/* name:x:gid:member,member */
};

/* A number that can be somebody's: -1 means nobody to the kernel. */
static bool
number(const char *text, unsigned int *ret_n)
{
	unsigned long long n = 0;
	const char *p;

	for (p = text; isdigit((unsigned char)*p) && n < UINT32_MAX; p++)
		n = n * 10 + (unsigned int)(*p - '0');
	if (p == text || *p || n >= UINT32_MAX)
		return false;
	*ret_n = (unsigned int)n;
	return true;
}

/* The next line of *at, cut into n fields; false at the end. */
static bool
next_entry(char **at, char *field[], int n)
{
	char *line;

	while ((line = strsep(at, "\n"))) {
		int i = 0;

		while (i < n && (field[i] = strsep(&line, ":")))
			i++;
		if (i == n)
			return true;
	}
	return false;
}

/* The text of a file of the image; "" when there is none. */
static char *
slurp(const char *path)
{
	char *text;

	if (file_slurp(AT_FDCWD, path, FILE_MAX, &text, NULL))
		return strdup("");
	return text;
}

/* Whether a field is this number, written in any way. */
static bool
is_number(const char *field, unsigned int id)
{
	unsigned int n;

	return number(field, &n) && n == id;
}

/* The entry of a name (else NULL) or of a number; what it says goes into a. */
static bool
find_user(const char *name, uid_t uid, struct account *a)
{
	autofree char *text = slurp("/etc/passwd");
	char *at = text, *f[PASSWD_FIELDS];

	while (next_entry(&at, f, PASSWD_FIELDS)) {
		if ((name ? !!strcmp(f[0], name) : !is_number(f[2], uid)) ||
		    !number(f[2], &a->uid) || !number(f[3], &a->gid))
			continue;
		snprintf(a->name, sizeof(a->name), "%s", f[0]);
		snprintf(a->home, sizeof(a->home), "%s", f[5]);
		snprintf(a->shell, sizeof(a->shell), "%s", f[6]);
		return true;
	}
	return false;
}

/* The group of a name. */
static bool
find_group(const char *name, gid_t *ret_gid)
{
	autofree char *text = slurp("/etc/group");
	char *at = text, *f[GROUP_FIELDS];

	while (next_entry(&at, f, GROUP_FIELDS))
		if (!strcmp(f[0], name) && number(f[2], ret_gid))
			return true;
	return false;
}

static bool
is_member(char *members, const char *name)
{
	char *one;

	while ((one = strsep(&members, ",")))
		if (!strcmp(one, name))
			return true;
	return false;
}

/* The groups that name a->name as a member. */
static void
find_groups(struct account *a)
{
	autofree char *text = slurp("/etc/group");
	char *at = text, *f[GROUP_FIELDS];
	gid_t gid;

	while (a->n_groups < ACCOUNT_GROUPS &&
	    next_entry(&at, f, GROUP_FIELDS))
		if (number(f[2], &gid) && gid != a->gid &&
		    is_member(f[3], a->name))
			a->groups[a->n_groups++] = gid;
}

/* A name goes before a number that looks the same, as containers have it. */
static bool
take_user(const char *user, struct account *a)
{
	if (!*user)
		user = "root";
	if (find_user(user, 0, a))
		return true;
	if (!strcmp(user, "root"))
		a->uid = 0;
	else if (!number(user, &a->uid))
		return false;
	if (!find_user(NULL, a->uid, a))
		snprintf(a->name, sizeof(a->name), "%s", user);
	return true;
}

bool
account_find(const char *spec, struct account *ret, char *why, size_t size)
{
	char user[ACCOUNT_SPEC], *group;
	struct account a = { .gid = 0 };

	snprintf(user, sizeof(user), "%s", spec);
	group = strchr(user, ':');
	if (group)
		*group++ = '\0';
	if (!take_user(user, &a)) {
		snprintf(why, size, "there is no user '%s' in the machine",
		    user);
		return false;
	}
	if (!group) {
		find_groups(&a);
	} else if (!find_group(group, &a.gid) && !number(group, &a.gid)) {
		snprintf(why, size, "there is no group '%s' in the machine",
		    group);
		return false;
	}
	if (!*a.home)
		snprintf(a.home, sizeof(a.home), "%s", a.uid ? "/" : "/root");
	if (!*a.shell)
		snprintf(a.shell, sizeof(a.shell), "/bin/sh");
	*ret = a;
	return true;
}

bool
account_become(const struct account *a)
{
	int sig = 0;

	/* Of another user, the kernel forgets what his parent's end does. */
	prctl(PR_GET_PDEATHSIG, &sig);
	return !setgroups(a->n_groups, a->groups) && !setgid(a->gid) &&
	    !setuid(a->uid) && !prctl(PR_SET_PDEATHSIG, sig);
}
