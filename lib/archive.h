/* archive.h - a file, or a tree, as a tar stream
 *
 *	static struct archive a;	(large: not initialised, not on a stack)
 *	a.out.fd = 1;
 *	a.complain = complain_of;
 *	status = archive_tree(&a, "/srv", true);
 *
 * Hard links stay such, holes stay holes. What cannot be read is complained
 * of and left out; what changes meanwhile is cut or filled with zeros to the
 * size that was announced.
 */
#ifndef BNG_ARCHIVE_H
#define BNG_ARCHIVE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "tarwrite.h"

enum { ARCHIVE_LINKS = 65536 };	/* hard links that are recognised */

/* Names of files that have more than one. */
struct archive_link {
	dev_t dev;
	ino_t ino;
	char *path;
};

struct archive {
	struct tar_out out;
	/* One name (a single line), and what errno says of it. */
	void (*complain)(const char *path);
	int status;		/* 1 when it was called */

	/* private */
	char path[TAR_NAME];
	struct archive_link links[ARCHIVE_LINKS]; /* free until used */
};

/*
 * The content of a directory, its members beginning with "./"; or a file,
 * whose member has its last name. With `follow` a link to a directory is
 * that. Returns status.
 */
int archive_tree(struct archive *a, const char *path, bool follow);

/*
 * What is in the directory dir under names that are read from `names`, each
 * ended by a NUL, as git has it: root's, without attributes; a name is a file
 * of its own, also when it is a hard link; a directory comes without what is
 * in it. Returns status; or -errno if the names cannot be read, or memory
 * ends.
 */
int archive_names(struct archive *a, int dir, FILE *names);

#endif
