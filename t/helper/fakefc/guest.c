/* guest.c - an agent that configures nothing; see fakefc.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <poll.h>
#include <signal.h>

#include "bng.h"
#include "fakefc.h"

static int hello = -1;		/* how the agent says that it is there */

static void
send_frame(struct peer *p, enum frame_channel ch, const char *data, size_t n)
{
	uint8_t head[FRAME_HEAD];

	frame_put_head(head, ch, (uint32_t)n);
	if (write_all(p->fd, head, FRAME_HEAD) || write_all(p->fd, data, n))
		hang_up(p);
}

static void
control(struct peer *p, const char *json)
{
	send_frame(p, CH_CONTROL, json, strlen(json));
}

/* The last words of a kernel, and what is left then. */
static void
halt(const char *words)
{
	printf("[    3.141592] reboot: %s\r\n", words);
	fflush(stdout);
	for (;;)
		pause();
}

void
announce(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s_1024", fake.uds);
	if (hello >= 0)
		close(hello);
	hello = connect_to(path);
}

void
forget_host(void)
{
	take_in(hello, STALE);
	hello = -1;
}

/* More than either log is to hold. */
static void
shout(void)
{
	for (int i = 0; i < 10000; i++) {
		printf("%500s %d\n", "shout", i);
		say("main", "%500s %d", "shout", i);
	}
	fflush(stdout);
}

/* Its status, or -1: it goes on. */
static int
exec(struct peer *p, const char *word)
{
	static char block[32768];

	if (!strcmp(word, "reboot")) {
		printf("[    3.1] reboot: Restarting system\r\n");
		end(0);
	}
	if (!strcmp(word, "panic")) {
		printf("[    3.1] Kernel panic - not syncing: it rains\r\n");
		end(0);
	}
	if (!strcmp(word, "poweroff"))
		halt("System halted");
	if (!strcmp(word, "poweroff-6.10"))
		halt("Power off not available: System halted instead");
	if (!strcmp(word, "die"))
		end(3);
	if (!strcmp(word, "abort"))
		raise(SIGABRT);
	if (!strcmp(word, "words")) {
		printf("reboot: System halted, says a program\r\n");
		printf("x reboot: System halted\r\n");
		fflush(stdout);
	}
	if (!strcmp(word, "shout"))
		shout();
	if (!strcmp(word, "again"))
		announce();
	if (!strcmp(word, "second")) {
		int first = hello;

		hello = -1;
		announce();
		close(hello);
		hello = first;
	}
	for (int i = 0; !strcmp(word, "flood") && i < 256; i++)
		send_frame(p, CH_STDOUT, block, sizeof(block));
	if (!strcmp(word, "flood"))
		return 0;
	send_frame(p, CH_STDOUT, word, strlen(word));
	send_frame(p, CH_STDOUT, "\n", 1);
	return strcmp(word, "linger") ? 7 : -1;
}

/* How one answers configure that does not like it; false: like any other. */
static bool
unwilling(struct peer *p)
{
	static bool again;
	static const char longest[2000], words[] = "no more\nof this\n";

	if (!strcmp(fake.mode, "sullen")) {
		control(p, "{\"v\":1}");
		control(p, "{\"exit\":3}");
	} else if (!strcmp(fake.mode, "wordy")) {
		control(p, "{\"v\":1}");
		send_frame(p, CH_STDOUT, words, sizeof(words) - 1);
		send_frame(p, CH_STDERR, words, sizeof(words) - 1);
		control(p, "{\"exit\":1}");
	} else if (!strcmp(fake.mode, "refusing")) {
		control(p, "{\"v\":1,\"error\":\"not me\"}");
	} else if (!strcmp(fake.mode, "doubting") && !again) {
		again = true;
		control(p, "{\"v\":1,\"error\":\"not yet\"}");
		poll(NULL, 0, 100);
		announce();
	} else if (!strcmp(fake.mode, "endless")) {
		send_frame(p, CH_CONTROL, longest, sizeof(longest));
	} else if (!strcmp(fake.mode, "raving")) {
		send_frame(p, 9, words, sizeof(words) - 1);
	} else if (!strcmp(fake.mode, "leaving")) {
		hang_up(p);
	} else if (!strcmp(fake.mode, "fleeing")) {
		hang_up(p);
		poll(NULL, 0, 50);
		end(0);
	} else {
		return false;
	}
	return true;
}

static void
request(struct peer *p, char *json)
{
	cJSON *o = cJSON_Parse(json);
	const char *op = text(o, "op");
	const cJSON *argv = cJSON_GetObjectItem(o, "argv");
	int status = 0;
	char last[32];

	if (!strcmp(op, "ping")) {
		control(p, "{\"v\":1,\"pong\":true}");
	} else if (strcmp(op, "configure") || !unwilling(p)) {
		control(p, "{\"v\":1}");
		if (!strcmp(op, "exec"))
			status = exec(p, cJSON_GetStringValue(
			    cJSON_GetArrayItem(argv, 0)));
		snprintf(last, sizeof(last), "{\"exit\":%d}", status);
		if (status >= 0)
			control(p, last);
		if (!strcmp(op, "shutdown"))
			halt("System halted");
	}
	cJSON_Delete(o);
}

void
on_agent(struct peer *p)
{
	while (p->kind == AGENT && p->have >= FRAME_HEAD) {
		const uint8_t *b = (uint8_t *)p->buf;
		size_t n = (size_t)b[1] << 24 | (size_t)b[2] << 16 |
		    (size_t)b[3] << 8 | b[4];
		char *json;

		if (n > REQUEST - FRAME_HEAD) {
			hang_up(p);
			return;
		}
		if (p->have < FRAME_HEAD + n)
			return;
		json = strndup(p->buf + FRAME_HEAD, n);
		p->have -= FRAME_HEAD + n;
		if (b[0] == CH_CONTROL)
			request(p, json);
		memmove(p->buf, p->buf + FRAME_HEAD + n, p->have);
		free(json);
	}
}

void
on_line(struct peer *p)
{
	unsigned port;

	p->buf[p->have] = '\0';
	if (sscanf(p->buf, "CONNECT %u\n", &port) != 1 ||
	    p->buf[p->have - 1] != '\n' || port < 1 || port > 2) {
		hang_up(p);
		return;
	}
	p->have = 0;
	p->kind = AGENT;
	dprintf(p->fd, "OK %u\n", 1073741824U);
	/* The first who wants a machine that is ready. */
	if (port == 1 && fake.fickle)
		hang_up(p);
	fake.fickle &= port != 1;
}
