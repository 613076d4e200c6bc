#include "ops.h"
int put_run(const char *r) { (void)r; return complain("not yet"); }
int get_run(const char *r) { (void)r; return complain("not yet"); }
int stats_run(const char *r) { (void)r; return complain("not yet"); }
int ports_run(const char *r) { (void)r; return complain("not yet"); }
