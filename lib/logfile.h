/* logfile.h - a log that cannot fill the disk
 *
 * Whatever is added is appended; when the file reaches LOGFILE_MAX bytes, its
 * newer half replaces it (by rename: a reader never sees it torn), from the
 * start of a line on.
 */
#ifndef BNG_LOGFILE_H
#define BNG_LOGFILE_H

#include <sys/types.h>

enum { LOGFILE_MAX = 4 << 20 };

struct logfile {
	int dir;		/* not its own */
	const char *name;	/* not its own */
	int fd;
	off_t size;
	off_t mark;		/* see logfile_mark */
};

/* Open for appending, mode 0600. 0 or -errno. */
int logfile_open(struct logfile *l, int dir, const char *name);

/* A disk that is full loses the text, no more than that. 0 or -errno. */
int logfile_add(struct logfile *l, const void *buf, size_t len);

/* What comes from here on is what logfile_tail looks at. */
void logfile_mark(struct logfile *l);

/* The last size - 1 bytes since the mark, NUL-terminated. Their number. */
size_t logfile_tail(const struct logfile *l, char *buf, size_t size);

#endif
