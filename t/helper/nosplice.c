/* nosplice - a program for which the kernel moves no pages between files
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: nosplice COMMAND [ARG ...]
 *
 * Its splice(2) fails with EINVAL, as on a file that does not do that.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "bng.h"

/* lib asks for it; here is no applet. */
const struct applet *self;

int
main(int argc, char *argv[])
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_splice, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(f), f };

	msg_name = "nosplice";
	if (argc < 2)
		die("usage: nosplice COMMAND [ARG ...]");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		die_sys("cannot filter system calls");
	execv(argv[1], argv + 1);
	die_sys("cannot execute '%s'", argv[1]);
}
