/* bng-state - the state directory
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: bng-state -h
 */
#include "bng.h"

static int
state_main(int argc, char *argv[])
{
	static const struct verb verbs[] = { { NULL, NULL } };

	return verbs_run(verbs, argc, argv);
}

APPLET(state, PLAIN);
