/* ending.h - how a VMM's run ended, as `exit` and `error` tell it */
#ifndef BNG_ENDING_H
#define BNG_ENDING_H

#include <stdbool.h>

#include "logfile.h"

/* How the VMM says that the guest ended. */
enum vmm_end {
	VMM_SILENT,		/* it does not: its exit status tells */
	VMM_POWEROFF,
	VMM_RESET,
	VMM_PANIC,
	VMM_QUIT,		/* it was asked to end, by signal or command */
};

enum { ENDING_TEXT = 640 };

/* All that is known when the VMM has ended. */
struct ending {
	const char *vmm;		/* its name */
	enum vmm_end how;
	int status;			/* as waitpid gives it */
	bool ready;			/* the guest had become ready */
	bool wanted;			/* somebody asked for an end */
	bool killed_by_us;
	const struct logfile *console, *log;
	const char *mark;		/* what the reason follows in log */
};

/*
 * exit: "poweroff", "reset", "panic", "stopped", "killed KILL", "status N".
 * error: a phrase when it ended badly, else "".
 */
void ending_tell(const struct ending *e, char ret_exit[ENDING_TEXT],
    char ret_error[ENDING_TEXT]);

/*
 * Are the console's last words those of a kernel that has halted? That is what
 * becomes of a guest that switches itself off where nothing can be switched
 * off. Whoever may write there may end the guest anyhow.
 */
bool ending_halted(const struct logfile *console);

/* Did the kernel panic, going by the console? */
bool ending_panicked(const struct logfile *console);

#endif
