/* output.c - files that appear whole, and two kinds of last words
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>

#include "disk.h"

void
bad_option(int c)
{
	if (c == ':')
		die_usage("option -%c needs a value", optopt);
	die_usage("unknown option -%c", optopt);
}

void
die_ext(errcode_t err, const char *fmt, ...)
{
	autofree char *text = NULL;
	va_list ap;

	initialize_ext2_error_table();
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		die("out of memory");
	va_end(ap);
	die("%s: %s", text, error_message(err));
}

/* Whose fault it is, for die_member. */
static const char *member = "", *layer = "";

void
member_is(const char *name)
{
	member = name;
}

void
layer_is(const char *text)
{
	layer = text;
}

void
die_member(const char *fmt, ...)
{
	autofree char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		die("out of memory");
	va_end(ap);
	if (*member)
		die("cannot import '%.300s'%s: %s", member, layer, text);
	die("cannot import the tar stream%s: %s", layer, text);
}

void
die_member_ext(errcode_t err, const char *what)
{
	initialize_ext2_error_table();
	die_member("%s%s", what, error_message(err));
}

void
output_put(const struct output *o, const void *buf, size_t n, uint64_t at)
{
	int r = pwrite_all(o->fd, buf, n, (off_t)at);

	if (r)
		die("cannot write '%s': %s", o->path, strerror(-r));
}

void
output_open(struct output *o, const char *path, mode_t mode)
{
	const char *slash = strrchr(path, '/');
	int dir = slash ? (int)(slash - path) + 1 : 0;

	o->path = xstrdup(path);
	o->tmp = xasprintf("%.*s.%s.%ld", dir, path, path + dir,
	    (long)getpid());
	/* Before it is made: a signal may come between the two. */
	o->undo = undo_unlink(o->tmp);
	o->fd = open(o->tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC |
	    O_NOFOLLOW, mode);
	if (o->fd < 0)
		die_sys("cannot make '%s'", path);
}

void
output_commit(struct output *o)
{
	if (!o->brief && fdatasync(o->fd))
		die_sys("cannot write '%s'", o->path);
	if (rename(o->tmp, o->path))
		die_sys("cannot make '%s'", o->path);
	undo_forget(o->undo);
	close(o->fd);
	free(o->tmp);
	free(o->path);
}
