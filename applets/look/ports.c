/* ports.c - what listens in a machine, and the way there; see look.h
 *
 * SPDX-License-Identifier: MIT
 */
#include <cjson/cJSON.h>

#include "ask.h"
#include "bng.h"
#include "forwards.h"
#include "json.h"
#include "look.h"
#include "many.h"
#include "table.h"

enum {
	PORTS = 256,		/* that are listed */
	PORTS_MS = 10000,	/* to look through /proc, emulated */
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

int
look_ports(const char *vm, bool as_json)
{
	static struct port p[PORTS];
	struct many m = { .request = "{\"v\":1,\"op\":\"ports\"}" };
	cJSON *o;
	size_t n;

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
