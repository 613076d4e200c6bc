/* rawtty.c - see rawtty.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <termios.h>

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

void
rawtty_on(int fd)
{
	struct termios raw;

	if (tcgetattr(fd, &cooked))
		return;
	raw = cooked;
	cfmakeraw(&raw);
	if (!tcsetattr(fd, TCSADRAIN, &raw)) {
		cooked_fd = fd;
		atexit(rawtty_off);
	}
}
