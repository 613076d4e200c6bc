/* flight.c - ranges of blobs, several at once
 *
 * SPDX-License-Identifier: MIT
 *
 * 1. What the stream needs first is asked for first: blobs in its order, and
 *    in each the lowest bytes that nobody is getting.
 * 2. A range is closed, and made of grains. A grain that a flight does not
 *    finish is missing again, but for what of it has come.
 * 3. A flight that is about to end no longer counts: the next one's question
 *    travels while its last bytes come, so that a far line is never idle.
 * 4. A server that answers a range with anything but that range is asked for
 *    the whole blob, once; what is there already is not written again.
 * 5. What came and is in no journal is less than a grain, of all flights
 *    together; it is in the grains that flights are at.
 */
#include "bng.h"
#include "pull.h"

enum {
	CHUNK_MAX = 8 << 20,	/* of a range; smaller ones near the end */
	CHUNK_MIN = 4 << 20,
	NEAR = 1 << 20,		/* of the end */
	FRUITLESS = 5,		/* good answers that brought nothing */
};

struct flight {
	struct exchange x;
	struct pull *p;
	struct blob *b;
	size_t origin;
	size_t first, end;	/* the grains that are ours */
	int64_t to, pos;	/* the next byte, and where it ends */
	struct flight *next;
	bool whole;		/* from the start again with each try */
	bool asked;		/* for a range */
	bool wrong_range;	/* the server cannot do ranges */
	bool enough;		/* we ended it */
	bool near;		/* it is not one of p->flying any more */
};

static int64_t
grain_end(const struct blob *b, size_t g)
{
	return (int64_t)g * GRAIN + grain_size(b->d.size, g);
}

/* It is at another grain next: the journal is to know of this one. */
static void
note(struct flight *f)
{
	if (f->pos < f->b->d.size)
		f->p->unnoted -= blob_note(f->b, (size_t)(f->pos / GRAIN));
}

static void
ask_range(struct exchange *x, char *buf, size_t size)
{
	struct flight *f = x->owner;

	f->wrong_range = false;
	if (f->whole) {
		note(f);
		f->pos = 0;
	}
	f->asked = f->pos || f->to != f->b->d.size;
	if (f->asked)
		snprintf(buf, size, "%lld-%lld", (long long)f->pos,
		    (long long)f->to - 1);
}

static bool
refuse_length(struct exchange *x, const struct blob *b, int64_t n)
{
	return exchange_refuse(x, "the server says that it has %lld bytes, "
	    "the manifest says %lld", (long long)n, (long long)b->d.size);
}

/* It sends all of it, asked or not. */
static bool
begin_whole(struct flight *f)
{
	struct blob *b = f->b;

	if (f->x.length >= 0 && f->x.length != b->d.size)
		return refuse_length(&f->x, b, f->x.length);
	if (!f->asked)
		return true;
	f->wrong_range = true;
	if (b->no_ranges)
		return exchange_refuse(&f->x, "the server ignores ranges");
	/* Rather than ask again: this is the one that gets everything. */
	b->no_ranges = f->whole = true;
	f->wrong_range = f->asked = false;
	note(f);
	f->pos = 0;
	f->to = b->d.size;
	return true;
}

static bool
begin(struct exchange *x)
{
	struct flight *f = x->owner;

	if (x->status == 200)
		return begin_whole(f);
	if (x->status != 206 || !f->asked)
		return exchange_refuse(x, "the server answered %ld",
		    x->status);
	if (x->total >= 0 && x->total != f->b->d.size)
		return refuse_length(x, f->b, x->total);
	if (x->from == f->pos)
		return true;
	f->wrong_range = true;
	return exchange_refuse(x, "the server sends another range than was "
	    "asked for");
}

/* Bytes that lie in one grain. */
static void
piece(struct flight *f, const char *data, size_t n)
{
	struct pull *p = f->p;
	size_t g = (size_t)(f->pos / GRAIN), fresh;

	for (struct flight *i = p->flights; i && p->unnoted + n > GRAIN;
	    i = i->next)
		note(i);
	fresh = blob_write(f->b, f->pos, data, n);
	f->x.grew |= fresh > 0;
	p->unnoted += fresh;
	f->pos += (int64_t)n;
	if (f->pos == grain_end(f->b, g))
		p->unnoted -= blob_note(f->b, g);
}

static void
make_way(struct flight *f)
{
	if (f->near || f->p->connections == 1)
		return;
	f->near = true;
	f->p->flying--;
}

