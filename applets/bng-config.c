/* bng-config - what config.toml says, for the front end and for people
 *
 * SPDX-License-Identifier: MIT
 *
 * An applet of its own because what it reads is not the state directory's:
 * files that a person writes, and those of theirs that machines get a copy of.
 *
 * usage: bng-config env
 *        bng-config show [-jt] [KEY=FROM=VALUE ...]
 *        bng-config keys
 *        bng-config sync COMMAND [ARGUMENT ...]
 *
 * env prints what the files set as lines NAME=VALUE, named as the variables of
 * the environment that would outdo them, and file_sync=COUNT. show prints the
 * value of every key and who said so; one that the caller knows better (FROM
 * is flag or host) is given to it. keys prints each key, what it allows, its
 * variable and what holds when nobody says, tab-separated. sync gives COMMAND
 * on its standard input a tar stream of what [[file_sync]] names.
 *
 *   -j  JSON              -t  lines, tab-separated, without a heading
 *
 * exit: 0 done; 100 wrong usage; 111 failed; sync: as COMMAND
 */
#include <signal.h>
#include <sys/wait.h>

#include "bng.h"
#include "config.h"
#include "json.h"
#include "table.h"

/* Where a value comes from. */
struct source {
	const char *text;	/* NULL: nobody says */
	const char *from;	/* "config", "environment", ... */
	const char *where;	/* a file or a variable, or NULL */
	unsigned line;
};

static int
env_main(int argc, char *argv[])
{
	struct config c;

	(void)argv;
	if (argc != 1)
		die_usage("env takes no arguments");
	xconfig_load(&c);
	for (int i = 0; i < CONFIG_KEYS; i++)
		if (c.value[i].text && config_keys[i].variable)
			printf("%s=%s\n", config_keys[i].variable,
			    c.value[i].text);
	printf("file_sync=%zu\n", c.sync.count);
	return EXIT_YES;
}

/* KEY=FROM=VALUE of the command line. */
static bool
is_given(const char *name, char *const given[], struct source *s)
{
	size_t n = strlen(name);

	for (; *given; given++) {
		if (strncmp(*given, name, n) || (*given)[n] != '=')
			continue;
		if (!strncmp(*given + n + 1, "flag=", 5))
			s->from = "flag";
		else if (!strncmp(*given + n + 1, "host=", 5))
			s->from = "host";
		else
			die_usage("'%s' is not KEY=flag=VALUE or "
			    "KEY=host=VALUE", *given);
		s->text = *given + n + 6;
		return true;
	}
	return false;
}

/* A flag, else the environment, else a file, else the host or we. */
static struct source
source_of(const struct config *c, int i, char *const given[])
{
	const struct config_key *k = &config_keys[i];
	const char *env = k->variable ? getenv(k->variable) : NULL;
	struct source s = { .from = k->host ? "host" : "built-in",
	    .text = k->initial };
	bool is = is_given(k->name, given, &s);

	if (is && !strcmp(s.from, "flag"))
		return s;
	if (env && *env)
		return (struct source){ env, "environment", k->variable, 0 };
	if (c->value[i].text)
		return (struct source){ c->value[i].text, "config",
		    c->value[i].file, c->value[i].line };
	return s;
}

static void
show_json(struct json *j, const char *key, const struct source *s)
{
	json_open(j, NULL, '{');
	json_str(j, "key", key);
	json_str(j, "value", s->text);
	json_str(j, "from", s->from);
	if (s->where)
		json_str(j, s->line ? "file" : "variable", s->where);
	if (s->line)
		json_num(j, "line", s->line);
	json_close(j, '}');
}

/* To a table or, without one, as a line. */
static void
show_row(struct table *t, const char *key, const struct source *s,
    const char *unsaid)
{
	autofree char *value = s->text ? xstrdup(*s->text ? s->text : "\"\"") :
	    xasprintf("(%s)", unsaid ? unsaid : "none");
	autofree char *from = s->line ?
	    xasprintf("%s:%u", s->where, s->line) : s->where ?
	    xasprintf("%s in the environment", s->where) : xstrdup(s->from);

	if (t)
		table_row(t, (const char *const[]){ key, value, from });
	else
		printf("%s\t%s\t%s\n", key, value, from);
}

