/* tarwrite.h - write a tar stream, member by member
 *
 * pax: a header of its own before a member whose name, size, owner or time
 * does not fit into ustar's, times being exact to the nanosecond. Who reads
 * no more ends the process: `failed` says why, or there is nobody to tell.
 *
 * Nearly every time has a fraction, so nearly every file that header of its
 * own, which is two blocks. A `brief` stream has the fraction in the last
 * twelve bytes of ustar's header, that are zeros else: "ns" and ten octal
 * digits. tar.h reads them; to another tar the times are whole seconds.
 */
#ifndef BNG_TARWRITE_H
#define BNG_TARWRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "tar.h"

enum { TARWRITE_PAX = 65536 };

struct tar_out {
	int fd;
	bool ours_is_root;	/* files of this user are written as root's */
	bool brief;		/* it is for tar.h */
	bool plain;		/* no attributes go along */
	void (*failed)(int error);	/* never returns; or NULL: exit 1 */

	/* private */
	uint8_t buf[TAR_BUF];
	size_t len;
	char pax[TARWRITE_PAX];
	size_t pax_len;
};

struct tar_member {
	const char *path;
	const char *link;	/* what it is a link to, or "" */
	char type;
	const struct stat *st;
	uint64_t size;		/* of what will follow */
	bool sparse;		/* what follows is a map, and the pieces */
	int fd;			/* whose attributes go along, or -1 */
	const struct tar_xattr *xattrs;	/* or these */
	size_t n_xattrs;
};

/* The headers; its content is for tarwrite_put, then tarwrite_pad. */
void tarwrite_member(struct tar_out *o, const struct tar_member *m);

void tarwrite_put(struct tar_out *o, const void *p, size_t n);

/* Room for n bytes, at most TAR_BUF; then say how many were filled. */
uint8_t *tarwrite_room(struct tar_out *o, size_t n);
void tarwrite_took(struct tar_out *o, size_t n);

/* All that waits to be written, for who writes it himself; nothing is left. */
const uint8_t *tarwrite_take(struct tar_out *o, size_t *ret_n);

/* Fill up to a whole block after size bytes. */
void tarwrite_pad(struct tar_out *o, uint64_t size);

/* The end of the stream. */
void tarwrite_end(struct tar_out *o);

#endif
