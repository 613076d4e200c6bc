/* badregd - a registry that misbehaves as its repositories' names say
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: badregd LAYOUT LOG
 *
 * Serves the directory LAYOUT (oci-layout, index.json, blobs) on a port of
 * 127.0.0.1 that it prints. In repository MODE/ARG everything is as it should
 * be, but for what MODE says. A line in LOG for each request, when it has been
 * answered: "METHOD REPOSITORY manifests|blobs REFERENCE STATUS BYTES RANGE",
 * BYTES being how much of the body went out.
 *
 * Blobs:
 *   good/X        nothing
 *   norange/X     ranges are ignored: 200
 *   r416open/X    416 to ranges without an end; r416closed, r416all
 *   wrongrange/X  another range than was asked for, and says so
 *   shifted/X     another range, and says it is the right one
 *   total/N       a range's total is N more than there is
 *   longer/N      Content-Length is N more than comes; shorter/N
 *   nolength/X    no Content-Length
 *   trailer/X     in one chunk, with a header behind it
 *   cut/N         N bytes a connection
 *   stall/N       N bytes, then nothing, for ever
 *   flip/N        byte N is another
 *   empty/X       nothing comes
 *   once/X        a redirect to a URL that is good for one request
 *   loop/X        a redirect to itself; hops/N: N of them; tofile/X
 *   none/STATUS   that status
 *   busy/N[-S]    the first N requests: 429, with Retry-After S
 *   fail/N-S      the first N requests: status S (these two manifests, too)
 * Manifests:
 *   huge/N        N MiB of blanks around it; vast/X: without end
 *   bent/X        a byte is another; liar/X: the digest header is
 *   page/X        an HTML page
 *   old/X         schema 1
 *   auth/KIND     401, naming a token server that is: endless, page, empty,
 *                 refuse, never (its tokens do not help), file (a file: URL),
 *                 stall, or a scheme that nobody knows: scheme
 */
#include <cjson/cJSON.h>

#include "http.h"

static const struct applet badregd = { "badregd",
	"usage: badregd LAYOUT LOG\n\n", NULL, PLAIN };
const struct applet *self = &badregd;

enum { COUNTERS = 4096 };

/* How often each repository, or URL, was asked for; shared by all. */
static struct counter {
	char name[96];
	unsigned n;
} *counters;

static const char *layout;
static int logfd;

struct reply {
	int status;
	char extra[1024];		/* header lines */
	char type[128];
	char *body;
	size_t size;			/* of the whole */
	int64_t from, to, total;	/* what a range says it is */
	size_t at, n;			/* what is sent of it */
	int64_t length;			/* what the header says; -1: nothing */
	bool chunk;			/* the body is one, with a trailer */
	bool partial, stall;
};

struct ask {
	struct query *q;
	char repo[256], mode[64], arg[192], kind[16], ref[160];
	bool manifest, range, open;	/* a range is asked for; without end */
	unsigned long long from, to;
};

/* The n-th time that this name is asked about, from 0. */
static unsigned
nth(const char *name)
{
	for (int i = 0; i < COUNTERS; i++) {
		struct counter *c = &counters[i];

		if (!c->name[0])
			snprintf(c->name, sizeof(c->name), "%s", name);
		if (!strcmp(c->name, name))
			return __atomic_fetch_add(&c->n, 1, __ATOMIC_SEQ_CST);
	}
	die("too many names");
}

static bool
mode_is(const struct ask *a, const char *name)
{
	return !strcmp(a->mode, name);
}

/* --- what is in the layout -------------------------------------------- */

static char *
read_whole(const char *path, size_t *ret_size)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text;

	if (fd < 0 || fstat(fd, &st)) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	/* Private: some modes change it. */
	text = mmap(NULL, (size_t)st.st_size + 1, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE, fd, 0);
	close(fd);
	*ret_size = (size_t)st.st_size;
	return text == MAP_FAILED ? NULL : text;
}

static char *
blob(const char *ref, size_t *ret_size)
{
	char path[512];

	if (strncmp(ref, "sha256:", 7) || strchr(ref, '/'))
		return NULL;
	snprintf(path, sizeof(path), "%s/blobs/sha256/%s", layout, ref + 7);
	return read_whole(path, ret_size);
}

