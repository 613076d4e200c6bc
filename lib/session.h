/* session.h - what a machine says of its sessions, shown
 *
 * A machine may say anything: what is not of its form is left out, and no
 * byte of it reaches a terminal as more than a character.
 */
#ifndef BNG_SESSION_H
#define BNG_SESSION_H

#include <cjson/cJSON.h>
#include <stdbool.h>

/* A string, and a whole number of at least 0, of a session; "" and -1. */
const char *session_str(const cJSON *session, const char *key);
int64_t session_num(const cJSON *session, const char *key);

/* Of {"sessions":[...]}: a table, the names alone, or a JSON array. */
void session_table(const cJSON *all);
void session_names(const cJSON *all);
void session_json(const cJSON *all);

/* One of them: "key  value" lines, or a JSON object. */
void session_lines(const cJSON *session);
void session_object(const cJSON *session);

#endif
