/* bng-ssh - what OpenSSH needs to reach a machine
 *
 * SPDX-License-Identifier: MIT
 *
 * usage: bng-ssh dial [-s STATE] HOST
 *        bng-ssh key [-s STATE] HOST
 *        bng-ssh fence FILE <LINES
 *        bng-ssh unfence FILE
 *
 * HOST is a machine's name, or that and ".vm". STATE is the state directory.
 *
 * dial     connect stdin and stdout to the machine's sshd, which is started
 *          if need be: a ProxyCommand
 * key      print the host key that was made for the machine, as known_hosts
 *          has it; nothing when there is none: a KnownHostsCommand
 * fence    put LINES, between two lines that are ours, at the top of FILE
 *          instead of those that were there
 * unfence  take them away again
 *
 * fence and unfence touch no other byte, nor mode, owner, or a link to FILE.
 *
 * exit: 0 done, 1 no (not running, no sshd in it), 100 wrong usage, 111 failed
 */
#include <limits.h>

#include "ask.h"
#include "bng.h"
#include "dirs.h"
#include "name.h"
#include "outfile.h"
#include "vm.h"

enum { SSH_PORT = 22, CONFIG_MAX = 16 << 20 };

static const char first[] = "# banger ssh-config: begin "
    "(to remove: banger ssh-config --uninstall)\n";
static const char first_words[] = "# banger ssh-config: begin";
static const char last[] = "# banger ssh-config: end\n";

/* The machine that HOST means: its name, or HOST as it is. */
static char *
machine_of(const char *host)
{
	char *name = xstrdup(host);
	size_t len = strlen(name);

	if (len > 3 && !strcmp(name + len - 3, ".vm"))
		name[len - 3] = '\0';
	return name;
}

static const char *
host_of(int argc, char *argv[])
{
	int opt;

	while ((opt = getopt(argc, argv, "+s:")) != -1)
		if (opt == 's')
			setenv("BANGER_STATE", optarg, 1);
		else
			die_usage("unknown option");
	if (argc - optind != 1)
		die_usage("one host is expected");
	return argv[optind];
}

/*
 * dial
 */

/*
 * What is being done about one that is not there (agent-protocol.md), or: the
 * image's own way where it has an init, else the plain one.
 */
static const char start_sshd[] =
    "[ ! -s /run/banger/sshd ] || { cat /run/banger/sshd; exit 127; }\n"
    "sshd=$(command -v sshd || ls /usr/sbin/sshd 2>/dev/null) || exit 127\n"
    "if [ -d /run/systemd/system ]; then\n"
    "	systemctl start ssh 2>/dev/null || systemctl start sshd\n"
    "else\n"
    "	mkdir -p /run/sshd && $sshd\n"
    "fi\n";

static void
xstart_sshd(const char *vm)
{
	const char *words[] = { "/bin/sh", "-c", start_sshd };
	cJSON *o = ask_request("boot");
	struct talk t = { .in = -1, .out = -1, .err = -1 };
	int status;

	/* Of a machine that is young, the init may not listen yet. */
	cJSON_AddTrueToObject(o, "early");
	free(ask(vm, AGENT_WAITING, o, "wait for the init of"));
	o = ask_request("exec");
	cJSON_AddItemToObject(o, "argv",
	    cJSON_CreateStringArray(words, ARRAY_SIZE(words)));
	cJSON_AddStringToObject(o, "user", "root");
	status = ask_run(&t, vm, AGENT_WAITING, EXIT_NO, o);
	if (status == 127)
		die_status(EXIT_NO, "machine '%s' has no sshd: %s%sbanger vm "
		    "exec and banger vm cp need none", vm,
		    ask_first_line(t.text[0]), t.text[0] ? "; " : "");
	if (status)
		die("cannot start the sshd of machine '%s': %s", vm,
		    status < 0 ? t.why : ask_first_line(t.text[1]));
}

static int
dial(struct talk *t, const char *vm)
{
	cJSON *o = ask_request("dial");

	cJSON_AddNumberToObject(o, "port", SSH_PORT);
	*t = (struct talk){ .in = STDIN_FILENO, .out = STDOUT_FILENO,
		.err = STDERR_FILENO, .patient = true };
	return ask_run(t, vm, AGENT_WAITING, EXIT_NO, o);
}

static int
dial_main(int argc, char *argv[])
{
	const char *vm = machine_of(host_of(argc, argv));
	struct talk t;
	int status;

	if (!name_ok(vm) || strchr(vm, '.'))
		die_status(EXIT_NO, "there is no machine '%s'", vm);
	status = dial(&t, vm);
	if (status == TALK_FAILED && strstr(t.why, "refused")) {
		xstart_sshd(vm);
		status = dial(&t, vm);
	}
	if (status < 0)
		die("cannot reach the sshd of machine '%s': %s", vm,
		    status == TALK_LOST ? ask_lost_why() : t.why);
	return status ? EXIT_NO : EXIT_YES;
}

/*
 * key
 */

/* "[web.vm]:2222", as ssh looks for another port, is web.vm too. */
static char *
bare(const char *host)
{
	return *host == '[' ? xasprintf("%.*s",
	    (int)strcspn(host + 1, "]"), host + 1) : xstrdup(host);
}

