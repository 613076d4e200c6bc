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

/* The same with all that belongs to it: one JSON object, and a descriptor to
 * go with it, or -1. */
int qmp_say(const struct qmp *q, const char *object, int pass);

/*
 * Read once and pass on each whole line. 0, -EAGAIN when there was nothing,
 * -EPIPE at the end, or -errno.
 */
int qmp_read(struct qmp *q, void (*message)(void *ctx, const cJSON *m),
    void *ctx);

/* What m says under "key", or "" when that is not text. */
const char *qmp_text(const cJSON *m, const char *key);

/*
 * A conversation through a machine's qmp.sock, which QEMU has with one client
 * at a time. All zeros but event and ctx, which may be NULL, to begin with.
 */
struct qmp_session {
	void (*event)(void *ctx, const char *name, const cJSON *data);
	void *ctx;

	struct qmp q;
	unsigned answers;
	int error;		/* -EREMOTEIO: QEMU refused, */
	char why[256];		/* saying this */
	cJSON *answer;		/* the last "return" */
};

/* 0, -ETIMEDOUT, or -errno. Closed again when it fails. */
int qmp_open(struct qmp_session *s, int dirfd, int timeout_ms);
void qmp_close(struct qmp_session *s);

/* Say it and wait for the answer. 0, -EREMOTEIO, -ETIMEDOUT, or -errno. */
int qmp_ask(struct qmp_session *s, const char *object, int pass,
    int timeout_ms);

/* Wait for whatever comes next; -1 is for ever. 0, -ETIMEDOUT, or -errno. */
int qmp_turn(struct qmp_session *s, int timeout_ms);

/*
 * One command through a machine's qmp.sock, waiting up to timeout_ms. 0 and
 * the answer's "return" in *ret_answer (unless NULL), -ETIMEDOUT, -EREMOTEIO
 * when QEMU refuses, or -errno.
 */
int qmp_command(int dirfd, const char *command, int timeout_ms,
    cJSON **ret_answer);

#endif
