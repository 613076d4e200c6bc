/* confine.h - what a process may touch from its exec on, and no more
 *
 *	struct confine c;
 *	int r = confine_init(&c, CONFINE_CONNECT);
 *	confine_program(&c, "/usr/bin/qemu-system-x86_64");
 *	confine_file(&c, dirfd, "disk", CONFINE_WRITE);
 *	struct spawn sp = { .confine = &c, ... };
 *
 * The rules are Landlock's: they are about files (by inode: what is renamed
 * into their place later is another file), TCP ports, signals and abstract
 * sockets; open descriptors stay what they are. Each right that the kernel
 * knows and that was not granted is denied. The rest of being confined (no new
 * privileges, no core dumps, no other descriptors) is every spawned child's.
 */
#ifndef BNG_CONFINE_H
#define BNG_CONFINE_H

enum confine_right {
	CONFINE_READ,		/* a file, or a directory with all below it */
	CONFINE_WRITE,		/* read and write, but make and remove none */
	CONFINE_EXECUTE,	/* read and execute */
	CONFINE_DEVICE,		/* read, write, ioctl */
	CONFINE_FILL,		/* write, and make files in the directory */
	CONFINE_KEEP,		/* and directories; and rename and remove */
	CONFINE_NAMES,		/* make, rename and remove files in it */
	CONFINE_SOCKETS,	/* make sockets in the directory, no more */
};

/* Beyond files. */
enum { CONFINE_CONNECT = 1 };	/* TCP connections to anywhere */

enum { CONFINE_FILES = 4096 };	/* descriptors that it may open */

struct confine {
	int ruleset;		/* -1: no Landlock here */
	int abi;
	int failed;		/* the first -errno of a rule, or 0 */
};

/* The ABI of this kernel's Landlock, or -EOPNOTSUPP when there is none. */
int confine_abi(void);

/*
 * Begin with what every process needs: its own /proc, the null device, random
 * bytes. 0; -EOPNOTSUPP when the kernel has no Landlock: c can be used all the
 * same, and only bounds descriptors; or -errno.
 */
int confine_init(struct confine *c, int flags);

/*
 * Grant a right to a path, below dirfd when that is not AT_FDCWD. What is not
 * there is no error: it needs no rule. "" is dirfd itself.
 */
void confine_file(struct confine *c, int dirfd, const char *path,
    enum confine_right right);

/*
 * A program: itself and its loader to be executed, its libraries and what it
 * was installed with to be read. One that is a script may execute what the
 * system has, for that is what scripts do.
 */
void confine_program(struct confine *c, const char *path);

/* In the child, last before its exec. 0 or -errno. */
int confine_enter(const struct confine *c);

void confine_release(struct confine *c);

#endif