static int
key_main(int argc, char *argv[])
{
	const char *host = host_of(argc, argv);
	const char *vm = machine_of(bare(host));
	char line[512], type[32], key[256];
	int fd = name_ok(vm) ? vm_peek(vm) : -1;

	if (fd < 0 || vm_line(fd, "ssh_host_key.pub", line, sizeof(line)) < 0 ||
	    sscanf(line, "%31[a-z0-9-] %255[A-Za-z0-9+/=]", type, key) != 2)
		return EXIT_YES;
	printf("%s %s %s\n", host, type, key);
	return EXIT_YES;
}

/*
 * fence, unfence
 */

static bool
begins(const char *line, const char *end, const char *words)
{
	size_t n = strlen(words);

	return (size_t)(end - line) >= n && !memcmp(line, words, n);
}

/* What is ours goes, in place. False: it has no end. */
static bool
remove_ours(char *text, size_t *len)
{
	char *to = text, *end = text + *len;
	bool ours = false;

	for (char *line = text, *next; line < end; line = next) {
		next = memchr(line, '\n', (size_t)(end - line));
		next = next ? next + 1 : end;
		if (begins(line, end, first_words)) {
			ours = true;
		} else if (ours) {
			ours = strncmp(line, last, sizeof(last) - 2);
		} else {
			memmove(to, line, (size_t)(next - line));
			to += next - line;
		}
	}
	*len = (size_t)(to - text);
	return !ours;
}

/* The lines from stdin, or NULL. */
static char *
read_lines(bool wanted, size_t *ret_len)
{
	char *text = wanted ? xmalloc(CONFIG_MAX) : NULL;
	ssize_t n = wanted ? read_full(STDIN_FILENO, text, CONFIG_MAX) : 0;

	if (n < 0)
		die_sys("cannot read the lines");
	*ret_len = (size_t)n;
	return text;
}

/* Write old, behind ours if there is any, over name. 0 or -errno. */
static int
put_config(int dir, const char *name, const struct stat *st,
    const char *ours, size_t n, const char *old, size_t len)
{
	struct outfile o;
	int r;

	if (outfile_open(&o, dir, name, 0600, true))
		return -errno;
	r = ours ? write_all(o.fd, first, sizeof(first) - 1) : 0;
	if (!r && ours)
		r = write_all(o.fd, ours, n);
	if (!r && ours)
		r = write_all(o.fd, last, sizeof(last) - 1);
	if (!r)
		r = write_all(o.fd, old, len);
	if (!r && ((st->st_uid != geteuid() || st->st_gid != getegid()) &&
	    fchown(o.fd, st->st_uid, st->st_gid)))
		r = -errno;
	if (!r && (fchmod(o.fd, st->st_mode & 07777) || fsync(o.fd) ||
	    outfile_done(&o)))
		r = -errno;
	if (r)
		outfile_drop(&o);
	return r;
}

/* The directory that a file is in, through links to the file. */
static int
open_above(const char *path, char real[PATH_MAX], const char **ret_name)
{
	char *slash;

	if (!realpath(path, real)) {
		if (errno != ENOENT || strlen(path) >= PATH_MAX)
			return -1;
		snprintf(real, PATH_MAX, "%s", path);
	}
	slash = strrchr(real, '/');
	*ret_name = slash ? slash + 1 : real;
	if (slash)
		*slash = '\0';
	return open(!slash ? "." : *real ? real : "/",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int
edit(const char *path, bool add)
{
	struct stat st = { .st_mode = 0600, .st_uid = geteuid(),
		.st_gid = getegid() };
	autofree char *old = NULL, *ours = NULL;
	char real[PATH_MAX];
	const char *name = "";
	size_t n, len = 0, before;
	autoclose int dir = open_above(path, real, &name);
	int r = dir < 0 ? -errno : file_slurp(dir, name, CONFIG_MAX, &old,
	    &len);

	if (r == -ENOENT && !add)
		return EXIT_YES;
	if (r && r != -ENOENT)
		die("cannot read '%s': %s", path, strerror(-r));
	if (!r && fstatat(dir, name, &st, 0))
		die_sys("cannot read '%s'", path);
	before = len;
	if (old && !remove_ours(old, &len))
		die("cannot change '%s': our lines in it have no end ('%.*s')",
		    path, (int)sizeof(last) - 2, last);
	if (!add && len == before)
		return EXIT_YES;
	ours = read_lines(add, &n);
	r = put_config(dir, name, &st, ours, n, old ? old : "", len);
	if (r)
		die("cannot write '%s': %s", path, strerror(-r));
	return EXIT_YES;
}

static const char *
file_of(int argc, char *argv[])
{
	if (getopt(argc, argv, "") != -1)
		die_usage("unknown option");
	if (argc - optind != 1)
		die_usage("one file is expected");
	return argv[optind];
}

static int
fence_main(int argc, char *argv[])
{
	return edit(file_of(argc, argv), true);
}

static int
unfence_main(int argc, char *argv[])
{
	return edit(file_of(argc, argv), false);
}

static int
ssh_main(int argc, char *argv[])
{
	static const struct verb verbs[] = {
		{ "dial", dial_main }, { "key", key_main },
		{ "fence", fence_main }, { "unfence", unfence_main },
		{ NULL, NULL },
	};

	opterr = 0;
	return verbs_run(verbs, argc, argv);
}

APPLET(ssh, PLAIN);
