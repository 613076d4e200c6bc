/* filesync.h - [[file_sync]]: a person's files, copied into new machines
 *
 *	[[file_sync]]
 *	host = "~/.aws"		below the home directory, by ~/ or absolute
 *	guest = "~/.aws"	below /root, by ~/ or /root/
 *	mode = "0600"		of a file; what is in a directory keeps its own
 *
 * What is read is what was meant, whatever links are changed meanwhile: the
 * path is resolved once, has to be inside the home directory, and is then
 * walked without following any link. A link that the host path itself goes
 * through is thus followed as long as it stays inside; one that is met in a
 * directory is left out.
 */
#ifndef BNG_FILESYNC_H
#define BNG_FILESYNC_H

#include <stdbool.h>
#include <stddef.h>

#include "toml.h"

enum { FILESYNC_WHY = 512, FILESYNC_MOST = 256 };

struct filesync {
	size_t count;
	struct filesync_entry {
		char *host;		/* as it was written */
		char *guest;		/* below /root, tidy */
		char *guest_written;
		unsigned mode;
		const char *file;
		unsigned line;
	} *entry;
};

/*
 * One more entry, from its table. False when it is wrong: the line and why,
 * a clause that names what is allowed. The file's name has to stay.
 */
bool filesync_take(struct filesync *s, const struct toml *table,
    const char *file, unsigned *ret_line, char why[FILESYNC_WHY]);

/*
 * Write all of it to a descriptor as a tar stream in which sync/ stands for
 * /root and everything is root's. What is not there, or is left out, is a
 * warning; what cannot be read, or leads out of the home directory, ends the
 * process.
 */
void xfilesync_send(const struct filesync *s, int fd);

#endif
