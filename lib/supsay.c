/* supsay.c - what a supervisor says, and to whom; see supervise.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>

#include "bng.h"
#include "supervise.h"
#include "vm.h"

void
sup_error(struct sup *s, const char *why)
{
	char line[ENDING_TEXT];

	snprintf(line, sizeof(line), "%s", why);
	msg_clean(line);
	file_put_line(s->dir, "error", "%s", line);
}

void
sup_report(struct sup *s, char kind, const char *text)
{
	if (s->report < 0)
		return;
	dprintf(s->report, "%c%s\n", kind, text);
	if (kind == 'w' || (kind == 'o' && (s->until_ready || *text)))
		return;
	close(s->report);
	s->report = -1;
}

void
sup_known(struct sup *s)
{
	if (!s->known)
		vm_note(s->dir, "vmm", "%s", s->vmm->key);
	s->known = true;
}

void
sup_running(struct sup *s)
{
	if (s->running)
		return;
	sup_known(s);
	s->running = true;
	sup_report(s, 'o', s->door.agent ? "agent" : "");
	logpipe_wait(&s->err, false);
}

void
sup_note(struct sup *s, const char *line)
{
	logfile_add(&s->err.log, "banger: ", strlen("banger: "));
	logfile_add(&s->err.log, line, strlen(line));
	logfile_add(&s->err.log, "\n", 1);
}

void
sup_warn(struct sup *s, const char *fmt, ...)
{
	char line[ENDING_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	msg_clean(line);
	sup_report(s, 'w', line);
	sup_note(s, line);
}
