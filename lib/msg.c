/* msg.c - messages for people; see msg.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>

#include "bng.h"
#include "utf8.h"

const char *msg_name = "bng";
int msg_failed = EXIT_FAILED;

void
msg_clean(char *text)
{
	(void)utf8_clean(text);
}

/* The hint of the front end, if the line is one that it is for; its length. */
static const char *
hint_for(const char *line, int *ret_len)
{
	const char *text = getenv("BNG_HINT"), *hint;

	while (text && *text) {
		size_t n = strcspn(text, "\n");

		if (!text[n])
			return NULL;
		hint = text + n + 1;
		*ret_len = (int)strcspn(hint, "\n");
		if (n && memmem(line, strlen(line), text, n))
			return hint;
		text = hint + *ret_len;
		text += *text == '\n';
	}
	return NULL;
}

/* One write, so that lines of parallel processes do not mix. */
static void
say(bool last, int err, const char *fmt, va_list ap)
{
	char line[1536];
	size_t n, cap = 1023;
	const char *hint;
	int len = 0;

	n = (size_t)snprintf(line, cap, "%s: ", msg_name);
	if (n < cap)
		n += (size_t)vsnprintf(line + n, cap - n, fmt, ap);
	if (err && n < cap)
		n += (size_t)snprintf(line + n, cap - n, ": %s", strerror(err));
	if (n >= cap)
		n = cap - 1;
	line[n] = '\0';
	msg_clean(line);
	n = strlen(line);
	line[n++] = '\n';
	line[n] = '\0';
	hint = last ? hint_for(line, &len) : NULL;
	if (hint && (size_t)len < sizeof(line) - n - 1)
		n += (size_t)snprintf(line + n, sizeof(line) - n, "%.*s\n",
		    len, hint);
	if (write(STDERR_FILENO, line, n) < 0)
		return; /* nobody to tell */
}

void
warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(false, 0, fmt, ap);
	va_end(ap);
}

void
warn_sys(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	va_start(ap, fmt);
	say(false, err, fmt, ap);
	va_end(ap);
	errno = err;
}

void
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(true, 0, fmt, ap);
	va_end(ap);
	exit(msg_failed);
}

void
die_sys(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	va_start(ap, fmt);
	say(true, err, fmt, ap);
	va_end(ap);
	exit(msg_failed);
}

void
die_cannot(int r, const char *what, const char *subject)
{
	errno = -r;
	die_sys("cannot %s '%s'", what, subject);
}

void
die_stdout(void)
{
	die_sys("cannot write to standard output");
}

void
die_status(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(true, 0, fmt, ap);
	va_end(ap);
	exit(status == EXIT_NO && msg_failed != EXIT_FAILED ? msg_failed :
	    status);
}

/* The verb that runs, so that a mistake shows its usage and no other's. */
static const char *verb_name;

/* Whether a usage line begins "NAME VERB"; 1 yes, 0 no, -1 it goes on. */
static int
of_verb(const char *line)
{
	size_t n = strlen(self->name), v = strlen(verb_name);

	if (strncmp(line, self->name, n) || line[n] != ' ')
		return -1;
	line += n + 1;
	return !strncmp(line, verb_name, v) && strchr(" \n", line[v]);
}

/* The SYNOPSIS, up to the empty line; of the verb alone when one runs. */
static void
print_usage(void)
{
	const char *line = self->usage;
	size_t prefix = strlen("usage: ");
	int on = 0, is, any = 0;

	while (*line && *line != '\n') {
		size_t len = strcspn(line, "\n") + 1;

		if (len <= prefix)
			return;
		is = verb_name ? of_verb(line + prefix) : 1;
		on = is < 0 ? on : is;
		if (on)
			fprintf(stderr, "%s%.*s", any++ ? "       " : "usage: ",
			    (int)(len - prefix), line + prefix);
		line += len;
	}
}

void
die_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(true, 0, fmt, ap);
	va_end(ap);
	print_usage();
	exit(EXIT_USAGE);
}

void
usage_help(void)
{
	printf("%s", self->usage);
	xflush();
	exit(EXIT_YES);
}

int
verbs_run(const struct verb *verbs, int argc, char *argv[])
{
	if (argc < 2)
		die_usage("a verb is missing");
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))
		usage_help();
	for (const struct verb *v = verbs; v->name; v++)
		if (!strcmp(v->name, argv[1])) {
			verb_name = v->name;
			return v->main(argc - 1, argv + 1);
		}
	die_usage("unknown verb '%s'", argv[1]);
}
