/* silence.c - an agent that says nothing; see forward.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/timerfd.h>

#include "ask.h"
#include "bng.h"
#include "forward.h"

/* While connections wait for the agent, whether it lives is in doubt. */
static struct doubt doubt;
static unsigned int n_waiting;
static const char *shown;
static struct watch due, sign;

static void
doubt_watch(void)
{
	int ms = doubt_ms(&doubt);
	struct itimerspec when = { .it_value = { .tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L + 1 } };

	if (ms < 0)
		when = (struct itimerspec){ 0 };
	timerfd_settime(due.fd, 0, &when, NULL);
	sign.fd = doubt.probe;
	if (sign.fd >= 0 && loop_add(&sign, EPOLLIN))
		sign.fd = -1;
}

/* It is said once, and then it is the clients' to wait. */
static void
on_due(struct watch *w, uint32_t events)
{
	uint64_t n;

	(void)events;
	if (read(w->fd, &n, sizeof(n)) < 0)
		return;
	loop_take(&sign);
	(void)doubt_due(&doubt);
	if (doubt.silent)
		doubt.until = 0;
	doubt_watch();
}

static void
on_sign(struct watch *w, uint32_t events)
{
	(void)events;
	loop_take(w);
	doubt_probed(&doubt);
	doubt_watch();
}

void
silence_begin(void)
{
	if (n_waiting++ || doubt.silent)
		return;
	doubt_begin(&doubt, shown, ask_dir);
	doubt_watch();
}

void
silence_end(bool answered)
{
	n_waiting--;
	if (!answered && (n_waiting || doubt.silent))
		return;
	loop_take(&sign);
	doubt_over(&doubt);
	if (n_waiting)
		doubt_begin(&doubt, shown, ask_dir);
	doubt_watch();
}

void
silence_init(const char *name)
{
	shown = name;
	doubt.probe = sign.fd = -1;
	sign.ready = on_sign;
	due.ready = on_due;
	due.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (due.fd < 0 || loop_add(&due, EPOLLIN))
		die_sys("cannot make a timer");
}
