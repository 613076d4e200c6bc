/* outfile.h - a file that gets its name when it is whole
 *
 *	if (outfile_open(&o, dir, "x", 0644, true)) ...
 *	write to o.fd
 *	outfile_done(&o) or outfile_drop(&o)
 *
 * What was there under that name stays until then. All return 0, or -1 with
 * errno.
 */
#ifndef BNG_OUTFILE_H
#define BNG_OUTFILE_H

#include <stdbool.h>
#include <sys/types.h>

struct outfile {
	int fd, dir;
	const char *name;	/* the caller's, until it is over */
	char temp[32];		/* where it is meanwhile; "": under its name */
	bool nameless;
	bool later;		/* to be set: closed by outfile_close */
};

/*
 * Unless `strict`, a file whose name is free is made under it at once, which
 * costs less; one that does not get whole is removed by outfile_drop alone.
 */
int outfile_open(struct outfile *o, int dir, const char *name, mode_t mode,
    bool strict);

int outfile_done(struct outfile *o);

void outfile_drop(struct outfile *o);

/* Close those that are done and were to be closed later, 64 at most. */
void outfile_close(void);

/* What is in the way goes, unless it is a directory with something in it. */
bool outfile_clear(int dir, const char *name);

#endif
