/* vmctl.h - ending a machine, and waiting for its end, whatever its VMM
 *
 * A machine is found by the lock it holds and by pids with start times, never
 * by a name. Verbs of a VMM's applet: see the VMM contract.
 */
#ifndef BNG_VMCTL_H
#define BNG_VMCTL_H

#include <stdbool.h>

/* A machine that a command line names; `running`, it exits 1 when not so. */
int vmctl_open(const char *vmdir, bool running);

/*
 * The one operand of such a verb, a machine; opts is getopt's, with at most
 * one option, whose value goes to *ret_value. A usage error otherwise.
 */
const char *vmctl_operand(int argc, char *argv[], const char *opts,
    const char **ret_value);

/* Let the guest power itself off; after that many seconds, end it. */
int vmctl_stop(int argc, char *argv[]);		/* stop [-t SECONDS] VMDIR */
int vmctl_kill(int argc, char *argv[]);		/* kill [-s SIGNAL] VMDIR */
int vmctl_wait(int argc, char *argv[]);		/* wait [-t SECONDS] VMDIR */

/*
 * End it, if it runs, whatever its guest is at; nothing of it runs then. Dies
 * otherwise. `locked`: the caller has its `lock`, so that nobody starts it.
 */
void vmctl_end(int dir, bool locked);

/* "created", "stopped", "error", "starting" or "running". */
const char *vmctl_state(int dir);

#endif
