/* loop.h - one epoll loop for a process that waits
 *
 *	struct client { struct watch w; ... };
 *	loop_add(&c->w, EPOLLIN);	w.fd and w.ready are set
 *	for (;;)
 *		loop_turn();
 *
 * A watch may delete any watch, its own included, and free what holds it:
 * events that were already fetched for it are dropped.
 */
#ifndef BNG_LOOP_H
#define BNG_LOOP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))

struct watch {
	int fd;		/* -1: not watched */
	void (*ready)(struct watch *w, uint32_t events);
};

/* Make the process's loop. 0 or -errno. */
int loop_init(void);

/* 0 or -errno. */
int loop_add(struct watch *w, uint32_t events);

/* Have w->ready called in so many ms, once; it deletes w. 0 or -errno. */
int loop_timer(struct watch *w, int ms);

/* Change what is waited for; an edge that is there already comes again. */
void loop_mod(struct watch *w, uint32_t events);

/* Stop watching; the descriptor is the caller's. -1 when there is none. */
int loop_take(struct watch *w);

/* Stop watching and close; nothing when w->fd is -1. */
void loop_del(struct watch *w);

/* Wait for events and pass them on. 0 or -errno. */
int loop_turn(void);

#endif
