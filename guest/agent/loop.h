/* loop.h - the descriptors that the agent waits for
 *
 * 1. Everything is edge-triggered: an event only adds to `ready`, and whoever
 *    uses the descriptor takes the bit away when a call said EAGAIN. So a
 *    peer that we cannot serve now, or a port whose host side is closed,
 *    costs no wake-ups.
 * 2. Events call nothing and free nothing. After each batch all requests are
 *    looked at; there are few.
 */
#ifndef AGENT_LOOP_H
#define AGENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct end {
	int fd;			/* -1: none */
	uint32_t ready;		/* EPOLLIN, EPOLLOUT, ... */
};

enum { END_IN = EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP,
	END_OUT = EPOLLOUT | EPOLLERR };

/* Watch fd (made non-blocking) for these events. False: errno says why. */
bool end_open(struct end *e, int fd, uint32_t events);

/* Close it; closed already is fine. */
void end_close(struct end *e);

static inline bool
end_is(const struct end *e, uint32_t events)
{
	return e->fd >= 0 && (e->ready & events);
}

/* Forget the parent's, in a child that closed it with all else. */
void loop_reset(void);

/*
 * Wait for events (not at all if busy), and note them. False when the loop
 * cannot go on.
 */
bool loop_wait(bool busy);

/*
 * So many bytes were there to be passed on. While they are many, this process
 * leaves the processor to who has woken it: else it would interrupt each
 * writer after a few bytes, instead of finding a full pipe. What comes in
 * drops is passed on at once: it may be the last word of a guest that crashes.
 */
void loop_moved(size_t n);

/* So does this process, from now on: a child that fills a pipe. */
void loop_yield(void);

/* It is in a hurry again; for a child, which inherits that it is not. */
void loop_hurry(void);

#endif
