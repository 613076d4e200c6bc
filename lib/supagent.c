/* supagent.c - a guest's agent, told who its machine is; see supervise.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>

#include "bng.h"
#include "clock.h"
#include "configure.h"
#include "spawn.h"
#include "supervise.h"

/*
 * A process of its own, for what its agent answers is not to be trusted, and
 * is waited for. To execute one would take longer than all that it does.
 */
static int
configure_this(void)
{
	configure("/proc/self/fd/3");
	return EXIT_YES;
}

static void
configure_guest(struct sup *s)
{
	struct spawn sp = { .run = configure_this,
		.fds = { -1, -1, -1, s->dir }, .nfds = 4 };
	int says[2] = { -1, -1 };

	if (s->configure > 0) {
		s->again = true;
		kill(s->configure, SIGKILL);
		return;
	}
	/* What it is configured with depends on that. */
	sup_known(s);
	if (pipe2(says, O_CLOEXEC | O_NONBLOCK) == 0)
		sp.fds[2] = says[1];
	s->configure = spawn(&sp);
	s->configure_says = says[0];
	if (says[1] >= 0)
		close(says[1]);
	if (s->configure > 0)
		return;
	s->configure = 0;
	if (says[0] >= 0)
		close(says[0]);
	sup_broken(s, "cannot configure the guest: no process");
}

/* The first line that it said, without its name in front. */
static void
configure_why(int fd, char *ret_why, size_t size)
{
	char buf[512];
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
	const char *why = buf;

	buf[n < 0 ? 0 : n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	if (!strncmp(why, msg_name, strlen(msg_name)) &&
	    !strncmp(why + strlen(msg_name), ": ", 2))
		why += strlen(msg_name) + 2;
	snprintf(ret_why, size, "%.400s", why[0] ? why : "it does not say why");
}

void
sup_configured(struct sup *s, int status)
{
	char why[ENDING_TEXT - 64], line[ENDING_TEXT];
	bool again = s->again;

	s->early = false;
	configure_why(s->configure_says, why, sizeof(why));
	if (s->configure_says >= 0)
		close(s->configure_says);
	s->configure = 0;
	s->again = false;
	if (!s->door.agent)
		return;
	if (again) {
		configure_guest(s);
		return;
	}
	if (status) {
		snprintf(line, sizeof(line), "cannot configure the guest: %s",
		    why);
		sup_broken(s, line);
		return;
	}
	s->ready = s->proven = true;
	turn_end(&s->turn);
	file_note_line(s->dir, "ready", "%lld",
	    (long long)(clock_ms(CLOCK_BOOTTIME) - s->began));
	door_set(&s->door, DOOR_READY);
	sup_report(s, 'r', "");
	if (s->vmm->ready)
		s->vmm->ready(s);
}

static void
not_ready(struct sup *s)
{
	s->ready = false;
	unlinkat(s->dir, "ready", 0);
}

void
sup_expect(struct sup *s)
{
	if (s->configure > 0 || s->door.agent)
		return;
	configure_guest(s);
	s->early = s->configure > 0;
}

void
sup_agent(struct sup *s, bool there)
{
	not_ready(s);
	s->door.agent = there;
	door_set(&s->door, DOOR_WAIT);
	if (there && s->early)
		s->early = false;
	else if (there)
		configure_guest(s);
	else if (s->configure > 0)
		kill(s->configure, SIGKILL);
}

void
sup_broken(struct sup *s, const char *why)
{
	not_ready(s);
	s->proven = false;
	turn_end(&s->turn);
	sup_error(s, why);
	sup_warn(s, "%s", why);
	door_set(&s->door, DOOR_SHUT);
}
