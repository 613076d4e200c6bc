/* pull.h - what the files of bng-pull share
 *
 * url.c        a URL that a person gives
 * fetch.c      the verb fetch: one file, whole and right
 * transfer.c   its requests, redirects and second tries
 * answer.c     its answers: headers, ranges, bytes
 * meter.c      its progress
 * unpack.c     the verb unpack
 * ref.c        the name of an image
 * challenge.c  what a WWW-Authenticate header asks for
 * jsonread.c   JSON of a peer's, bounded
 * manifest.c   indexes and manifests
 * login.c      who the person is to a registry
 * helper.c     the programs that keep passwords
 * net.c        one loop for transfers, timers, jobs and stdout
 * exchange.c   a question to a registry, until it has an answer
 * answered.c   what of an answer's headers counts
 * auth.c       tokens
 * origin.c     registries and mirrors: where, and by which scheme
 * resolve.c    from a name to the manifest of one image
 * cache.c      the directory of blobs
 * journal.c    what of an unfinished blob is there
 * hold.c       who has a blob
 * blob.c       its bytes on their way into the cache
 * flight.c     ranges of blobs, several at once
 * stream.c     the archive on stdout
 * show.c       the progress of a pull
 * oci.c        the verb oci: all of these together
 * prune.c      the verb prune
 */
#ifndef BNG_PULL_H
#define BNG_PULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <time.h>

#include "clean.h"
#include "digest.h"
#include "part.h"

enum {
	MANIFEST_MAX = 4 << 20,	/* bytes of a manifest or an index */
	TOKEN_MAX = 64 << 10,	/* of what a token server answers */
	LAYERS_MAX = 1000,
	GRAIN = 1 << 20,	/* what a journal counts in, and may not know */
};

/* A usage error unless it can be fetched; shown has no user and password. */
void xurl(const char *text, char **ret_url, char **ret_shown);

/* One file on its way, and the request that it is at. */
struct fetch {
	void *curl;
	struct part part;
	struct digest *digest;
	char source[DIGEST_HEX];	/* of the URL: it may hold secrets */
	char *url, *shown;
	const char *want, *file, *cafile;
	int64_t max, stall;
	bool progress;
	bool copy;			/* to stdout, with a part */
	int64_t copied;			/* so much of it */

	/* This request: */
	int64_t from;			/* where it asked to start */
	bool begun;			/* the body was judged */
	bool grew;			/* and brought bytes */
	char why[256];			/* why we ended it */
	size_t headers;
	bool headed;		/* the empty line behind them came */
	char etag[256], modified[64];
	int64_t range_from, range_total;

	/* Progress: */
	struct timespec since, last;
	int64_t first;			/* bytes that were there before */
};

noreturn_fn void fetch_cannot(const struct fetch *f, const char *why);
noreturn_fn void fetch_cannot_write(const struct fetch *f, int r);
/* n bytes of the file, from there on, for stdout: what is new to it. */
void fetch_copy(struct fetch *f, int64_t from, const void *p, size_t n);
/* Take note of why this request has to end; 0. */
printf_fn(2, 3) size_t fetch_refuse(struct fetch *f, const char *fmt, ...);
/* The headers are there: is this the body that was asked for? 0 if not. */
size_t fetch_begins(struct fetch *f);
/* libcurl's callbacks. */
size_t fetch_on_header(char *data, size_t one, size_t n, void *ctx);
size_t fetch_on_body(char *data, size_t one, size_t n, void *ctx);
int fetch_on_progress(void *ctx, int64_t total, int64_t now, int64_t utotal,
    int64_t unow);
void fetch_show(struct fetch *f, int64_t total, bool end);
/* All requests that it takes until the file is there. Dies if it cannot be. */
void fetch_transfer(struct fetch *f);

/* The name of an image in its parts. */
struct ref {
	char host[256];		/* with its port */
	char path[256];
	char tag[129];		/* "": none */
	char digest[DIGEST_NAME];
	char local[400];	/* what to call the image here */
};

