/* qmp.h - the part of QEMU's monitor protocol that banger speaks
 *
 * One JSON object a line, in both directions.
 */
#ifndef BNG_QMP_H
#define BNG_QMP_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum { QMP_LINE = 8192 };	/* a longer line is skipped */

struct qmp {
	int fd;
	size_t have;
	bool skip;	/* the rest of a line that is too long */
	char buf[QMP_LINE];
};

/* Ask for something without arguments ("query-status"). 0 or -errno. */
int qmp_send(const struct qmp *q, const char *command);

/*
 * Read once and pass on each whole line. 0, -EAGAIN when there was nothing,
 * -EPIPE at the end, or -errno.
 */
int qmp_read(struct qmp *q, void (*message)(void *ctx, const cJSON *m),
    void *ctx);

/* What m says under "key", or "" when that is not text. */
const char *qmp_text(const cJSON *m, const char *key);

/*
 * One command through a machine's qmp.sock, waiting up to timeout_ms. 0 and
 * the answer's "return" in *ret_answer (unless NULL), -ETIMEDOUT, -EREMOTEIO
 * when QEMU refuses, or -errno.
 */
int qmp_command(int dirfd, const char *command, int timeout_ms,
    cJSON **ret_answer);

#endif
