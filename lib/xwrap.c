/* xwrap.c - calls that succeed or end the process; see xwrap.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <ctype.h>
#include <signal.h>
#include <stdarg.h>

#include "bng.h"

void *
xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		die("out of memory");
	return p;
}

void *
xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		die("out of memory");
	return p;
}

void *
xrealloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p)
		die("out of memory");
	return p;
}

char *
xstrdup(const char *s)
{
	char *p = strdup(s);

	if (!p)
		die("out of memory");
	return p;
}

char *
xasprintf(const char *fmt, ...)
{
	char *p;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&p, fmt, ap) < 0)
		die("out of memory");
	va_end(ap);
	return p;
}

int
xopen(const char *path, int flags, mode_t mode)
{
	int fd = open(path, flags | O_CLOEXEC, mode);

	if (fd < 0)
		die_sys("cannot open '%s'", path);
	return fd;
}

void
xwrite(int fd, const void *buf, size_t len, const char *what)
{
	int r = write_all(fd, buf, len);

	if (r < 0) {
		errno = -r;
		if (fd == STDOUT_FILENO)
			die_stdout();
		die_sys("cannot write '%s'", what);
	}
}

int64_t
xnum(const char *text, int64_t min, int64_t max, const char *what)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (!isdigit((unsigned char)text[*text == '-']) || *end)
		die_usage("%s '%s' is not a number", what, text);
	if (errno || n < min || n > max)
		die_usage("%s '%s' is not between %lld and %lld", what, text,
		    (long long)min, (long long)max);
	return n;
}

int
xsignal(const char *text)
{
	if (isdigit((unsigned char)text[0]))
		return (int)xnum(text, 1, NSIG - 1, "signal");
	if (!strncasecmp(text, "SIG", 3))
		text += 3;
	for (int sig = 1; sig < NSIG; sig++)
		if (sigabbrev_np(sig) && !strcasecmp(sigabbrev_np(sig), text))
			return sig;
	die_usage("bad signal '%s'", text);
}

int64_t
xsize(const char *text, int64_t unit, const char *what)
{
	static const char powers[] = "KMGT";
	const char *p;
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (!isdigit((unsigned char)*text) || errno)
		die_usage("%s '%s' is not a size such as 512M or 8G", what,
		    text);
	if (*end == 'B' && !end[1]) {
		unit = 1;
	} else if (*end) {
		p = strchr(powers, *end);
		if (!p || (end[1] && strcmp(end + 1, "iB") &&
		    strcmp(end + 1, "B")))
			die_usage("%s '%s' is not a size such as 512M or 8G",
			    what, text);
		unit = INT64_C(1) << (10 * (p - powers + 1));
	}
	if (n > INT64_MAX / unit)
		die_usage("%s '%s' is too large", what, text);
	return n * unit;
}

char *
xkey_value(char *arg)
{
	char *eq = strchr(arg, '=');

	if (!eq)
		die_usage("'%s' is not of the form KEY=VALUE", arg);
	*eq = '\0';
	return eq + 1;
}

void
xflush(void)
{
	if (fflush(stdout) || ferror(stdout))
		die_stdout();
}