/* The digest that a tag stands for. */
static void
resolve(char ref[160])
{
	char path[512];
	size_t size;
	char *text;
	cJSON *json, *entry;

	snprintf(path, sizeof(path), "%s/index.json", layout);
	text = read_whole(path, &size);
	json = text ? cJSON_ParseWithLength(text, size) : NULL;
	cJSON_ArrayForEach(entry, cJSON_GetObjectItem(json, "manifests")) {
		const char *tag = cJSON_GetStringValue(cJSON_GetObjectItem(
		    cJSON_GetObjectItem(entry, "annotations"),
		    "org.opencontainers.image.ref.name"));
		const char *digest = cJSON_GetStringValue(
		    cJSON_GetObjectItem(entry, "digest"));

		if (tag && digest && !strcmp(tag, ref)) {
			snprintf(ref, 160, "%s", digest);
			break;
		}
	}
	cJSON_Delete(json);
}

static void
media_type(const char *text, size_t size, char type[128])
{
	cJSON *json = cJSON_ParseWithLength(text, size);
	const char *t = cJSON_GetStringValue(cJSON_GetObjectItem(json,
	    "mediaType"));

	snprintf(type, 128, "%s", t ? t :
	    "application/vnd.oci.image.manifest.v1+json");
	cJSON_Delete(json);
}

/* --- a good answer ---------------------------------------------------- */

printf_fn(2, 3) static void
add_header(struct reply *r, const char *fmt, ...)
{
	size_t n = strlen(r->extra);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->extra + n, sizeof(r->extra) - n, fmt, ap);
	va_end(ap);
}

/* Only that status, and a line of text. */
static void
only(struct reply *r, int status)
{
	static char no[] = "no\n";

	r->status = status;
	r->partial = false;
	r->body = no;
	r->at = 0;
	r->length = (int64_t)(r->n = r->size = 3);
	snprintf(r->type, sizeof(r->type), "text/plain");
}

static void
cut_range(const struct ask *a, struct reply *r)
{
	if (!a->range)
		return;
	if (a->from >= r->size) {
		only(r, 416);
		return;
	}
	r->status = 206;
	r->partial = true;
	r->at = a->from;
	r->n = (a->open || a->to >= r->size ? r->size : a->to + 1) - r->at;
	r->from = (int64_t)r->at;
	r->to = (int64_t)(r->at + r->n) - 1;
	r->total = (int64_t)r->size;
	r->length = (int64_t)r->n;
}

static void
good(struct ask *a, struct reply *r)
{
	if (a->manifest && !strchr(a->ref, ':'))
		resolve(a->ref);
	r->body = blob(a->ref, &r->size);
	if (!r->body) {
		only(r, 404);
		return;
	}
	r->status = 200;
	r->length = (int64_t)(r->n = r->size);
	snprintf(r->type, sizeof(r->type), "application/octet-stream");
	if (a->manifest) {
		media_type(r->body, r->size, r->type);
		add_header(r, "Docker-Content-Digest: %s\r\n", mode_is(a,
		    "liar") ? "sha256:0000000000000000000000000000000000000000"
		    "000000000000000000000000" : a->ref);
	} else if (!mode_is(a, "norange")) {
		add_header(r, "Accept-Ranges: bytes\r\n");
		cut_range(a, r);
	}
}

static void
note(const struct ask *a, const struct reply *r, size_t sent)
{
	const struct query *q = a->q;

	dprintf(logfd, "%s %s %s %s %d %zu %s\n", q->method, a->repo, a->kind,
	    a->ref, r->status, sent, q->range[0] ? q->range : "-");
}

static void
send_reply(const struct ask *a, const struct reply *r)
{
	const struct query *q = a->q;
	size_t sent = 0, n = strcmp(q->method, "HEAD") ? r->n : 0;

	/* Before the end, which is when somebody may look at the log. */
	if (!n)
		note(a, r, 0);
	send_text(q, "HTTP/1.1 %d Well\r\nContent-Type: %s\r\n"
	    "Connection: close\r\n%s", r->status, r->type, r->extra);
	if (r->length >= 0)
		send_text(q, "Content-Length: %lld\r\n",
		    (long long)r->length);
	if (r->partial)
		send_text(q, "Content-Range: bytes %lld-%lld/%lld\r\n",
		    (long long)r->from, (long long)r->to,
		    (long long)r->total);
	if (r->chunk)
		send_text(q, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n",
		    r->n);
	else
		send_text(q, "\r\n");
	while (sent < n) {
		size_t most = n - sent > 1 ? n - sent - 1 : 1;
		ssize_t w;

		if (n - sent == 1)
			note(a, r, n);
		w = write(q->fd, r->body + r->at + sent, most);
		if (w <= 0)
			break;
		sent += (size_t)w;
	}
	if (sent + 1 < n)
		note(a, r, sent);
	if (r->chunk)
		send_text(q, "\r\n0\r\nX-Behind: it\r\n\r\n");
	while (r->stall)
		pause();
}

/* --- a bad one -------------------------------------------------------- */

