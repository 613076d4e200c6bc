/* plain.c - clients on sockets of their own: of a vsock, or a test's
 *
 * SPDX-License-Identifier: MIT
 *
 * 1. One connection, one request. After the last answer a connection stays
 *    until its client closes: behind Firecracker, what a slow client has not
 *    read two seconds after our close is lost. One that broke the protocol is
 *    closed at once.
 * 2. Anybody in the machine may connect to a vsock of it; only who comes from
 *    the host is let in.
 * 3. A connection to the host says that there is an agent, by being there. It
 *    is made anew when it ends, as it does when the machine is saved. What the
 *    host sends there has no meaning.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "conn.h"
#include "link.h"

enum {
	CHUNK = 64 * 1024,	/* read from a client at once */
	HOST_PORT = 1024,	/* where the host hears of us */
	TRIES = 8,		/* to be heard, at once after each other ... */
	AGAIN_MS = 200,		/* ... until so long after the first of them */
};

struct client {
	struct client *next;
	struct wire wire;
	struct conn *conn;
};

static struct client *clients;
static struct end listeners[2] = { { .fd = -1 }, { .fd = -1 } };
static struct end host = { .fd = -1 }, timer = { .fd = -1 };
static unsigned tries;		/* since the first, AGAIN_MS ago at most */

/* It takes fd over. */
static void
client_add(int fd)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c && wire_open(&c->wire, fd, false)) {
		c->conn = conn_open(&c->wire, false, 0);
		if (c->conn) {
			c->next = clients;
			clients = c;
			return;
		}
		end_close(&c->wire.end);
	} else {
		close(fd);
	}
	free(c);
}

/* False when the client is gone. */
static bool
client_read(struct client *c, bool *ret_did)
{
	static uint8_t buf[CHUNK];
	long n = 0;

	/* Nobody waits any more for what the job has not taken yet. */
	if (c->conn->late_len && end_is(&c->wire.end, END_IN & ~EPOLLIN))
		return false;
	if (!c->conn->late_len && end_is(&c->wire.end, END_IN))
		n = wire_read(&c->wire, buf, CHUNK);
	if (n > 0 && !c->conn->closed)
		conn_data(c->conn, buf, (size_t)n);
	*ret_did |= n > 0;
	return n >= 0;
}

static bool
client_over(const struct client *c)
{
	return c->conn->closed && c->conn->failed && !c->wire.len;
}

static void
client_free(struct client *c)
{
	conn_drop(c->conn);
	end_close(&c->wire.end);
	free(c);
}

/* One turn for everybody; true when there is more to do at once. */
static bool
serve(void)
{
	struct client **at, *c;
	bool busy = false, alive;

	for (at = &clients; (c = *at); ) {
		alive = client_read(c, &busy);
		if (alive) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		client_free(c);
	}
	busy |= conns_pump();
	for (at = &clients; (c = *at); ) {
		if (wire_flush(&c->wire) && !client_over(c)) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		client_free(c);
	}
	return busy;
}

int
link_plain(int fd)
{
	bool busy = false;

	client_add(fd);
	if (!clients)
		return -1;
	while (clients && loop_wait(busy)) {
		busy = serve();
		jobs_tend();
	}
	return 0;
}

/* --- a vsock ---------------------------------------------------------- */

static int
vsock_new(unsigned int cid, unsigned int port, struct sockaddr_vm *ret_addr)
{
	*ret_addr = (struct sockaddr_vm){ .svm_family = AF_VSOCK,
		.svm_cid = cid, .svm_port = port };
	return socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static bool
listen_on(struct end *e, unsigned int port)
{
	struct sockaddr_vm at;
	int fd = vsock_new(VMADDR_CID_ANY, port, &at);

	if (fd < 0)
		return false;
	if (!bind(fd, (struct sockaddr *)&at, sizeof(at)) &&
	    !listen(fd, CONNS_MAX) && end_open(e, fd, EPOLLIN))
		return true;
	close(fd);
	return false;
}

static void
accept_all(struct end *e)
{
	while (end_is(e, END_IN)) {
		struct sockaddr_vm from = { .svm_cid = VMADDR_CID_ANY };
		socklen_t len = sizeof(from);
		int fd = accept4(e->fd, (struct sockaddr *)&from, &len,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0)
			e->ready = 0;
		else if (from.svm_cid == VMADDR_CID_HOST)
			client_add(fd);
		else
			close(fd);
	}
}

static void
announce(void)
{
	static const struct itimerspec again = {
		.it_value.tv_nsec = AGAIN_MS * 1000000L };
	struct sockaddr_vm to;
	int fd = vsock_new(VMADDR_CID_HOST, HOST_PORT, &to);

	if (!tries++)
		timerfd_settime(timer.fd, 0, &again, NULL);
	if (fd < 0)
		return;
	if ((connect(fd, (struct sockaddr *)&to, sizeof(to)) &&
	    errno != EINPROGRESS) ||
	    !end_open(&host, fd, EPOLLIN | EPOLLRDHUP))
		close(fd);
}

static bool
host_lives(void)
{
	char buf[16];
	ssize_t n;

	do
		n = recv(host.fd, buf, sizeof(buf), 0);
	while (n > 0 || (n < 0 && errno == EINTR));
	host.ready = 0;
	return n < 0 && errno == EAGAIN;
}

/* Be heard: at once after an end, unless one follows the other. */
static void
keep_announced(void)
{
	if (end_is(&host, END_IN) && !host_lives()) {
		end_close(&host);
		if (tries < TRIES)
			announce();
	}
	if (end_is(&timer, END_IN)) {
		timer.ready = 0;
		tries = 0;
		if (host.fd < 0)
			announce();
	}
}

int
link_vsock(void)
{
	bool busy = false;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0 || !end_open(&timer, fd, EPOLLIN) ||
	    !listen_on(&listeners[0], 1) || !listen_on(&listeners[1], 2))
		return -1;
	announce();
	while (loop_wait(busy)) {
		accept_all(&listeners[0]);
		accept_all(&listeners[1]);
		keep_announced();
		busy = serve();
		jobs_tend();
	}
	return 0;
}

bool
link_has_vsock(void)
{
	unsigned int cid = VMADDR_CID_ANY;
	int fd = open("/dev/vsock", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (ioctl(fd, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid))
		cid = VMADDR_CID_ANY;
	close(fd);
	return cid != VMADDR_CID_ANY && cid > VMADDR_CID_HOST;
}
