/* show.c - the progress of a pull: one display for all of it
 *
 * SPDX-License-Identifier: MIT
 *
 * On a terminal, a line for each blob that is on its way, as many as there is
 * room for, and one for the whole; drawn anew in place, as wide as the terminal
 * is at that moment. Elsewhere, a plain line when a blob begins and ends, and
 * one for the whole now and then, if it takes long.
 */
#include <stdarg.h>
#include <sys/ioctl.h>

#include "bng.h"
#include "human.h"
#include "pull.h"

enum { REDRAW_MS = 100, PLAIN_MS = 5000, BARS_MAX = 8, FOREVER = 60 * 1000 };

static struct {
	const struct pull *p;
	bool on, quiet, terminal;
	int lines;		/* that are drawn, the cursor being below */
	int64_t began, drawn;
	int64_t rate, rate_at, rate_came;
} s;

void
show_init(const struct pull *p, bool progress, bool quiet)
{
	const char *term = getenv("TERM");

	s.p = p;
	s.on = progress && !quiet;
	s.quiet = quiet;
	s.terminal = isatty(STDERR_FILENO) && (!term || strcmp(term, "dumb"));
	s.began = s.rate_at = now_ms();
	/* Who pulls little where nobody watches needs no more lines. */
	s.drawn = s.terminal ? 0 : s.began;
}

int
show_wait(void)
{
	int64_t left = s.drawn + (s.terminal ? REDRAW_MS : PLAIN_MS) -
	    now_ms();

	if (!s.on)
		return FOREVER;
	return left < 1 ? 1 : (int)left;
}

void
show_clear(void)
{
	if (!s.lines)
		return;
	fprintf(stderr, "\033[%dA\033[J", s.lines);
	s.lines = 0;
}

/* All that is there, and how much of it this pull has got. */
static int64_t
total_have(int64_t *ret_came)
{
	int64_t have = 0;

	*ret_came = 0;
	for (size_t i = 0; i < s.p->n; i++) {
		const struct blob *b = &s.p->blobs[i];

		have += b->have;
		*ret_came += b->old ? 0 : b->have - b->kept;
	}
	return have;
}

static void
measure(int64_t came, int64_t now)
{
	int64_t fresh;

	if (now - s.rate_at < 500)
		return;
	fresh = (came - s.rate_came) * 1000 / (now - s.rate_at);
	s.rate = s.rate ? (s.rate * 2 + fresh) / 3 : fresh;
	if (s.rate < 0)
		s.rate = 0;
	s.rate_at = now;
	s.rate_came = came;
}

static int
columns(int *ret_rows)
{
	struct winsize w;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) || !w.ws_col || !w.ws_row) {
		*ret_rows = 24;
		return 80;
	}
	*ret_rows = w.ws_row;
	return w.ws_col;
}

/* A line of the display, cut to the terminal's width. */
static void
line(const char *text, int width)
{
	fprintf(stderr, "%.*s\033[K\n", width - 1, text);
	s.lines++;
}

static void
bar(const struct blob *b, int width)
{
	char have[HUMAN_LEN], all[HUMAN_LEN], text[300], done[64];
	int room = width - 56 < 24 ? width - 56 : 24;
	int n = b->d.size && room > 0 ?
	    (int)((double)b->have / (double)b->d.size * room) : 0;

	if (room < 4) {
		done[0] = '\0';
	} else {
		memset(done, '=', (size_t)n);
		memset(done + n, ' ', (size_t)(room - n));
		done[room] = '\0';
	}
	snprintf(text, sizeof(text), "  %-16s %s%s%s %s of %s", b->what,
	    room < 4 ? "" : "[", done, room < 4 ? "" : "]",
	    human_size(b->have, have), human_size(b->d.size, all));
	line(text, width);
}

/* How far all of it is, in words. */
static void
summary(char text[200])
{
	char a[HUMAN_LEN], b[HUMAN_LEN], c[HUMAN_LEN], eta[32] = "";
	int64_t came, have = total_have(&came), left = s.p->size - have;

	s.drawn = now_ms();
	measure(came, s.drawn);

	if (s.rate > 0 && left > 0 && left / s.rate < 360000)
		snprintf(eta, sizeof(eta), ", %lld:%02lld left",
		    (long long)(left / s.rate / 60),
		    (long long)(left / s.rate % 60));
	snprintf(text, 200, "%s of %s, %s/s%s", human_size(have, a),
	    human_size(s.p->size, b), human_size(s.rate, c), eta);
}

static void
draw(void)
{
	int rows, width = columns(&rows), bars = 0;
	char text[200];

	if (s.lines)
		fprintf(stderr, "\033[%dA", s.lines);
	s.lines = 0;
	for (size_t i = 0; i < s.p->n; i++) {
		const struct blob *b = &s.p->blobs[i];

		if (b->state == BLOB_OURS && (b->flights || b->have) &&
		    bars < BARS_MAX && bars < rows - 3) {
			bar(b, width);
			bars++;
		}
	}
	summary(text);
	line(text, width);
	fputs("\033[J", stderr);
}

printf_fn(1, 2) static void
say(const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	show_clear();
	if (s.terminal)
		fprintf(stderr, "%s\n", text);
	else
		warn("%s", text);
}

static void
plain(void)
{
	char text[200];

	summary(text);
	say("%s", text);
}

static void
blob_ends(struct blob *b)
{
	char size[HUMAN_LEN];
	int64_t ms = now_ms() - b->began;

	b->told_end = true;
	human_size(b->d.size, size);
	if (b->old && b->told_begin)
		say("%s: %s, from another pull", b->what, size);
	else if (b->old)
		say("%s: %s, in the cache", b->what, size);
	else
		say("%s: %s in %lld.%lld s", b->what, size,
		    (long long)(ms / 1000), (long long)(ms / 100 % 10));
}

static void
blob_begins(struct blob *b)
{
	char size[HUMAN_LEN], kept[HUMAN_LEN];

	b->told_begin = true;
	if (b->state == BLOB_ELSEWHERE)
		say("%s: waiting for another pull of it", b->what);
	else if (s.on && b->kept)
		say("%s: %s, of which %s are there", b->what,
		    human_size(b->d.size, size), human_size(b->kept, kept));
	else if (s.on && !s.terminal)
		say("%s: %s", b->what, human_size(b->d.size, size));
}

void
show_turn(void)
{
	for (size_t i = 0; !s.quiet && i < s.p->n; i++) {
		struct blob *b = &s.p->blobs[i];

		if (b->told_end || b->state == BLOB_NEW)
			continue;
		if (!b->told_begin && b->state != BLOB_WHOLE)
			blob_begins(b);
		if (s.on && b->state == BLOB_WHOLE)
			blob_ends(b);
	}
	if (!s.on || now_ms() - s.drawn < (s.terminal ? REDRAW_MS : PLAIN_MS))
		return;
	if (s.terminal)
		draw();
	else
		plain();
}

void
show_end(void)
{
	char all[HUMAN_LEN], kept[HUMAN_LEN];
	int64_t ms = now_ms() - s.began, before = 0;

	if (!s.on)
		return;
	for (size_t i = 0; i < s.p->n; i++)
		before += s.p->blobs[i].old ? s.p->blobs[i].d.size :
		    s.p->blobs[i].kept;
	say("%s: %zu layer%s, %s, %s of it from the cache, in %lld.%lld s",
	    s.p->source.ref->path, s.p->n - 1, s.p->n == 2 ? "" : "s",
	    human_size(s.p->size, all),
	    human_size(before, kept), (long long)(ms / 1000),
	    (long long)(ms / 100 % 10));
}