static bool
body(struct exchange *x, const void *data, size_t n)
{
	struct flight *f = x->owner;
	const char *p = data;

	while (n && f->pos < f->to && f->b->state == BLOB_OURS) {
		int64_t left = grain_end(f->b, (size_t)(f->pos / GRAIN)) -
		    f->pos;
		size_t part = (int64_t)n < left ? n : (size_t)left;

		piece(f, p, part);
		p += part;
		n -= part;
	}
	if (n && f->to == f->b->d.size && f->b->state == BLOB_OURS)
		return exchange_refuse(x, "the server sends more than its "
		    "%lld bytes", (long long)f->b->d.size);
	if (f->to - f->pos < NEAR)
		make_way(f);
	f->enough = n;
	return !f->enough;
}

/* Give back what it did not finish. */
static void
land(struct flight *f)
{
	struct blob *b = f->b;
	struct flight **at = &f->p->flights;

	note(f);
	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	for (size_t g = f->first; g < f->end; g++)
		if (b->grain[g].state == GRAIN_FLYING)
			b->grain[g].state = GRAIN_MISSING;
	b->flights--;
	if (!f->near)
		f->p->flying--;
}

noreturn_fn static void
give_up(const struct flight *f, const char *why)
{
	show_clear();
	die("cannot get %s (%s) from '%s': %s", f->b->what, f->b->d.digest,
	    f->x.at->host, why);
}

/* This origin does not have it, or will not give it: is there another? */
static void
next_origin(struct flight *f, const char *why)
{
	struct blob *b = f->b;

	if (f->origin != b->origin)
		return;	/* another flight has found out before */
	if (b->origin + 1 >= f->p->source.n)
		give_up(f, why);
	show_clear();
	warn("mirror '%s': cannot get %s: %s", f->x.at->base, b->what, why);
	b->origin++;
	b->no_ranges = false;
	b->fruitless = 0;
}

static void
done(struct exchange *x, const char *why)
{
	struct flight *f = x->owner;
	struct blob *b = f->b;
	land(f);
	if (f->enough || b->state != BLOB_OURS)
		why = NULL;
	else if (f->asked && (f->wrong_range || x->status == 416))
		b->no_ranges = true;
	else if (why)
		next_origin(f, why);
	else if (x->grew || f->pos == f->to)
		b->fruitless = 0;
	else if (++b->fruitless >= FRUITLESS)
		next_origin(f, "it ends too early, again and again");
	exchange_release(x);
	free(f);
}

static void
launch(struct pull *p, struct blob *b, size_t first, size_t end)
{
	struct flight *f = xcalloc(1, sizeof(*f));
	struct exchange *x = &f->x;

	f->p = p;
	f->b = b;
	f->origin = b->origin;
	f->first = first;
	f->end = end;
	f->pos = (int64_t)first * GRAIN + b->grain[first].have;
	f->to = grain_end(b, end - 1);
	f->whole = b->no_ranges;
	for (size_t g = first; g < end; g++)
		if (b->grain[g].state == GRAIN_MISSING)
			b->grain[g].state = GRAIN_FLYING;
	x->at = p->source.origins[b->origin];
	b->from = x->at->host;
	x->path = xasprintf("/v2/%s/blobs/%s", p->source.ref->path,
	    b->d.digest);
	x->owner = f;
	x->range = ask_range;
	x->begin = begin;
	x->body = body;
	x->done = done;
	b->flights++;
	p->flying++;
	f->next = p->flights;
	p->flights = f;
	exchange_start(x);
}

/* How long a range is to be, in grains: the last ones end together. */
static size_t
chunk(const struct pull *p)
{
	int64_t left = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->blobs[i].have < p->blobs[i].d.size)
			left += p->blobs[i].d.size - p->blobs[i].have;
	left /= 2 * (int64_t)p->connections;
	if (left > CHUNK_MAX)
		left = CHUNK_MAX;
	return (size_t)(left < CHUNK_MIN ? CHUNK_MIN : left) / GRAIN;
}

/* The next flight for this blob; false when it needs none now. */
static bool
next_flight(struct pull *p, struct blob *b)
{
	size_t first = 0, end, most = chunk(p);

	if (b->state != BLOB_OURS || b->prefix == b->d.size)
		return false;
	if (b->no_ranges) {
		if (b->flights)
			return false;
		launch(p, b, 0, b->ngrain);
		return true;
	}
	first = (size_t)(b->prefix / GRAIN);
	while (first < b->ngrain && b->grain[first].state != GRAIN_MISSING)
		first++;
	if (first == b->ngrain)
		return false;
	for (end = first + 1; end < b->ngrain && end - first < most &&
	    b->grain[end].state == GRAIN_MISSING && !b->grain[end].have; end++)
		;
	launch(p, b, first, end);
	return true;
}

void
flight_schedule(struct pull *p)
{
	for (size_t i = 0; i < p->n && p->flying < p->connections; i++) {
		if (p->blobs[i].state == BLOB_NEW)
			blob_open(&p->blobs[i]);
		if (p->blobs[i].wrong)
			blob_again(&p->blobs[i]);
		while (p->flying < p->connections &&
		    next_flight(p, &p->blobs[i]))
			;
	}
}