/* busy/N-S and fail/N-S, for whatever is asked. */
static bool
not_yet(const struct ask *a, struct reply *r)
{
	unsigned many = 0, number = 0;
	int fields = sscanf(a->arg, "%u-%u", &many, &number);

	if (nth(a->repo) >= many)
		return false;
	only(r, mode_is(a, "busy") ? 429 : (int)number);
	if (mode_is(a, "busy") && fields == 2)
		add_header(r, "Retry-After: %u\r\n", number);
	return true;
}

static void
redirect(const struct ask *a, struct reply *r)
{
	unsigned long n = strtoul(a->arg, NULL, 10);

	only(r, 307);
	if (mode_is(a, "tofile"))
		add_header(r, "Location: file:///etc/passwd\r\n");
	else if (mode_is(a, "once"))
		add_header(r, "Location: /once/%u/%s\r\n", nth("once"),
		    a->ref);
	else if (mode_is(a, "hops"))
		add_header(r, "Location: /v2/%s/%lu/%s/%s\r\n", n > 1 ?
		    "hops" : "good", n > 1 ? n - 1 : 0, a->kind, a->ref);
	else
		add_header(r, "Location: %s\r\n", a->q->path);
}

static bool
bad_range(const struct ask *a, struct reply *r, int64_t n)
{
	if (mode_is(a, "total")) {
		r->total += n;
	} else if (mode_is(a, "wrongrange") && r->partial) {
		r->at = r->at ? 0 : 1;
		r->n = r->n > 1 ? r->n - 1 : 1;
		r->from = (int64_t)r->at;
		r->to = (int64_t)(r->at + r->n) - 1;
		r->length = (int64_t)r->n;
	} else if (mode_is(a, "shifted") && r->partial) {
		r->at = r->at + r->n < r->size ? r->at + 1 : 0;
	} else if ((mode_is(a, "r416open") && a->range && a->open) ||
	    (mode_is(a, "r416closed") && a->range && !a->open) ||
	    (mode_is(a, "r416all") && a->range)) {
		only(r, 416);
	} else {
		return false;
	}
	return true;
}

static void
bad_blob(const struct ask *a, struct reply *r)
{
	int64_t n = strtoll(a->arg, NULL, 10);

	if (bad_range(a, r, n))
		return;
	if (mode_is(a, "longer")) {
		r->length += n;
	} else if (mode_is(a, "shorter")) {
		r->length = r->length > n ? r->length - n : 0;
		r->n = (size_t)r->length;
	} else if (mode_is(a, "nolength")) {
		r->length = -1;
	} else if (mode_is(a, "trailer")) {
		r->length = -1;
		r->chunk = true;
	} else if (mode_is(a, "cut") || mode_is(a, "stall")) {
		r->n = r->n < (size_t)n ? r->n : (size_t)n;
		r->stall = mode_is(a, "stall");
	} else if (mode_is(a, "flip") && (size_t)n < r->size) {
		r->body[n] = (char)~r->body[n];
	} else if (mode_is(a, "empty")) {
		r->length = (int64_t)(r->n = 0);
	} else if (mode_is(a, "none")) {
		only(r, (int)n);
	} else if (mode_is(a, "once") || mode_is(a, "loop") ||
	    mode_is(a, "hops") || mode_is(a, "tofile")) {
		redirect(a, r);
	}
}

static void
text_body(struct reply *r, const char *type, const char *text)
{
	r->body = xasprintf("%s", text);
	r->length = (int64_t)(r->n = r->size = strlen(text));
	snprintf(r->type, sizeof(r->type), "%s", type);
}

/* The same JSON with blanks around it. */
static void
grow(struct reply *r, size_t mib)
{
	size_t size = mib << 20;
	char *text = xmalloc(size);

	memset(text, ' ', size);
	memcpy(text, r->body, r->size < size ? r->size : size);
	r->body = text;
	r->length = (int64_t)(r->n = r->size = size);
}

static void
bad_manifest(const struct ask *a, struct reply *r)
{
	if (mode_is(a, "huge"))
		grow(r, strtoul(a->arg, NULL, 10));
	else if (mode_is(a, "vast"))
		endless(a->q, "\r\n                                        ");
	else if (mode_is(a, "bent"))
		r->body[r->size - 1] = ' ';
	else if (mode_is(a, "page"))
		text_body(r, "text/html", "<html>Please sign in</html>\n");
	else if (mode_is(a, "old"))
		text_body(r, "application/vnd.docker.distribution.manifest.v1"
		    "+prettyjws", "{\"schemaVersion\":1,\"name\":\"old\","
		    "\"fsLayers\":[]}");
}

/* --- tokens ----------------------------------------------------------- */

