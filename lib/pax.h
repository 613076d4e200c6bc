/* pax.h - the extended headers of a tar stream
 *
 * Records "LEN key=value\n". What is known is kept for the member that comes
 * next: path, linkpath, size, mtime, atime, uid, gid, SCHILY.xattr.*,
 * SCHILY.acl.*, RHT.security.selinux, and GNU.sparse.* (what of it is not
 * known is refused, for the content would be taken for what it is not). The
 * rest is passed over.
 */
#ifndef BNG_PAX_H
#define BNG_PAX_H

#include "tar.h"

/* What came before the header it belongs to. */
struct pax {
	bool has_path, has_link, has_size, has_mtime, has_uid, has_gid;
	bool has_atime, sparse, has_sparse_path;
	bool sparse_v1;		/* its map is before the content */
	const char *sparse_map;	/* or this, "from,len,from,len" */
	char *map_at, *map_end;	/* private: of such a map as it grows */
	char path[TAR_NAME], link[TAR_NAME];
	struct tar_entry v;	/* the values of the others */
};

/*
 * All records of one header, which is cut into strings: the values of
 * attributes point into it. False: it is malformed, or not understood.
 */
bool pax_parse(struct pax *x, char *text, size_t size);

#endif