/* 0, or -EINVAL with the reason and the character, from 1, where it is. */
int ref_parse(struct ref *ret, const char *text, const char **ret_why,
    size_t *ret_at);

/* The same; a bad one is wrong usage. */
void xref(struct ref *ret, const char *text);

/* What a server wants to be told before it answers. */
struct challenge {
	bool basic, bearer;
	char realm[1024], service[256], scope[1024];	/* of bearer */
};

/*
 * Read the values of WWW-Authenticate headers, joined by commas. Schemes that
 * we do not know are passed over; false when none is left, or it is malformed.
 */
bool challenge_parse(struct challenge *ret, const char *text);

struct cJSON;

/* Parse n bytes of a peer's; NULL when they are not JSON, or too much of it. */
struct cJSON *json_read(const char *text, size_t n);

/* The member if it is a string, else NULL. */
const char *json_text(const struct cJSON *object, const char *key);

/* What a manifest says of a blob. */
struct descriptor {
	char type[128];
	char digest[DIGEST_NAME];
	int64_t size;
};

struct manifest {
	bool is_index;
	char type[128];
	struct descriptor best;		/* of an index: linux/amd64's */
	struct descriptor config;
	size_t n;
	struct descriptor *layers;	/* lowest first; malloc'ed */
};

/*
 * Read a manifest or index. type is the server's Content-Type or "". 0, or
 * -EBADMSG with the reason.
 */
int manifest_read(struct manifest *ret, const char *text, size_t n,
    const char *type, const char **ret_why);

/* Who a person is to one registry. All NULL: nobody. */
struct login {
	char *user, *password;
	char *identity;		/* a token to get tokens with */
	char *token;		/* one to show as it is */
	char *from;		/* where that was written */
	bool malformed;		/* there was one that cannot be read */
};

/*
 * Look a repository of host's up in file, or where docker and podman keep such
 * things.
 */
void login_find(struct login *ret, const char *file, const char *host,
    const char *repo);

/* From the text of a docker config.json; false: it is not one. */
bool login_read(struct login *ret, char **ret_helper, const char *text,
    size_t n, const char *host, const char *repo);

/* Ask docker-credential-NAME. 0, also when it knows nothing, or -errno. */
int helper_ask(struct login *ret, const char *name, const char *host);

/*
 * A registry or a mirror of one.
 */
struct origin {
	char *host;		/* with its port; what logins are kept under */
	char *base;		/* "https://host/prefix" */
	char *other;		/* the same with the other scheme, or NULL */
	bool plain_ok;		/* http may be spoken with it */
	bool turned;		/* these two have changed places, */
	char doubt[256];	/* as a connection ended so; "" if not */
	bool alive;		/* it has answered */
	bool insecure;		/* also other hosts than this */
	const char *authfile;
	const char *repo;	/* "library/debian" */

	/* auth.c: */
	char *authorization;	/* a header, or NULL */
	unsigned generation;	/* of that header */
	bool looked;
	struct login login;
	struct exchange *token;	/* on its way */
	struct exchange *waiting;
};

/* A question, and everything until it is answered. */
struct exchange {
	/* The owner's; fill with zeros what is not needed. */
	struct origin *at;
	char *path;		/* "/v2/..." there, or a whole URL */
	const char *accept;	/* a header, or NULL */
	const char *form;	/* to POST, or NULL */
	char *basic;		/* a header for a token server, or NULL */
	void *owner;
	/* Before each try: the range to ask for, "" for all. */
	void (*range)(struct exchange *x, char *buf, size_t size);
	/* A good answer begins; false: it is none, see x->why. */
	bool (*begin)(struct exchange *x);
	bool (*body)(struct exchange *x, const void *data, size_t n);
	/* That (the owner sets it) brought something new to keep. */
	bool grew;
	/* It ended; why is NULL when it ended well. x may be freed. */
	void (*done)(struct exchange *x, const char *why);

