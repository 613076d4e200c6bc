/* feed.c - a thread that reads ahead of the one that writes
 *
 * SPDX-License-Identifier: MIT
 *
 * A ring of buffers. The reader fills the one at head while the writer works
 * on the one at tail; who has nothing to do waits for the other to move on.
 */
#include <signal.h>

#include "layers.h"

static void *
begin(void *arg)
{
	struct feed *f = arg;

	f->run(f);
	return NULL;
}

void
feed_start(struct feed *f, void (*run)(struct feed *f), void *ctx)
{
	sigset_t all, was;

	*f = (struct feed){ .run = run, .ctx = ctx };
	for (int i = 0; i < SLOTS; i++)
		f->v[i].buf = xmalloc(CHUNK);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->moved, NULL);
	/* Signals are the writer's, which has something to undo. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &was);
	errno = pthread_create(&f->thread, NULL, begin, f);
	if (errno)
		die_sys("cannot start a thread");
	pthread_sigmask(SIG_SETMASK, &was, NULL);
}

/* The slot at head, once it is free. */
static struct slot *
room(struct feed *f)
{
	pthread_mutex_lock(&f->lock);
	while (f->head - f->tail == SLOTS)
		pthread_cond_wait(&f->moved, &f->lock);
	pthread_mutex_unlock(&f->lock);
	return &f->v[f->head % SLOTS];
}

static void
move(struct feed *f, unsigned *end)
{
	pthread_mutex_lock(&f->lock);
	++*end;
	pthread_cond_signal(&f->moved);
	pthread_mutex_unlock(&f->lock);
}

bool
feed_all(struct feed *f, struct bytes *b)
{
	ssize_t n;

	do {
		struct slot *s = room(f);

		n = s->n = b->read(b->ctx, s->buf, CHUNK);
		if (n < 0)
			memcpy(f->why, b->why, WHY);
		move(f, &f->head);
	} while (n > 0);
	return !n;
}

ssize_t
feed_next(void *ctx, const uint8_t **ret_p)
{
	struct feed *f = ctx;
	struct slot *s;

	if (f->ended) {
		*ret_p = f->v[f->tail % SLOTS].buf;
		return f->v[f->tail % SLOTS].n;
	}
	if (f->holding)
		move(f, &f->tail);
	pthread_mutex_lock(&f->lock);
	while (f->head == f->tail)
		pthread_cond_wait(&f->moved, &f->lock);
	pthread_mutex_unlock(&f->lock);
	s = &f->v[f->tail % SLOTS];
	f->holding = true;
	f->ended = s->n <= 0;
	*ret_p = s->buf;
	return s->n;
}

void
feed_turn(struct feed *f)
{
	/* Behind an error nothing comes. */
	f->ended = f->ended && f->v[f->tail % SLOTS].n < 0;
}
