/* moment.c - clock, entropy, and whether they are all; see moment.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "moment.h"
#include "ops.h"

enum { ENTROPY_MAX = 256 };

/*
 * Who the machine is, as a number (FNV-1a): the host says it, whom there is no
 * use in deceiving, and nothing secret stays in memory.
 */
static const uint64_t nobody = 0xcbf29ce484222325;
static const uint64_t prime = 0x100000001b3;

static uint64_t known;		/* what it is; 0: that is not certain */
static uint64_t asked;		/* what is being made of it, or 0 */
static bool several;		/* of more than one request at once */

static bool
set_clock(const char *request)
{
	int64_t ns = json_int(json_get(request, "time_ns"), 1, INT64_MAX, 0);
	struct timespec ts = { .tv_sec = ns / 1000000000,
		.tv_nsec = ns % 1000000000 };

	if (!ns || !clock_settime(CLOCK_REALTIME, &ts))
		return true;
	complain("cannot set the clock: %s", strerror(errno));
	return false;
}

static int
hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

/* Writing to urandom would mix it in, but neither count nor rekey. */
static bool
add_entropy(const char *request)
{
	struct {
		struct rand_pool_info info;
		unsigned char bytes[ENTROPY_MAX];
	} pool = { .info.buf_size = 0 };
	const char *hex = json_get(request, "entropy");
	unsigned char *to = (unsigned char *)pool.info.buf;
	int fd, r;

	if (!json_is_str(hex))
		return true;
	for (hex++; pool.info.buf_size < ENTROPY_MAX &&
	    hex_digit(hex[0]) >= 0 &&
	    hex_digit(hex[1]) >= 0; hex += 2)
		to[pool.info.buf_size++] = (unsigned char)
		    (hex_digit(hex[0]) << 4 | hex_digit(hex[1]));
	pool.info.entropy_count = pool.info.buf_size * 8;
	fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);
	r = fd < 0 || ioctl(fd, RNDADDENTROPY, &pool) ||
	    ioctl(fd, RNDRESEEDCRNG);
	if (r)
		complain("cannot seed the random numbers: %s",
		    strerror(errno));
	if (fd >= 0)
		close(fd);
	return !r;
}

bool
moment_set(const char *request)
{
	return set_clock(request) && add_entropy(request);
}

static uint64_t
identity(const char *request)
{
	static const char *const keys[] = { "hostname", "machine_id", "ip",
		"gateway", "mac", "dns", "work", "authorized_keys",
		"ssh_host_key", "ssh_host_key_pub", "image" };
	uint64_t sum = nobody;

	for (uint64_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *v = json_get(request, keys[i]);
		size_t n = v ? json_size(v) : 0;

		/* Which of them it is, too. */
		if (v)
			sum = (sum ^ i) * prime;
		for (size_t at = 0; at < n; at++)
			sum = (sum ^ (uint8_t)v[at]) * prime;
	}
	return sum;
}

bool
moment_alone(const char *request)
{
	uint64_t who = identity(request);

	return (who == nobody || who == known) &&
	    !json_true(json_get(request, "install_sshd"));
}

void
moment_asked(const char *request)
{
	several = asked;
	asked = identity(request);
	known = 0;
}

void
moment_known(void)
{
	known = several ? 0 : asked;
	asked = 0;
	several = false;
}