	/* The answer's: */
	long status;
	int64_t length;			/* -1: not said */
	int64_t from, to, total;	/* Content-Range; -1: not said */
	char type[128], digest[DIGEST_NAME];
	char challenge[4096];

	/* Private to exchange.c: */
	void *curl, *headers;
	struct exchange *next;		/* in a list of those who wait */
	char *url;			/* of this hop */
	char why[512], error[256], said[2048];
	bool headed;		/* the empty line behind its headers came */
	size_t headers_had, said_had;
	int64_t due;			/* when to try again; 0: not waiting */
	int hops, tries, refusals;
	unsigned generation;
	bool begun, refused;
};

/* The time for deadlines, in milliseconds. */
int64_t now_ms(void);

void net_init(const char *cafile, int connections);

/* An easy handle with what every request of ours has. */
void *net_handle(void *curl, long stall);
void net_add(struct exchange *x);

/*
 * Let things happen: transfers, what is due, jobs that ended, and, when fd is
 * not -1, its being writable. Waits for one of them, for timeout milliseconds
 * at most; whether fd is writable.
 */
bool net_turn(int fd, int timeout);

/* A part of work that waits: a thread runs it, the loop hears of its end. */
struct job {
	int (*run)(struct job *j);
	void (*done)(struct job *j, int r);
	struct job *next;
	int r;
};

void job_start(struct job *j);
int jobs_running(void);

/* exchange.c */
void exchange_start(struct exchange *x);
/* Free what it holds; not x itself. */
void exchange_release(struct exchange *x);
/* For net.c: the transfer ended; a wait is over. */
void exchange_ended(struct exchange *x, int code);
void exchange_due(struct exchange *x);
/* From auth.c: ask again, or give up. */
void exchange_again(struct exchange *x);
void exchange_fail(struct exchange *x, const char *why);
/* How long a peer may be silent, in seconds. */
void exchange_stall(long seconds);
/* Take note of why it is refused; false. */
printf_fn(2, 3) bool exchange_refuse(struct exchange *x, const char *fmt, ...);

/* answered.c: libcurl's header callback. */
size_t answered_header(char *data, size_t one, size_t n, void *ctx);

/* If the line is this header: its value without blanks around, else NULL. */
char *answered_value(char *line, const char *name);
void answered_reset(struct exchange *x);
/* An error as a sentence, with what the registry said of it. */
void answered_error(struct exchange *x, char *buf, size_t size);

/* auth.c: x was answered 401; it is started again, or fails. */
void auth_wanted(struct exchange *x);
/* Whether a login for o is known. */
bool auth_known(const struct origin *o);

/* origin.c */
struct origin *origin_registry(const char *host, bool insecure);
/* NULL when the URL is not one. */
struct origin *origin_mirror(const char *url, bool insecure);
/* Whether this URL may be asked for on behalf of o. NULL, or why not. */
const char *origin_allows(const struct origin *o, const char *url);
/* Whether the URL is o's own, so that o's secrets may go there. */
bool origin_owns(const struct origin *o, const char *url);

/* Where an image may come from, the registry itself being last. */
struct source {
	const struct ref *ref;
	struct origin *origins[16];
	size_t n;
};

/* The image that a name means: its bytes, and what they say. */
struct image {
	struct descriptor self;
	char *text;
	struct manifest m;
	size_t origin;		/* which of the source's it came from */
};

/* resolve.c; dies when there is none. */
void resolve(struct image *ret, struct source *s);

/* cache.c: descriptor of the directory of an algorithm's blobs. Dies. */
int cache_dir(const char *digest);

/* Keep a small blob that was verified. */
void cache_put(const char *digest, const char *text, size_t n);

/* A small blob that is there and right, malloc'ed, or NULL. */
char *cache_get(const char *digest, size_t max, size_t *ret_n);

/* journal.c: see there. */
struct journal {
	int fd;
	size_t lines, synced;
};

enum grain_state { GRAIN_MISSING, GRAIN_FLYING, GRAIN_THERE };

