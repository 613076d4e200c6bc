/* show.c - the progress of a pull: one display for all of it
 *
 * SPDX-License-Identifier: MIT
 *
 * On a terminal, a line for each blob that is on its way, as many as there is
 * room for, and one for the whole; drawn anew in place, as wide as the terminal
 * is at that moment. Elsewhere, a plain line when a blob begins and ends.
 */
#include <stdarg.h>
#include <sys/ioctl.h>

#include "bng.h"
#include "human.h"
#include "pull.h"

enum { REDRAW_MS = 100, RATE_MS = 3000, BARS_MAX = 8, FOREVER = 60 * 1000 };

static struct {
	const struct pull *p;
	bool on, quiet, terminal;
	int lines;		/* that are drawn, the cursor being below */
	int64_t began, drawn;
	int64_t before;		/* bytes that earlier pulls had left */
	int64_t rate, rate_at, rate_have;
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
}

int
show_wait(void)
{
	int64_t left = s.drawn + REDRAW_MS - now_ms();

	if (!s.on || !s.terminal)
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

/* While one flight gets all and others still get ranges, some counts twice. */
static int64_t
blob_has(const struct blob *b)
{
	int64_t most = b->have < b->d.size ? b->have : b->d.size;

	return most < b->prefix ? b->prefix : most;
}

static int64_t
total_have(void)
{
	int64_t have = 0;

	for (size_t i = 0; i < s.p->n; i++)
		have += blob_has(&s.p->blobs[i]);
	return have;
}

static void
measure(int64_t have, int64_t now)
{
	if (now - s.rate_at < 500 && s.rate)
		return;
	if (now > s.rate_at && s.rate_have) {
		int64_t fresh = (have - s.rate_have) * 1000 /
		    (now - s.rate_at);

		s.rate = s.rate ? (s.rate * 2 + fresh) / 3 : fresh;
		if (s.rate < 0)
			s.rate = 0;
	}
	s.rate_at = now;
	s.rate_have = have;
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
	    (int)((double)blob_has(b) / (double)b->d.size * room) : 0;

	if (room < 4) {
		done[0] = '\0';
	} else {
		memset(done, '=', (size_t)n);
		memset(done + n, ' ', (size_t)(room - n));
		done[room] = '\0';
	}
	snprintf(text, sizeof(text), "  %-16s %s%s%s %s of %s", b->what,
	    room < 4 ? "" : "[", done, room < 4 ? "" : "]",
	    human_size(blob_has(b), have), human_size(b->d.size, all));
	line(text, width);
}

static void
summary(int width, int64_t have)
{
	char a[HUMAN_LEN], b[HUMAN_LEN], c[HUMAN_LEN], text[300];
	char eta[32] = "";
	int64_t left = s.p->size - have;

	if (s.rate > 0 && left > 0 && left / s.rate < 360000)
		snprintf(eta, sizeof(eta), ", %lld:%02lld left",
		    (long long)(left / s.rate / 60),
		    (long long)(left / s.rate % 60));
	snprintf(text, sizeof(text), "%s of %s, %s/s%s", human_size(have, a),
	    human_size(s.p->size, b), human_size(s.rate, c), eta);
	line(text, width);
}

static void
draw(void)
{
	int64_t now = now_ms(), have = total_have();
	int rows, width = columns(&rows), bars = 0;

	if (now - s.drawn < REDRAW_MS || !s.p->n)
		return;
	s.drawn = now;
	measure(have, now);
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
	summary(width, have);
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
	if (s.on && s.terminal)
		draw();
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