static void
show_syncs(const struct config *c, struct table *t, struct json *j)
{
	for (size_t i = 0; i < c->sync.count; i++) {
		const struct filesync_entry *e = &c->sync.entry[i];
		autofree char *key = xasprintf("file_sync %zu", i + 1);
		autofree char *text = xasprintf("%s to %s, mode %04o",
		    e->host, e->guest_written, e->mode);
		struct source s = { text, "config", e->file, e->line };

		if (j)
			show_json(j, key, &s);
		else
			show_row(t, key, &s, NULL);
	}
}

static int
show_main(int argc, char *argv[])
{
	static const char *const heads[] = { "KEY", "VALUE", "FROM", NULL };
	struct table table, *t = &table;
	struct json json = { 0 }, *j = NULL;
	struct config c;
	int opt;

	while ((opt = getopt(argc, argv, "jt")) != -1)
		if (opt == 'j')
			j = &json;
		else if (opt == 't')
			t = NULL;
		else
			die_usage("show: unknown option");
	xconfig_load(&c);
	table_init(&table, heads);
	if (j)
		json_open(j, NULL, '[');
	for (int i = 0; i < CONFIG_KEYS; i++) {
		struct source s = source_of(&c, i, argv + optind);

		if (j)
			show_json(j, config_keys[i].name, &s);
		else
			show_row(t, config_keys[i].name, &s,
			    config_keys[i].unsaid);
	}
	show_syncs(&c, t, j);
	if (j)
		json_close(j, ']');
	else if (t)
		table_print(t);
	return EXIT_YES;
}

static int
keys_main(int argc, char *argv[])
{
	char wanted[256];

	(void)argv;
	if (argc != 1)
		die_usage("keys takes no arguments");
	for (int i = 0; i < CONFIG_KEYS; i++) {
		const struct config_key *k = &config_keys[i];

		printf("%s\t%s\t%s\t%s\n", k->name,
		    config_wanted(k, wanted, sizeof(wanted)),
		    k->variable ? k->variable : "-",
		    k->initial ? k->initial : k->unsaid);
	}
	return EXIT_YES;
}

/* --- sync ---------------------------------------------------------------- */

static pid_t child;

/* Nobody is to go on with half of it. */
static void
end_child(void)
{
	if (child <= 0)
		return;
	kill(child, SIGKILL);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

static int
status_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
}

/* It has ended, or reads no more: it has said why. */
static void
unread(int sig)
{
	int status;

	(void)sig;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			_exit(EXIT_FAILED);
	_exit(status_of(status));
}

static void
start_child(char *argv[], int *ret_fd)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		die_sys("cannot make a pipe");
	child = fork();
	if (child < 0)
		die_sys("cannot make a process");
	if (!child) {
		if (dup2(fds[0], STDIN_FILENO) >= 0)
			execvp(argv[0], argv);
		warn_sys("cannot run '%s'", argv[0]);
		_exit(errno == ENOENT ? 127 : 126);
	}
	close(fds[0]);
	*ret_fd = fds[1];
	atexit(end_child);
	signal(SIGPIPE, unread);
}

static int
sync_main(int argc, char *argv[])
{
	struct config c;
	int fd, status;
	pid_t pid;

	if (argc < 2)
		die_usage("sync needs a command");
	xconfig_load(&c);
	start_child(argv + 1, &fd);
	xfilesync_send(&c.sync, fd);
	close(fd);
	pid = child;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die_sys("cannot wait for '%s'", argv[1]);
	child = 0;
	return status_of(status);
}

static int
config_main(int argc, char *argv[])
{
	static const struct verb verbs[] = {
		{ "env", env_main },
		{ "show", show_main },
		{ "keys", keys_main },
		{ "sync", sync_main },
		{ NULL, NULL },
	};

	return verbs_run(verbs, argc, argv);
}

APPLET(config, PLAIN);
