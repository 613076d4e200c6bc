/* tally.c - how many processes a command takes, how much CPU and memory
 *
 * usage: tally COMMAND [ARGUMENT ...]
 *
 * Follows everything that the command starts, detached or not, until the last
 * of it has ended, and prints "PROCESSES MICROSECONDS KIB", KIB being the sum
 * of what each process held at most, wherever they were at once. What becomes
 * a VMM (qemu-system-*, firecracker) is let go and not counted. Only fork,
 * exec and exit stop a process, so what is measured is hardly slower for it.
 *
 * proc(5): the first number of /proc/PID/schedstat is nanoseconds on a CPU;
 * that of a zombie is final. VmHWM is gone by then: it is read on the way out.
 */
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "bng.h"

static const struct applet tally = { "tally", "usage: tally COMMAND\n\n", NULL,
	PLAIN };
const struct applet *self = &tally;
static int64_t processes, nanoseconds, kib;

static void
add_cpu(pid_t pid)
{
	char path[64], line[128];

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	if (file_line(AT_FDCWD, path, line, sizeof(line)) > 0)
		nanoseconds += strtoll(line, NULL, 10);
}

/* Of a process that is about to end; a thread has its process's memory. */
static void
add_memory(pid_t pid)
{
	char path[64], line[256];
	long tgid = 0, peak = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "Tgid:", 5))
			tgid = strtol(line + 5, NULL, 10);
		else if (!strncmp(line, "VmHWM:", 6))
			peak = strtol(line + 6, NULL, 10);
	}
	if (f)
		fclose(f);
	if (tgid == pid)
		kib += peak;
}

static bool
is_vmm(pid_t pid)
{
	char path[64], name[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	return file_line(AT_FDCWD, path, name, sizeof(name)) > 0 &&
	    (!strncmp(name, "qemu-system", 11) ||
	    !strcmp(name, "firecracker"));
}

static pid_t
start(char *argv[])
{
	int go[2];
	char c;
	pid_t pid;

	if (pipe(go))
		die_sys("cannot make a pipe");
	pid = fork();
	if (pid < 0)
		die_sys("cannot fork");
	if (pid == 0) {
		close(go[1]);
		if (read(go[0], &c, 1) != 1)
			_exit(127);
		close(go[0]);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(go[0]);
	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEFORK |
	    PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
	    PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL))
		die_sys("cannot trace a process");
	xwrite(go[1], "", 1, "pipe");
	close(go[1]);
	processes = 1;
	return pid;
}

static void
stopped(pid_t pid, int status)
{
	int event = status >> 16, sig = WSTOPSIG(status);

	switch (event) {
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
		processes++;
		break;
	case PTRACE_EVENT_EXEC:
		if (is_vmm(pid)) {
			add_cpu(pid);
			processes--;
			ptrace(PTRACE_DETACH, pid, 0, 0);
			return;
		}
		break;
	case PTRACE_EVENT_EXIT:
		add_memory(pid);
		break;
	case PTRACE_EVENT_STOP:
		if (sig != SIGTRAP) {
			ptrace(PTRACE_LISTEN, pid, 0, 0);
			return;
		}
		break;
	}
	ptrace(PTRACE_CONT, pid, 0, event ? 0 : sig);
}

int
main(int argc, char *argv[])
{
	int status, result = EXIT_FAILED;
	siginfo_t info;
	pid_t first;

	msg_name = "tally";
	if (argc < 2)
		die_usage("what to run is missing");
	first = start(argv + 1);
	while (!waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOWAIT |
	    __WALL) || errno == EINTR) {
		if (info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED)
			add_cpu(info.si_pid);
		if (waitpid(info.si_pid, &status, __WALL) < 0)
			continue;
		if (WIFSTOPPED(status))
			stopped(info.si_pid, status);
		else if (info.si_pid == first)
			result = WIFEXITED(status) ? WEXITSTATUS(status) :
			    EXIT_FAILED;
	}
	printf("%lld\t%lld\t%lld\n", (long long)processes,
	    (long long)nanoseconds / 1000, (long long)kib);
	xflush();
	return result;
}