static void
challenge(const struct ask *a, struct reply *r)
{
	char host[128];

	only(r, 401);
	copy_header(a->q->request, "\r\nHost: ", host, sizeof(host));
	if (!strcmp(a->arg, "scheme"))
		add_header(r, "WWW-Authenticate: Handshake firm=yes\r\n");
	else if (!strcmp(a->arg, "file"))
		add_header(r, "WWW-Authenticate: Bearer "
		    "realm=\"file:///etc/passwd\",service=\"x\"\r\n");
	else
		add_header(r, "WWW-Authenticate: Bearer "
		    "realm=\"http://%s/token/%s\",service=\"x\"\r\n", host,
		    a->arg);
}

static void
token(struct ask *a, struct reply *r, const char *kind)
{
	snprintf(a->kind, sizeof(a->kind), "token");
	snprintf(a->ref, sizeof(a->ref), "%s", kind);
	a->ref[strcspn(a->ref, "?")] = '\0';
	r->status = 200;
	if (!strcmp(a->ref, "endless"))
		endless(a->q, "\r\n{\"token\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaa");
	if (!strcmp(a->ref, "page"))
		text_body(r, "text/html", "<html>Sign in</html>\n");
	else if (!strcmp(a->ref, "empty"))
		text_body(r, "application/json", "{}");
	else if (!strcmp(a->ref, "refuse"))
		only(r, 403);
	else
		text_body(r, "application/json", "{\"token\":\"t0ken\"}");
	if (!strcmp(a->ref, "stall")) {
		r->n = 0;
		r->stall = true;
	}
}

/* --- requests --------------------------------------------------------- */

/* "/v2/MODE/ARG.../manifests/REF" into its parts. */
static bool
parse(struct ask *a)
{
	const char *path = a->q->path, *end;

	if (sscanf(a->q->range, "bytes=%llu-%llu", &a->from, &a->to) >= 1) {
		a->range = true;
		a->open = !isdigit((unsigned char)a->q->range[
		    strlen(a->q->range) - 1]);
	}
	if (strncmp(path, "/v2/", 4))
		return false;
	path += 4;
	end = strstr(path, "/manifests/");
	a->manifest = end != NULL;
	if (!end)
		end = strstr(path, "/blobs/");
	if (!end)
		return false;
	snprintf(a->kind, sizeof(a->kind), a->manifest ? "manifests" :
	    "blobs");
	snprintf(a->ref, sizeof(a->ref), "%s", strrchr(end, '/') + 1);
	snprintf(a->repo, sizeof(a->repo), "%.*s", (int)(end - path), path);
	return sscanf(a->repo, "%63[^/]/%191s", a->mode, a->arg) == 2;
}

/* What is neither a manifest nor a blob. */
static void
elsewhere(struct ask *a, struct reply *r)
{
	const char *path = a->q->path;

	snprintf(a->repo, sizeof(a->repo), "-");
	snprintf(a->kind, sizeof(a->kind), "-");
	snprintf(a->ref, sizeof(a->ref), "%.159s", path);
	if (!strncmp(path, "/token/", 7)) {
		token(a, r, path + 7);
	} else if (!strncmp(path, "/once/", 6) && strchr(path + 6, '/')) {
		if (nth(path)) {
			only(r, 403);
			return;
		}
		snprintf(a->kind, sizeof(a->kind), "once");
		snprintf(a->ref, sizeof(a->ref), "%s", strrchr(path, '/') + 1);
		good(a, r);
	} else {
		only(r, strcmp(path, "/v2/") ? 404 : 200);
	}
}

static void
answer(struct query *q)
{
	struct ask a = { .q = q };
	struct reply r = { .length = -1 };

	if (!parse(&a)) {
		elsewhere(&a, &r);
	} else if ((mode_is(&a, "busy") || mode_is(&a, "fail")) &&
	    not_yet(&a, &r)) {
		;
	} else if (mode_is(&a, "auth") && (!q->auth[0] ||
	    !strcmp(a.arg, "never"))) {
		challenge(&a, &r);
	} else {
		good(&a, &r);
		if (r.status < 300 && a.manifest)
			bad_manifest(&a, &r);
		else if (r.status < 300)
			bad_blob(&a, &r);
	}
	send_reply(&a, &r);
}

int
main(int argc, char *argv[])
{
	msg_name = "badregd";
	if (argc != 3)
		die_usage("a layout and a log are wanted");
	layout = argv[1];
	logfd = xopen(argv[2], O_WRONLY | O_CREAT | O_APPEND, 0600);
	counters = mmap(NULL, COUNTERS * sizeof(*counters), PROT_READ |
	    PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counters == MAP_FAILED)
		die_sys("cannot map memory");
	serve_http(answer);
}
