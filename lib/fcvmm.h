/* fcvmm.h - what supervise.h leaves to Firecracker: start it, ask it
 *
 * Its API answers one question at a time; an agent in the guest that connects
 * is the news that there is one.
 */
#ifndef BNG_FCVMM_H
#define BNG_FCVMM_H

#include "api.h"
#include "fcconf.h"
#include "flood.h"
#include "jail.h"
#include "relay.h"
#include "supervise.h"

#define FC_RESUMED "{\"state\":\"Resumed\"}"
#define FC_PAUSED "{\"state\":\"Paused\"}"

enum fc_question { ASK_STATE, ASK_PAUSE, ASK_RESUME, ASK_LOAD };

struct fc {
	struct sup *sup;
	struct fcconf conf;
	struct relays relays;
	struct watch hello;	/* vsock.sock_1024, listening */
	struct watch agent;	/* the agent's connection to it */
	int next;		/* who came while that was there, or -1 */
	bool held;		/* it stood still just now */
	struct watch resumed;	/* a timer: its agent would have come anew */
	int spare;		/* a connection to it for who waits, or -1 */
	struct flood agents;
	struct watch files;	/* inotify, of its socket's and memory's */
	int birth, mapping;	/* which of that */
	int watched;		/* the same when it is over, or -1 */
	struct watch unasked;	/* a timer: it may be asked now */
	struct watch patience;	/* a timer: it has not answered */
	struct watch answer;
	struct api api;		/* what is asked */
	struct jail jail;
	char why[JAIL_WHY];	/* it, or the snapshot, is not to be had */
	int sockets;		/* the directory where they are made */
	enum fc_question asked;
	int from;		/* the snapshot to begin with, or -1 */
	const char *from_name;
	int snapshot;		/* whose `written` is to be noted, or -1 */
	unsigned answered;	/* connections that have ended since */
};

/*
 * Ready for sup_start, conf.find being set: to boot, or to go on from the
 * snapshot that the directory `from` is, unless that is -1. What is wrong is
 * sup_refuse'd.
 */
void fcvmm_init(struct fc *f, struct sup *s, int from, const char *from_name);

#endif
