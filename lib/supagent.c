/* supagent.c - a guest's agent, told who its machine is; see supervise.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/socket.h>

#include "bng.h"
#include "clock.h"
#include "configure.h"
#include "supervise.h"

enum { LOST_MS = 1000 };	/* until it is news that who hung up is there */

static void
not_configured(struct sup *s, const char *why)
{
	char line[ENDING_TEXT];

	snprintf(line, sizeof(line), "cannot configure the guest: %s", why);
	sup_broken(s, line);
}

static void
configured(struct sup *s)
{
	/* What was wrong with the agent before this one is over. */
	if (s->broken)
		unlinkat(s->dir, "error", 0);
	s->broken = false;
	s->ready = s->proven = true;
	turn_end(&s->turn);
	file_mark_line(s->dir, "ready", "%lld",
	    (long long)(clock_ms(CLOCK_BOOTTIME) - s->began));
	door_set(&s->door, DOOR_READY);
	sup_report(s, 'r', "");
	if (s->vmm->ready)
		s->vmm->ready(s);
}

static void
on_lost(struct watch *w, uint32_t events)
{
	(void)events;
	loop_del(w);
	not_configured(container_of(w, struct sup, lost), "the agent hung up");
}

/*
 * Who hangs up mostly ends, as its agent or its machine does, and that is
 * heard of in a moment.
 */
static void
on_told(struct tell *t, enum tell_end how, const char *why)
{
	struct sup *s = container_of(t, struct sup, configure);

	s->lost.ready = on_lost;
	if (how == TELL_DONE)
		configured(s);
	else if (how != TELL_LOST || loop_timer(&s->lost, LOST_MS))
		not_configured(s, why);
}

/* The text of the request, malloc'ed; or NULL, and why not. */
static char *
request(struct sup *s, char why[CONFIGURE_WHY])
{
	cJSON *o = configure_request(s->dir, s->name, why);
	char *text = o ? cJSON_PrintUnformatted(o) : NULL;

	if (o && !text)
		snprintf(why, CONFIGURE_WHY, "%s", strerror(ENOMEM));
	cJSON_Delete(o);
	return text;
}

/* On a connection such as a client at the door has. */
static void
configure_guest(struct sup *s)
{
	char why[CONFIGURE_WHY];
	autofree char *text = NULL;
	int ends[2], r;

	/* What it is configured with depends on that. */
	sup_known(s);
	text = request(s, why);
	if (!text) {
		not_configured(s, why);
		return;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    ends)) {
		not_configured(s, strerror(errno));
		return;
	}
	s->configure.done = on_told;
	r = tell_begin(&s->configure, ends[0], text);
	s->vmm->carry(s, ends[1], DOOR_AGENT_PORT);
	if (r)
		not_configured(s, strerror(-r));
}

void
sup_not_configuring(struct sup *s)
{
	tell_end(&s->configure);
	loop_del(&s->lost);
}

static void
not_ready(struct sup *s)
{
	s->ready = false;
	unlinkat(s->dir, "ready", 0);
}

void
sup_agent(struct sup *s, bool there)
{
	not_ready(s);
	s->door.agent = there;
	door_set(&s->door, DOOR_WAIT);
	sup_not_configuring(s);
	if (there)
		configure_guest(s);
}

void
sup_broken(struct sup *s, const char *why)
{
	not_ready(s);
	s->proven = false;
	s->broken = true;
	turn_end(&s->turn);
	sup_error(s, why);
	sup_warn(s, "%s", why);
	door_set(&s->door, DOOR_SHUT);
}
