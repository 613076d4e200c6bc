/* api.h - one request to an HTTP server behind a Unix socket
 *
 * As much HTTP as Firecracker's API speaks: a request, an answer with a
 * Content-Length, one connection each. Nothing waits but api_wait and api_call.
 */
#ifndef BNG_API_H
#define BNG_API_H

#include <stddef.h>

enum { API_MAX = 16384 };	/* of an answer, its head included */

struct api {
	int fd;			/* non-blocking; -1: none */
	size_t have;
	char buf[API_MAX + 1];
	/* once it is whole */
	int status;
	const char *body;
};

/*
 * Connect to the socket and ask; body is JSON or NULL. 0 or -errno: -EAGAIN
 * when the server has left too many before us waiting.
 */
int api_ask(struct api *a, int dirfd, const char *name, const char *method,
    const char *path, const char *body);

/* Read: 0 when the answer is whole, -EAGAIN, -EPROTO or another -errno. */
int api_read(struct api *a);

/* What the body, an object, says under "key"; "" when that is not text. */
void api_text(const struct api *a, const char *key, char *buf, size_t size);

/*
 * After api_ask, wait for the answer and hang up: 0 for 2xx; -EREMOTEIO for
 * any other answer; -ETIMEDOUT; -errno.
 */
int api_wait(struct api *a, int timeout_ms);

/* Both. */
int api_call(struct api *a, int dirfd, const char *name, const char *method,
    const char *path, const char *body, int timeout_ms);

#endif
