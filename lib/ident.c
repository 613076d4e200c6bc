/* ident.c - what derives from a machine's id; see ident.h
 *
 * SPDX-License-Identifier: MIT
 */
#include "bng.h"
#include "ident.h"

bool
ident_ok(const char *id)
{
	return strspn(id, "0123456789abcdef") == IDENT_ID - 1 &&
	    strlen(id) == IDENT_ID - 1;
}

void
ident_mac(const char *id, char ret_mac[IDENT_MAC])
{
	snprintf(ret_mac, IDENT_MAC, "02:%.2s:%.2s:%.2s:%.2s:%.2s",
	    id, id + 2, id + 4, id + 6, id + 8);
}
