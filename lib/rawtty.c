/* rawtty.c - see rawtty.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdbool.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "rawtty.h"

/* The terminal that we made raw, as it was. */
static struct termios cooked;
static int cooked_fd = -1;

void
rawtty_off(void)
{
	if (cooked_fd >= 0)
		tcsetattr(cooked_fd, TCSADRAIN, &cooked);
	cooked_fd = -1;
}

static void
set(int fd, const struct termios *raw)
{
	bool first = cooked_fd < 0;

	if (tcsetattr(fd, TCSADRAIN, raw))
		return;
	cooked_fd = fd;
	if (first)
		atexit(rawtty_off);
}

void
rawtty_on(int fd)
{
	struct termios raw;

	if (cooked_fd < 0 && tcgetattr(fd, &cooked))
		return;
	raw = cooked;
	cfmakeraw(&raw);
	set(fd, &raw);
}

void
rawtty_await(int fd)
{
	struct termios raw;

	if (tcgetattr(fd, &cooked))
		return;
	raw = cooked;
	cfmakeraw(&raw);
	raw.c_lflag |= cooked.c_lflag & ISIG;
	raw.c_oflag = cooked.c_oflag;
	/* Who would type fg then, of what has not begun? */
	raw.c_cc[VSUSP] = _POSIX_VDISABLE;
	set(fd, &raw);
}
