/* fcfind.c - which Firecracker there is; see fcfind.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "fcfind.h"
#include "says.h"
#include "spawn.h"

#define NUMBER(major, minor, patch) \
	((major) * 1000000 + (minor) * 1000 + (patch))

enum { OLDEST = NUMBER(1, 5, 0) };

/* From the first version that has it until the first that has not. */
static const struct {
	enum fc_trait trait;
	int from, until;
} traits[] = {
	{ FC_ADDS_PCI_OFF, NUMBER(1, 13, 0), NUMBER(999, 0, 0) },
	{ FC_HAS_ACPI, NUMBER(1, 8, 0), NUMBER(999, 0, 0) },
	{ FC_REPORTING, NUMBER(1, 14, 0), NUMBER(999, 0, 0) },
	{ FC_DEAF_AFTER_PAUSE, NUMBER(1, 16, 0), NUMBER(1, 17, 0) },
	{ FC_UNTRIED, NUMBER(1, 15, 0), NUMBER(999, 0, 0) },
};

static char *
path_of(void)
{
	const char *named = getenv("BANGER_FIRECRACKER");
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	char *path;

	if (named && *named)
		return xstrdup(named);
	if (data && data[0] == '/')
		path = xasprintf("%s/banger/bin/firecracker", data);
	else
		path = xasprintf("%s/.local/share/banger/bin/firecracker",
		    home ? home : "");
	if (!access(path, X_OK))
		return path;
	free(path);
	return spawn_find("firecracker");
}

/* "1.12.1", or "1.17.0-dev"; -1 for anything else. */
static int
number_of(const char *version)
{
	int major, minor, patch, end = 0;

	if (sscanf(version, "%3d.%3d.%3d%n", &major, &minor, &patch, &end) != 3
	    || !end || major < 0 || minor < 0 || patch < 0)
		return -1;
	return NUMBER(major, minor, patch);
}

bool
fc_find(struct fcfind *f, char why[FC_WHY])
{
	static const char says[] = "Firecracker v";
	char line[128] = "";
	int r;

	f->path = path_of();
	if (!f->path || access(f->path, X_OK)) {
		snprintf(why, FC_WHY, f->path ? "cannot run '%s': %s" :
		    "Firecracker is not installed", f->path,
		    strerror(errno));
		return false;
	}
	r = says_version(f->path, line, sizeof(line));
	if (r || strncmp(line, says, strlen(says))) {
		snprintf(why, FC_WHY, "'%s' does not say that it is a "
		    "Firecracker", f->path);
		return false;
	}
	snprintf(f->version, FC_VERSION, "%.*s", FC_VERSION - 1,
	    line + strlen(says));
	msg_clean(f->version);
	f->number = number_of(f->version);
	if (f->number >= OLDEST)
		return true;
	snprintf(why, FC_WHY, f->number < 0 ? "the version of Firecracker, "
	    "'%s', is not understood" : "Firecracker %s is too old: 1.5.0 is "
	    "needed", f->version);
	return false;
}

static bool
number_is(int number, enum fc_trait trait)
{
	for (size_t i = 0; i < ARRAY_SIZE(traits); i++)
		if (traits[i].trait == trait && number >= traits[i].from &&
		    number < traits[i].until)
			return true;
	return false;
}

bool
fc_is(const struct fcfind *f, enum fc_trait trait)
{
	return number_is(f->number, trait);
}

bool
fc_version_is(const char *version, enum fc_trait trait)
{
	return number_is(number_of(version), trait);
}