/* The bytes of one come from its beginning on. */
struct grain {
	uint32_t have;		/* so many are in the file */
	uint32_t noted;		/* and so many does the journal know of */
	uint8_t state;
};

/* How long grain g of a blob of that size is. */
uint32_t grain_size(int64_t size, size_t g);
/* Read it into grain (n of them); begin a new one if it is void. */
int journal_open(struct journal *j, int dirfd, const char *name, int part,
    int64_t size, struct grain *grain, size_t n);
/* The grain is there, or, unless 0, so many bytes of it. */
int journal_add(struct journal *j, size_t grain, uint32_t bytes);
/* So many lines are about what is on the disk. */
int journal_mark(struct journal *j, size_t lines);

enum blob_state {
	BLOB_NEW,		/* nobody has looked */
	BLOB_ELSEWHERE,		/* another process is getting it */
	BLOB_OURS,		/* we are */
	BLOB_WHOLE,		/* it is there */
};

struct blob {
	struct descriptor d;
	const char *what;	/* "layer 3 of 7" */
	size_t origin;		/* of the source: who is asked for it */
	size_t origins;		/* how many there are */
	enum blob_state state;
	bool old;		/* it was in the cache before */
	int dirfd, fd;
	char *name, *part, *notes;	/* HEX, HEX.part, HEX.part.journal */
	struct grain *grain;
	size_t ngrain;
	int64_t have;		/* bytes in grains */
	int64_t prefix;		/* all bytes below it are in the file */
	int64_t hashed;		/* and were hashed; == d.size: verified */
	int64_t kept;		/* bytes that an earlier run had left */
	struct digest *sum;
	struct journal journal;
	size_t flights, fruitless;
	bool no_ranges;
	bool settling;
	bool wrong;		/* all of it is there, with another digest */
	int64_t unsynced;
	struct job sync, wait;
	size_t sync_lines;
	const char *from;	/* the host it comes from */
	int64_t began;		/* for the display, milliseconds */
	bool told_begin, told_end;
};

/* blob.c */
void blob_init(struct blob *b, const struct descriptor *d, const char *what);
noreturn_fn void blob_cannot(const struct blob *b, const char *what, int r);
/* Bytes of one grain of it came: how many are new. */
size_t blob_write(struct blob *b, int64_t at, const void *data, size_t n);
/* Tell the journal how much of the grain is there: of how many bytes more. */
size_t blob_note(struct blob *b, size_t grain);
/* Hash up to n bytes that are in the file already; whether there is more. */
bool blob_hash(struct blob *b, int64_t n);
/* It was wrong: from the next origin, once nobody is at work on it. */
void blob_again(struct blob *b);
/* All bytes are there and are right. */
bool blob_verified(const struct blob *b);

/* hold.c: look what is there, and take hold of it, or wait for who has. */
void blob_open(struct blob *b);

/* flight.c */
struct pull {
	struct source source;
	struct image image;
	struct blob *blobs;	/* config, then the topmost layer first */
	size_t n;
	int64_t size;		/* of all of them */
	size_t connections, flying;
	struct flight *flights;
	size_t unnoted;		/* bytes that no journal knows of */
};

/* Give free connections something to do. */
void flight_schedule(struct pull *p);

/* stream.c */
void stream_init(const struct pull *p);
/* Send what can be sent now; whether there is more for when stdout can. */
bool stream_pump(void);
bool stream_ended(void);
/* The blob that is being sent, or NULL, and how much of it was. */
struct blob *stream_blob(int64_t *ret_sent);

/* show.c */
void show_init(const struct pull *p, bool progress, bool quiet);
void show_turn(void);
void show_end(void);
/* Milliseconds until it has something new to say. */
int show_wait(void);
/* Before anybody else writes to stderr. */
void show_clear(void);

/* Verbs. */
int fetch_main(int argc, char *argv[]);
int unpack_main(int argc, char *argv[]);
int ref_main(int argc, char *argv[]);
int oci_main(int argc, char *argv[]);
int prune_main(int argc, char *argv[]);

#endif
