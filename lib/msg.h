/* msg.h - messages for people: one line, one write(2), to stderr
 *
 * A line reads "bng-net: cannot open '/dev/net/tun': Permission denied": the
 * program, what could not be done, the subject in single quotes, why. Bytes
 * that a terminal would act on are shown as '?'. A line is cut at 1,023 bytes.
 * A front end may know what to type then: the lines of BNG_HINT are a text and
 * a hint, and the next ones. The hint of the first text that is in the last
 * words of an applet follows them.
 */
#ifndef BNG_MSG_H
#define BNG_MSG_H

#include "clean.h"

/*
 * What stands before the colon: the applet's name or, where a front end
 * speaks through it, that one's, from BNG_NAME. The dispatcher sets it.
 */
extern const char *msg_name;

/* The status of die: 111, or what BNG_FAILED says. */
extern int msg_failed;

printf_fn(1, 2) void warn(const char *fmt, ...);

/* As warn, with ": " and the text of errno. */
printf_fn(1, 2) void warn_sys(const char *fmt, ...);

/* The same, and exit msg_failed. */
noreturn_fn printf_fn(1, 2) void die(const char *fmt, ...);
noreturn_fn printf_fn(1, 2) void die_sys(const char *fmt, ...);

/* "cannot WHAT 'SUBJECT'" and why, which is the negative errno r. */
noreturn_fn void die_cannot(int r, const char *what, const char *subject);

/* die_sys of what was for standard output: a full disk, say. */
noreturn_fn void die_stdout(void);

/*
 * As die, with an exit status of the caller's choice. To whom failures have a
 * status of their own (msg_failed), EXIT_NO is one.
 */
noreturn_fn printf_fn(2, 3) void die_status(int status, const char *fmt, ...);

/* Replace what a terminal would act on by '?', in place; UTF-8 stays. */
void msg_clean(char *text);

#endif
