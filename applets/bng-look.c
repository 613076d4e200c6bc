/* bng-look - what machines use, and what listens in them
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: bng-look stats [-j] [NAME ...]
 *        bng-look ports [-j] NAME
 *
 * stats  what machines (by default all) cost this host, and what they use of
 *        what they have; of one that does not run, its disks
 * ports  what listens in a machine: protocol, address, port, process, and
 *        whether it speaks HTTP
 *
 *   -j  JSON
 *
 * What a machine says of itself is waited for two seconds; percentages of CPU
 * are since its start, 100 being one processor of this host.
 *
 * exit: 0 done, 1 no (there is no such machine, it does not run), 100 wrong
 *       usage, 111 failed
 */
#include <cjson/cJSON.h>

#include "ask.h"
#include "bng.h"
#include "cost.h"
#include "forwards.h"
#include "gc.h"
#include "human.h"
#include "json.h"
#include "many.h"
#include "names.h"
#include "table.h"
#include "vm.h"

enum {
	ANSWER_MS = 2000,	/* of each of many; its ports may take longer */
	PORTS_MS = 10000,	/* to look through /proc, emulated */
};

/* -j alone. */
static bool
wants_json(int argc, char *argv[])
{
	bool json = false;
	int opt;

	while ((opt = getopt(argc, argv, "j")) != -1)
		if (opt == 'j')
			json = true;
		else
			die_usage("unknown option");
	return json;
}

/*
 * stats
 */

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

