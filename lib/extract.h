/* extract.h - extract a tar stream into a directory
 *
 *	struct extract x = { .path = "/srv", .t = &t };
 *	if (extract_run(&x))
 *		complain("cannot extract %s", x.why);
 *
 * 1. Names are resolved beneath the directory by the kernel (openat2): neither
 *    "..", nor an absolute name, nor a symlink in the stream or from before
 *    leads out, for links as for files.
 * 2. A file that is there is replaced by rename when the new one is whole. A
 *    new one that fails is removed.
 * 3. The first failure ends it; what was extracted before stays.
 */
#ifndef BNG_EXTRACT_H
#define BNG_EXTRACT_H

#include <stdbool.h>

#include "tar.h"

enum { EXTRACT_WHY = 512 };

struct extract {
	const char *path;	/* a directory; */
	/*
	 * or, when this is set, what `cp -a AS PATH` would make of the stream,
	 * which is one file, or the content of a directory: "" is its content
	 * without it ("cp -a DIR/. PATH").
	 */
	const char *as;
	/*
	 * The stream is a stranger's: no devices, no set-id bits of files, no
	 * attributes but the user's. Its root's files become ours, and no name
	 * is there before its file is whole, even if we are killed.
	 */
	bool guarded;
	uint64_t max_bytes;	/* of the stream's content; 0: any */
	uint64_t max_members;
	struct tar_in *t;

	char why[EXTRACT_WHY];	/* "'a/b': Permission denied" */
};

/* 0; -1: why says more; -2: the stream itself was bad, t->error says how. */
int extract_run(struct extract *x);

#endif
