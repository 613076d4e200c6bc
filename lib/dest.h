/* dest.h - where a copy goes, as cp(1) decides it */
#ifndef BNG_DEST_H
#define BNG_DEST_H

#include <stdbool.h>
#include <stddef.h>

struct dest {
	int dir;		/* O_PATH: what names are relative to */
	char name[256];		/* of a single file in it, else "" */
	bool made;		/* dir was made for this */
};

/*
 * A source called `name` ("": the content of a directory) is copied to path:
 * into it if that is a directory, else it gets that name. 0, or -1 and why: a
 * sentence of at most size bytes.
 */
int dest_find(struct dest *d, const char *path, const char *name,
    bool is_dir, char *why, size_t size);

#endif
