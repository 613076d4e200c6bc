/* ending.c - how a VMM's run ended; see ending.h
 *
 * SPDX-License-Identifier: MIT
 *
 * The console is the guest's to write: what is taken from it is a line of
 * text in a message, no more, except that a kernel's panic tells a reset that
 * is a crash from one that is a reboot.
 */
#include <signal.h>
#include <sys/wait.h>

#include "bng.h"
#include "ending.h"

enum { TAIL = 8192, LINE = 300 };

static const char panic[] = "Kernel panic - not syncing: ";

/* What follows the last `mark` of this run, to the end of its line, or "". */
static void
after(const struct logfile *l, const char *mark, char ret_line[LINE])
{
	char tail[TAIL];
	const char *hit = NULL;

	logfile_tail(l, tail, sizeof(tail));
	for (const char *p = tail; (p = strstr(p, mark)); )
		hit = p += strlen(mark);
	if (!hit)
		hit = "";
	snprintf(ret_line, LINE, "%.*s", (int)strcspn(hit, "\r\n"), hit);
}

bool
ending_panicked(const struct logfile *console)
{
	char line[LINE];

	after(console, panic, line);
	return line[0];
}

/*
 * "[    3.141592] reboot: System halted"; from Linux 6.10 on, one that was to
 * switch off and cannot says so, too.
 */
static bool
is_halt(const char *words)
{
	return !strcmp(words, "reboot: System halted") || !strcmp(words,
	    "reboot: Power off not available: System halted instead");
}

bool
ending_halted(const struct logfile *console)
{
	char tail[LINE], *line, *stamp;
	size_t n = logfile_tail(console, tail, sizeof(tail));

	while (n && (tail[n - 1] == '\n' || tail[n - 1] == '\r'))
		tail[--n] = '\0';
	line = strrchr(tail, '\n');
	line = line ? line + 1 : tail;
	stamp = line[0] == '[' ? strstr(line, "] ") : NULL;
	return is_halt(stamp ? stamp + 2 : line);
}

/* The VMM's last line, without its name in front. */
static void
last_line(const struct logfile *l, char ret_line[LINE])
{
	char tail[TAIL];
	const char *line, *colon;
	size_t n = logfile_tail(l, tail, sizeof(tail));

	while (n && (tail[n - 1] == '\n' || tail[n - 1] == '\r'))
		tail[--n] = '\0';
	line = strrchr(tail, '\n');
	line = line ? line + 1 : tail;
	colon = strstr(line, ": ");
	if (colon && !memchr(line, ' ', (size_t)(colon - line)))
		line = colon + 2;
	snprintf(ret_line, LINE, "%.*s", LINE - 1, line);
}

/* error = "what: why", or without ": why" when that is empty. */
static void
put(char error[ENDING_TEXT], const char *what, const char *why)
{
	snprintf(error, ENDING_TEXT, "%s%s%s", what, why[0] ? ": " : "", why);
	msg_clean(error);
}

static void
guest_ended(const struct ending *e, char *ret_exit, char *error)
{
	const char *verb = e->how == VMM_POWEROFF ? "powered itself off" :
	    "reset";
	char why[LINE], what[LINE];

	snprintf(ret_exit, ENDING_TEXT, "%s", e->wanted ? "stopped" :
	    e->how == VMM_POWEROFF ? "poweroff" : "reset");
	if (e->wanted || e->ready)
		return;
	after(e->console, "banger: ", why);
	snprintf(what, sizeof(what), "the guest %s before it was ready", verb);
	put(error, what, why);
}

static void
vmm_ended(const struct ending *e, char *ret_exit, char *error)
{
	char why[LINE], what[LINE];

	if (WIFSIGNALED(e->status)) {
		const char *sig = sigabbrev_np(WTERMSIG(e->status));

		snprintf(ret_exit, ENDING_TEXT, "killed %s", sig ? sig : "?");
		snprintf(what, sizeof(what), "%s was killed by SIG%s",
		    e->vmm, sig ? sig : "?");
		if (!e->wanted)
			put(error, what, "");
		return;
	}
	snprintf(ret_exit, ENDING_TEXT, "status %d", WEXITSTATUS(e->status));
	snprintf(what, sizeof(what), "%s ended with status %d", e->vmm,
	    WEXITSTATUS(e->status));
	why[0] = '\0';
	if (e->mark)
		after(e->log, e->mark, why);
	if (!why[0])
		last_line(e->log, why);
	put(error, what, why);
}

void
ending_tell(const struct ending *e, char ret_exit[ENDING_TEXT],
    char ret_error[ENDING_TEXT])
{
	char why[LINE];

	ret_error[0] = '\0';
	after(e->console, panic, why);
	if (e->killed_by_us || (e->how == VMM_QUIT && !e->status)) {
		snprintf(ret_exit, ENDING_TEXT, "stopped");
	} else if (e->how == VMM_PANIC || (e->how == VMM_RESET && why[0])) {
		snprintf(ret_exit, ENDING_TEXT, "panic");
		put(ret_error, "the guest's kernel panicked", why);
	} else if (e->how == VMM_POWEROFF || e->how == VMM_RESET) {
		guest_ended(e, ret_exit, ret_error);
	} else {
		vmm_ended(e, ret_exit, ret_error);
	}
}
