/* undo.c - the undo list; see undo.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>

#include "bng.h"

enum undo_kind { U_FREE, U_UNLINK, U_RM_TREE, U_KILL };

static struct undo {
	enum undo_kind kind;
	pid_t owner;		/* the process whose list entry this is */
	pid_t pid;
	char *path;
} list[64];
static int used;
static const int fatal[] = { SIGHUP, SIGINT, SIGPIPE, SIGTERM };

void
undo_run(void)
{
	pid_t me = getpid();
	sigset_t all, old;

	/* A second signal, or one during exit(), waits for us to finish. */
	sigemptyset(&all);
	for (size_t s = 0; s < ARRAY_SIZE(fatal); s++)
		sigaddset(&all, fatal[s]);
	sigprocmask(SIG_BLOCK, &all, &old);
	for (int i = used - 1; i >= 0; i--) {
		enum undo_kind kind = list[i].kind;

		list[i].kind = U_FREE;
		if (list[i].owner != me)
			continue;
		if (kind == U_UNLINK)
			unlink(list[i].path);
		else if (kind == U_RM_TREE)
			(void)file_rm_tree(AT_FDCWD, list[i].path);
		else if (kind == U_KILL)
			kill(list[i].pid, SIGKILL);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/*
 * Not async-signal-safe to the letter (opendir allocates), and that is a
 * choice: the alternative is to leave the files, and gc settles what a
 * deadlocked cleanup would leave after the second, fatal signal.
 */
static void
on_signal(int sig)
{
	signal(sig, SIG_DFL);
	undo_run();
	raise(sig);
}

static int
add(enum undo_kind kind, const char *path, pid_t pid)
{
	int i;

	if (!used) {
		atexit(undo_run);
		for (size_t s = 0; s < ARRAY_SIZE(fatal); s++)
			if (signal(fatal[s], on_signal) == SIG_IGN)
				signal(fatal[s], SIG_IGN);
	}
	for (i = 0; i < used && list[i].kind != U_FREE; i++)
		;
	if (i == (int)ARRAY_SIZE(list))
		die("too many things to undo");
	free(list[i].path);
	list[i].path = path ? xstrdup(path) : NULL;
	list[i].pid = pid;
	list[i].owner = getpid();
	list[i].kind = kind;
	if (i == used)
		used++;
	return i;
}

int
undo_unlink(const char *path)
{
	return add(U_UNLINK, path, 0);
}

int
undo_rm_tree(const char *path)
{
	return add(U_RM_TREE, path, 0);
}

int
undo_kill(pid_t pid)
{
	return add(U_KILL, NULL, pid);
}

void
undo_forget(int handle)
{
	if (handle >= 0)
		list[handle].kind = U_FREE;
}
