/* fcfind.h - which Firecracker there is, and what its version knows
 *
 * $BANGER_FIRECRACKER, else the one that banger keeps for its person, else
 * the first in PATH. Its request parsers refuse every field that they do not
 * know, so nothing is sent to a version that is older than the field.
 */
#ifndef BNG_FCFIND_H
#define BNG_FCFIND_H

#include <stdbool.h>

enum { FC_WHY = 512, FC_VERSION = 32 };

struct fcfind {
	char *path;
	char version[FC_VERSION];	/* "1.12.1" */
	int number;			/* 1012001, to compare */
};

enum fc_trait {
	FC_ADDS_PCI_OFF,	/* to the kernel's command line, by itself */
	FC_HAS_ACPI,		/* which kernels find their devices by */
	FC_REPORTING,		/* balloon: free_page_reporting */
	FC_DEAF_AFTER_PAUSE,	/* a bare pause and resume ends the vsock */
	FC_UNTRIED,		/* newer than what was tried */
};

/* False, and why: there is none, it is too old, or does not say. */
bool fc_find(struct fcfind *f, char why[FC_WHY]);

bool fc_is(const struct fcfind *f, enum fc_trait trait);

/* The same of a version that was written down. */
bool fc_version_is(const char *version, enum fc_trait trait);

#endif
