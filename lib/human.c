/* human.c - numbers as people read them; see human.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <time.h>

#include "bng.h"
#include "human.h"

char *
human_size(int64_t bytes, char buf[HUMAN_LEN])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t u = 0;
	double n = (double)bytes;

	while (n >= 1024 && u + 1 < ARRAY_SIZE(units)) {
		n /= 1024;
		u++;
	}
	/* One decimal, unless it would be a zero or would not matter. */
	snprintf(buf, HUMAN_LEN, "%.*f %s",
	    n < 10 && (int64_t)(n * 10 + 0.5) % 10 ? 1 : 0, n, units[u]);
	return buf;
}

char *
human_span(int64_t seconds, char buf[HUMAN_LEN])
{
	static const struct {
		int64_t from, unit;
		const char *name;
	} steps[] = {
		{ 2 * 86400, 86400, "days" }, { 2 * 3600, 3600, "h" },
		{ 120, 60, "min" }, { 1, 1, "s" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		if (seconds < steps[i].from)
			continue;
		snprintf(buf, HUMAN_LEN, "%lld %s",
		    (long long)(seconds / steps[i].unit), steps[i].name);
		return buf;
	}
	snprintf(buf, HUMAN_LEN, "now");
	return buf;
}

char *
human_age(int64_t since, char buf[HUMAN_LEN])
{
	int64_t now = time(NULL);
	size_t len;

	buf[0] = '\0';
	if (since < 0 || since > now)
		return buf;
	len = strlen(human_span(now - since, buf));
	if (now > since)
		snprintf(buf + len, HUMAN_LEN - len, " ago");
	return buf;
}