static int
stats_main(int argc, char *argv[])
{
	static const char *const heads[] = { "NAME", "STATE", "CPU", "%CPU",
		"MEMORY", "DISK", "LOAD", "PROCS", "OF ITS MEMORY", "OF /",
		"OF /root", NULL };
	bool as_json = wants_json(argc, argv);
	bool named = optind < argc;
	struct names n = { 0 };
	struct machine *all;
	struct table t;
	struct json j = { 0 };
	size_t there = 0;
	int status = EXIT_YES;

	if (named)
		n = (struct names){ argv + optind, (size_t)(argc - optind), 0 };
	else
		vm_every(&n, NULL);
	all = xcalloc(n.count + 1, sizeof(*all));
	for (size_t i = 0; i < n.count; i++) {
		if (machine_open(&all[there], n.name[i])) {
			there++;
		} else if (named) {
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

/*
 * ports
 */

enum {
	PORTS = 256,		/* that are listed */
	PROBES = 64,		/* that are asked for HTTP */
	PROBE_MS = 1000,
};

struct port {
	char proto[8], addr[48], process[64];
	int port;
	const char *dial;	/* where its agent reaches it, or NULL */
	struct many *probe;
	bool http;
	char here[64];		/* where this host has it, or "" */
};

static void
copy_text(char *out, size_t size, const cJSON *o, const char *key)
{
	const cJSON *v = cJSON_GetObjectItem(o, key);

	snprintf(out, size, "%s", cJSON_IsString(v) ? v->valuestring : "");
}

/* The agent dials IPv4 alone; what listens on all IPv6 hears that, too. */
static const char *
dial_of(const struct port *p)
{
	if (strcmp(p->proto, "tcp") && strcmp(p->proto, "tcp6"))
		return NULL;
	if (!strcmp(p->addr, "0.0.0.0") || !strcmp(p->addr, "::"))
		return "127.0.0.1";
	return strspn(p->addr, "0123456789.") == strlen(p->addr) ? p->addr :
	    NULL;
}

static int
by_port(const void *a, const void *b)
{
	const struct port *x = a, *y = b;

	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	return strcmp(x->proto, y->proto);
}

/* How many; what a machine lists beyond PORTS, or has no port, is not. */
static size_t
read_ports(struct port *p, const cJSON *list)
{
	const cJSON *o;
	size_t n = 0;

	cJSON_ArrayForEach(o, list) {
		const cJSON *number = cJSON_GetObjectItem(o, "port");

		if (n == PORTS || !cJSON_IsNumber(number) ||
		    !(number->valuedouble >= 1 && number->valuedouble < 65536))
			continue;
		p[n].port = number->valueint;
		copy_text(p[n].proto, sizeof(p[n].proto), o, "proto");
		copy_text(p[n].addr, sizeof(p[n].addr), o, "addr");
		copy_text(p[n].process, sizeof(p[n].process), o, "process");
		n++;
	}
	qsort(p, n, sizeof(*p), by_port);
	for (size_t i = 0; i < n; i++)
		p[i].dial = dial_of(&p[i]);
	return n;
}

/* Each is asked for a page, all together, and heard until its first line. */
static void
probe_http(struct port *p, size_t n)
{
	static struct many m[PROBES];
	size_t asked = 0;

	for (size_t i = 0; i < n && asked < PROBES; i++) {
		if (!p[i].dial)
			continue;
		p[i].probe = &m[asked++];
		*p[i].probe = (struct many){ .dir = ask_dir, .enough = 5,
			.request = xasprintf("{\"v\":1,\"op\":\"dial\","
			    "\"port\":%d,\"host\":\"%s\"}", p[i].port,
			    p[i].dial),
			.input = "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n" };
	}
	many_run(m, asked, PROBE_MS);
	for (size_t i = 0; i < n; i++)
		p[i].http = p[i].probe && p[i].probe->text &&
		    !strncmp(p[i].probe->text, "HTTP/", 5);
}

static void
find_forwards(struct port *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i].dial)
			forwards_find(ask_dir, (uint16_t)p[i].port, p[i].here,
			    sizeof(p[i].here));
}

/* What a person opens or types to get there, or NULL. */
static char *
way_to(const struct port *p, const char *vm)
{
	if (*p->here)
		return xasprintf("%s%s%s", p->http ? "http://" : "", p->here,
		    p->http ? "/" : "");
	if (!p->dial || !vm)
		return NULL;
	return xasprintf("banger vm forward %s %d:%d", vm, p->port < 1024 ?
	    p->port + 8000 : p->port, p->port);
}

static void
ports_json(const struct port *p, size_t n)
{
	struct json j = { 0 };

	json_open(&j, NULL, '[');
	for (size_t i = 0; i < n; i++) {
		autofree char *way = way_to(&p[i], NULL);

		json_open(&j, NULL, '{');
		json_str(&j, "proto", p[i].proto);
		json_str(&j, "address", p[i].addr);
		json_num(&j, "port", p[i].port);
		json_str(&j, "process", p[i].process);
		json_bool(&j, "http", p[i].http);
		json_bool(&j, "forwardable", p[i].dial);
		json_str(&j, "open", way);
		json_close(&j, '}');
	}
	json_close(&j, ']');
}

static void
ports_table(const struct port *p, size_t n, const char *vm)
{
	static const char *const heads[] = { "PORT", "PROTO", "ADDRESS",
		"PROCESS", "SPEAKS", "OPEN", NULL };
	struct table t;

	table_init(&t, heads);
	for (size_t i = 0; i < n; i++) {
		autofree char *way = way_to(&p[i], vm);
		char port[16];

		snprintf(port, sizeof(port), "%d", p[i].port);
		table_row(&t, (const char *[]){ port, p[i].proto, p[i].addr,
		    p[i].process, p[i].http ? "http" : "",
		    way ? way : "", NULL });
	}
	table_print(&t);
}

static int
ports_main(int argc, char *argv[])
{
	static struct port p[PORTS];
	bool as_json = wants_json(argc, argv);
	struct many m = { .request = "{\"v\":1,\"op\":\"ports\"}" };
	const char *vm = argv[optind];
	cJSON *o;
	size_t n;

	if (argc - optind != 1)
		die_usage("one machine is expected");
	close(ask_connect(vm, AGENT_WAITING, EXIT_NO));
	m.dir = ask_dir;
	many_run(&m, 1, PORTS_MS);
	o = cJSON_GetObjectItem(m.done && m.text ? cJSON_Parse(m.text) : NULL,
	    "ports");
	if (!cJSON_IsArray(o))
		die("cannot list the ports of '%s': %s", vm, m.done ?
		    "its answer is malformed" : "it does not answer");
	n = read_ports(p, o);
	probe_http(p, n);
	find_forwards(p, n);
	if (as_json)
		ports_json(p, n);
	else
		ports_table(p, n, vm);
	return EXIT_YES;
}

static int
look_main(int argc, char *argv[])
{
	static const struct verb verbs[] = {
		{ "stats", stats_main }, { "ports", ports_main },
		{ NULL, NULL },
	};

	opterr = 0;
	return verbs_run(verbs, argc, argv);
}

APPLET(look, PLAIN);
