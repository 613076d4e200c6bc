/* net.c - one loop: transfers, deadlines, jobs, and stdout
 *
 * SPDX-License-Identifier: MIT
 *
 * libcurl's own poll is what the loop sleeps in: it knows its sockets and
 * timeouts, takes one descriptor of ours along, and a thread can wake it.
 *
 * 1. Everything but job->run happens in the main thread.
 * 2. Connections speak HTTP/1.1: a server that limits each of them must not
 *    see one where there are many.
 */
#include <curl/curl.h>
#include <poll.h>
#include <pthread.h>

#include "bng.h"
#include "clock.h"
#include "pull.h"

enum { STACK = 256 << 10, BUFFER = 256 << 10, CONNECT_S = 30 };

static CURLM *multi;
static const char *ca;
static struct exchange *parked;	/* those whose time comes */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct job *ended;
static int running;

int64_t
now_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

void
net_init(const char *cafile, int connections)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) ||
	    !(multi = curl_multi_init()))
		die("cannot start libcurl");
	ca = cafile;
	/* A registry's, and those of where it redirects to. */
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 2L * connections + 2);
	curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
}

void *
net_handle(void *old, long stall)
{
	CURL *c = old ? old : curl_easy_init();

	if (!c)
		die("out of memory");
	curl_easy_reset(c);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "banger/" BNG_VERSION);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT,
	    stall < CONNECT_S ? stall : (long)CONNECT_S);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 100L);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, stall);
	curl_easy_setopt(c, CURLOPT_BUFFERSIZE, (long)BUFFER);
	if (ca)
		curl_easy_setopt(c, CURLOPT_CAINFO, ca);
	return c;
}

void
net_add(struct exchange *x)
{
	if (x->due) {
		x->next = parked;
		parked = x;
		return;
	}
	curl_easy_setopt(x->curl, CURLOPT_PRIVATE, x);
	if (curl_multi_add_handle(multi, x->curl))
		die("cannot start a transfer");
}

/* Start those whose time has come; how long it is to the next. */
static int
deadlines(int timeout)
{
	int64_t now = now_ms();
	struct exchange *x, *next, *list = parked;

	parked = NULL;
	for (x = list; x; x = next) {
		next = x->next;
		if (x->due > now) {
			if (x->due - now < timeout)
				timeout = (int)(x->due - now);
			net_add(x);
		} else {
			x->due = 0;
			exchange_due(x);
		}
	}
	return timeout;
}

static void
transfers(void)
{
	struct exchange *x;
	CURLMsg *msg;
	int n;

	if (curl_multi_perform(multi, &n))
		die("cannot go on with transfers");
	while ((msg = curl_multi_info_read(multi, &n))) {
		CURLcode code = msg->data.result;
		CURL *c = msg->easy_handle;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(c, CURLINFO_PRIVATE, &x);
		curl_multi_remove_handle(multi, c);
		exchange_ended(x, (int)code);
	}
}

static void
jobs_ended(void)
{
	struct job *j, *next;

	pthread_mutex_lock(&mutex);
	j = ended;
	ended = NULL;
	pthread_mutex_unlock(&mutex);
	for (; j; j = next) {
		next = j->next;
		running--;
		j->done(j, j->r);
	}
}

static void *
job_thread(void *arg)
{
	struct job *j = arg;

	j->r = j->run(j);
	pthread_mutex_lock(&mutex);
	j->next = ended;
	ended = j;
	pthread_mutex_unlock(&mutex);
	curl_multi_wakeup(multi);
	return NULL;
}

void
job_start(struct job *j)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&thread, &attr, job_thread, j);
	pthread_attr_destroy(&attr);
	if (r)
		die("cannot start a thread: %s", strerror(r));
	running++;
}

int
jobs_running(void)
{
	return running;
}

bool
net_turn(int fd, int timeout)
{
	struct curl_waitfd w = { .fd = fd, .events = CURL_WAIT_POLLOUT };
	int n;

	timeout = deadlines(timeout);
	if (curl_multi_poll(multi, &w, fd >= 0, timeout, &n))
		die("cannot wait for transfers");
	transfers();
	jobs_ended();
	return w.revents;
}
