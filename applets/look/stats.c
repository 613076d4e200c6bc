/* stats.c - what machines cost, and what they use; see look.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <cjson/cJSON.h>

#include "bng.h"
#include "cost.h"
#include "gc.h"
#include "human.h"
#include "json.h"
#include "look.h"
#include "many.h"
#include "names.h"
#include "table.h"
#include "vm.h"

enum { ANSWER_MS = 2000 };	/* each of many has, to say something */

struct machine {
	const char *name;
	int fd;
	enum vm_state state;
	struct cost cost;
	cJSON *guest;		/* what it said, or NULL */
};

/*
 * A number out of what a machine said: o.a, or o.a.b. -1 when there is none;
 * nothing else of its answer is ever shown.
 */
static double
figure(const cJSON *o, const char *a, const char *b)
{
	const cJSON *v = cJSON_GetObjectItem(o, a);
	double most = 9e15;

	if (b)
		v = cJSON_GetObjectItem(v, b);
	if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0) ||
	    !(v->valuedouble <= most))
		return -1;
	return v->valuedouble;
}

static double
load(const cJSON *o)
{
	const cJSON *v = cJSON_GetArrayItem(cJSON_GetObjectItem(o, "load"), 0);

	return cJSON_IsNumber(v) && v->valuedouble >= 0 &&
	    v->valuedouble < 1e6 ? v->valuedouble : -1;
}

static double
percent(const struct cost *c)
{
	if (c->cpu_ms < 0 || c->up_ms <= 0)
		return -1;
	return 100.0 * (double)c->cpu_ms / (double)c->up_ms;
}

/* All running machines are asked together. */
static void
ask_guests(struct machine *all, size_t n)
{
	struct many *m = xcalloc(n + 1, sizeof(*m));
	struct machine **of = xcalloc(n + 1, sizeof(*of));
	size_t asked = 0;

	for (size_t i = 0; i < n; i++) {
		if (all[i].state != VM_RUNNING)
			continue;
		m[asked].dir = all[i].fd;
		m[asked].request = "{\"v\":1,\"op\":\"stats\"}";
		of[asked++] = &all[i];
	}
	many_run(m, asked, ANSWER_MS);
	for (size_t i = 0; i < asked; i++) {
		if (m[i].done && m[i].text)
			of[i]->guest = cJSON_Parse(m[i].text);
		many_free(&m[i]);
	}
	free(m);
	free(of);
}

static const char *
real_text(double v, int digits, const char *unit, char buf[HUMAN_LEN])
{
	*buf = '\0';
	if (v >= 0)
		snprintf(buf, HUMAN_LEN, "%.*f%s", digits, v, unit);
	return buf;
}

/* "1.2 of 4 GiB": how much of what there is is used. */
static const char *
used_text(double total, double left, char buf[3 * HUMAN_LEN])
{
	char a[HUMAN_LEN], b[HUMAN_LEN];

	*buf = '\0';
	if (total > 0 && left >= 0 && left <= total)
		snprintf(buf, 3 * HUMAN_LEN, "%s of %s",
		    human_size((int64_t)(total - left), a),
		    human_size((int64_t)total, b));
	return buf;
}

static void
stats_row(struct table *t, const struct machine *m)
{
	char cpu[HUMAN_LEN], pct[HUMAN_LEN], mem[HUMAN_LEN], disk[HUMAN_LEN];
	char ld[HUMAN_LEN], procs[HUMAN_LEN], in[3][3 * HUMAN_LEN];
	const struct cost *c = &m->cost;
	int64_t bytes = c->pss >= 0 ? c->pss : c->rss;
	const cJSON *g = m->guest;

	table_row(t, (const char *[]){ m->name, vm_state_name(m->state),
	    real_text((double)c->cpu_ms / 1000, 1, " s", cpu),
	    real_text(percent(c), 1, "%", pct),
	    bytes < 0 ? "" : human_size(bytes, mem),
	    human_size(c->disk, disk),
	    real_text(load(g), 2, "", ld),
	    real_text(figure(g, "procs", NULL), 0, "", procs),
	    used_text(figure(g, "memory", "total"),
		figure(g, "memory", "available"), in[0]),
	    used_text(figure(g, "disk", "total"), figure(g, "disk", "free"),
		in[1]),
	    used_text(figure(g, "work", "total"), figure(g, "work", "free"),
		in[2]),
	    NULL });
}

static void
json_bytes(struct json *j, const char *key, double n)
{
	if (n < 0)
		json_str(j, key, NULL);
	else
		json_num(j, key, (int64_t)n);
}

static void
json_of(struct json *j, const cJSON *g, const char *what, const char *left)
{
	json_open(j, what, '{');
	json_bytes(j, "total", figure(g, what, "total"));
	json_bytes(j, left, figure(g, what, left));
	json_close(j, '}');
}

static void
stats_json(struct json *j, const struct machine *m)
{
	const struct cost *c = &m->cost;
	const cJSON *g = m->guest;

	json_open(j, NULL, '{');
	json_str(j, "name", m->name);
	json_str(j, "state", vm_state_name(m->state));
	json_open(j, "host", '{');
	json_real(j, "cpu_seconds", (double)c->cpu_ms / 1000);
	json_real(j, "cpu_percent", percent(c));
	json_bytes(j, "rss_bytes", (double)c->rss);
	json_bytes(j, "pss_bytes", (double)c->pss);
	json_bytes(j, "disk_bytes", (double)c->disk);
	json_close(j, '}');
	if (!g) {
		json_str(j, "guest", NULL);
	} else {
		json_open(j, "guest", '{');
		json_bytes(j, "uptime_seconds", figure(g, "uptime", NULL));
		json_real(j, "load", load(g));
		json_bytes(j, "processes", figure(g, "procs", NULL));
		json_of(j, g, "memory", "available");
		json_of(j, g, "disk", "free");
		json_of(j, g, "work", "free");
		json_bytes(j, "agent_rss_bytes", figure(g, "agent_rss", NULL));
		json_close(j, '}');
	}
	json_close(j, '}');
}

/* Look at one; false when there is none of this name. */
static bool
machine_open(struct machine *m, const char *name)
{
	*m = (struct machine){ .name = name, .fd = vm_peek(name) };
	if (m->fd >= 0 && gc_is_machine(m->fd)) {
		m->state = vm_state(m->fd);
		cost_read(&m->cost, m->fd);
		return true;
	}
	if (m->fd >= 0)
		close(m->fd);
	return false;
}

int
look_stats(char *name[], size_t count, bool as_json)
{
	static const char *const heads[] = { "NAME", "STATE", "CPU", "%CPU",
		"MEMORY", "DISK", "LOAD", "PROCS", "OF ITS MEMORY", "OF /",
		"OF /root", NULL };
	struct names n = { count ? name : NULL, count, 0 };
	struct machine *all;
	struct table t;
	struct json j = { 0 };
	size_t there = 0;
	int status = EXIT_YES;

	if (!count)
		vm_every(&n, NULL);
	all = xcalloc(n.count + 1, sizeof(*all));
	for (size_t i = 0; i < n.count; i++) {
		if (machine_open(&all[there], n.name[i])) {
			there++;
		} else if (count) {
			warn("there is no machine '%s'", n.name[i]);
			status = EXIT_NO;
		}
	}
	ask_guests(all, there);
	table_init(&t, heads);
	if (as_json)
		json_open(&j, NULL, '[');
	for (size_t i = 0; i < there; i++)
		if (as_json)
			stats_json(&j, &all[i]);
		else
			stats_row(&t, &all[i]);
	if (as_json)
		json_close(&j, ']');
	else
		table_print(&t);
	return status;
}
