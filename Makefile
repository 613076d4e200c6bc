# banger: `make try` shows the main job, `make check` proves it.
#
# Yours to set: CC CFLAGS LDFLAGS PREFIX DESTDIR, V=1 to see commands,
# DEVELOPER=1 (warnings are errors), SAN=1 (address and undefined sanitizers),
# JOBS (how many tests at once).

CC ?= cc
GUEST_CC ?= musl-gcc
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g
LDFLAGS ?=
PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc)

# Executables of their own, because their libraries are heavy; the rest is bng.
APART := bundle disk pull
PKGS_bundle := libcjson libcrypto libzstd
# It loads libarchive and libcrypto itself when a verb needs them.
PKGS_disk := ext2fs com_err libcjson libisal libzstd
PKGS_pull := libcurl libcrypto libarchive libcjson libisal
PKGS_bng := libcjson libmnl

B := build$(if $(SAN),-san)
APPLETS := $(patsubst applets/bng-%.c,%,$(wildcard applets/bng-*.c))
MULTICALL := $(filter-out $(APART),$(APPLETS))
ALONE := $(filter $(APART),$(APPLETS))

WARN := -Wall -Wextra -Wvla -Wshadow -Wmissing-prototypes -Wwrite-strings \
	-Wstrict-prototypes -Wundef $(if $(DEVELOPER),-Werror)
BNG_CFLAGS := -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 \
	-iquote lib -iquote $(B) -MMD -MP $(WARN) $(if $(SAN),-fsanitize=address,$(HARDEN)) \
	$(if $(SAN),-fsanitize=undefined -fno-sanitize-recover=undefined)
HARDEN := -fstack-protector-strong -fPIE
BNG_LDFLAGS := -Wl,--as-needed -Wl,-z,relro,-z,now \
	$(if $(SAN),-fsanitize=address -fsanitize=undefined,-pie)

# The agent is static, small, and has no library but a libc. musl's compiler
# wrapper hides the kernel's headers; -idirafter shows those alone. What -Os
# copies memory with instead of the libc goes byte by byte where it is emulated.
AGENT_LIB := mux frame file lock name tar tarsparse pax tarwrite archive \
	extract dest outfile sshplan utf8
AGENT_CFLAGS := -std=gnu11 -D_GNU_SOURCE -Os -static -iquote lib \
	-MMD -MP $(WARN) \
	-ffunction-sections -fdata-sections -fno-stack-protector \
	-mstringop-strategy=libcall \
	-idirafter /usr/include -idirafter /usr/include/$(shell uname -m)-linux-gnu
AGENT_LDFLAGS := -static -Wl,--gc-sections -Wl,-z,noseparate-code -s

SPACE := $(subst ,, )
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

LIB_O := $(patsubst %.c,$(B)/o/%.o,$(wildcard lib/*.c))
# What an applet does not hold itself lies in applets/NAME/.
parts = $(patsubst %.c,$(B)/o/%.o,$(wildcard applets/$(1)/*.c))
BNG_O := $(MULTICALL:%=$(B)/o/applets/bng-%.o) $(B)/o/applets/main.o \
	$(foreach a,$(MULTICALL),$(call parts,$(a)))
AGENT_O := $(patsubst %.c,$(B)/g/%.o,$(wildcard guest/agent/*.c) \
	$(wildcard $(AGENT_LIB:%=lib/%.c)))
LINKS := $(MULTICALL:%=$(B)/bng-%)
PAGES := $(wildcard doc/*.[1-8])
# What tests need compiled; guest-*.c run inside a machine.
HELPERS := $(patsubst t/helper/%.c,$(B)/t/%,$(filter-out t/helper/fault.c,\
	$(wildcard t/helper/*.c))) $(B)/t/fault.so \
	$(if $(SAN),$(B)/t/agent-host)

all: $(B)/bng $(LINKS) $(ALONE:%=$(B)/bng-%) $(B)/banger \
	$(if $(wildcard guest/agent/*.c),$(B)/agent)

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all helpers check lint test kills torture fuzz deps kernel try fresh \
	bench install uninstall clean FORCE

# Rebuild when the flags change.
FLAGS := $(filter-out -Werror,$(CC) $(CFLAGS) $(LDFLAGS) $(BNG_CFLAGS) \
	$(BNG_LDFLAGS))
$(B)/flags: FORCE
	$(Q)mkdir -p $(B)
	$(Q)printf '%s\n' '$(FLAGS)' | cmp -s - $@ || printf '%s\n' '$(FLAGS)' >$@

$(B)/applets.h: applets/mkapplets.sh $(wildcard applets/bng-*.c) $(B)/flags
	$(Q)BNG_MULTICALL='$(MULTICALL)' sh applets/mkapplets.sh $@ \
		$(filter applets/bng-%.c,$^) && touch $@

$(B)/o/%.o: %.c $(B)/flags | $(B)/applets.h
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(BNG_CFLAGS) $(CFLAGS) -include $(B)/applets.h \
		-DLINKED_APART='"$(subst $(SPACE),\n,$(APART:%=bng-%))"' -c -o $@ $<

$(B)/libbng.a: $(LIB_O)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/bng: $(BNG_O) $(B)/libbng.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(BNG_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ \
		$$($(PKG_CONFIG) --libs $(PKGS_bng))

$(LINKS): $(B)/bng
	$(Q)ln -sf bng $@

$(B)/o/only-%.o: applets/main.c $(B)/flags | $(B)/applets.h
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(BNG_CFLAGS) $(CFLAGS) -include $(B)/applets.h \
		-DONLY=applet_$* -c -o $@ $<

.SECONDEXPANSION:
$(ALONE:%=$(B)/bng-%): $(B)/bng-%: $(B)/o/applets/bng-%.o $(B)/o/only-%.o \
		$$(call parts,$$*) $(B)/libbng.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(BNG_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ \
		$$($(PKG_CONFIG) --libs $(PKGS_$*))

$(B)/g/%.o: %.c $(B)/flags
	$(call say,GUEST,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(GUEST_CC) $(AGENT_CFLAGS) -c -o $@ $<

$(B)/agent: $(AGENT_O)
	$(call say,LINK,$@)
	$(Q)$(GUEST_CC) $(AGENT_LDFLAGS) -o $@ $^

$(B)/t/guest-%: t/helper/guest-%.c $(B)/flags $(wildcard lib/*.[ch])
	$(call say,GUEST,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(GUEST_CC) $(filter-out -MMD -MP,$(AGENT_CFLAGS)) \
		$(AGENT_LDFLAGS) -o $@ $< \
		$(wildcard $(AGENT_LIB:%=lib/%.c))

# The agent as a program of the host, where sanitizers can watch it.
$(B)/t/agent-host: $(wildcard guest/agent/*.[ch]) \
		$(AGENT_LIB:%=lib/%.c) $(B)/flags
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -MMD -MP,$(BNG_CFLAGS)) $(BNG_LDFLAGS) \
		$(CFLAGS) -o $@ $(filter %.c,$^)

# Loaded into every program of a command, also those that are not ours.
$(B)/t/fault.so: t/helper/fault.c t/helper/fault.h $(B)/flags
	$(call say,TEST,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) $(CFLAGS) -fPIC -shared \
		-o $@ $< -ldl

$(B)/t/%: t/helper/%.c $$(wildcard t/helper/$$*/*) $(B)/libbng.a
	$(call say,TEST,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(BNG_CFLAGS) $(BNG_LDFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ \
		-MF $@.d -MT $@ $(filter %.c %.a,$^) $$($(PKG_CONFIG) --libs $(PKGS_bng))

# The front end in the tree finds itself; installed, it runs from PREFIX.
FRONT = sed -e 's|@BIN@|$(1)|' -e 's|@SHARE@|$(2)|' -e 's|@AGENT@|$(3)|' sh/banger
$(B)/banger: sh/banger $(B)/flags
	$(Q)$(call FRONT,,,) >$@
	$(Q)chmod +x $@

deps:
	$(Q)sh sh/deps

# What tests of our own kernel need; a quarter of an hour on two processors.
kernel: all
	$(Q)sh t/store.sh generic-6.12

lint: all
	$(Q)CC='$(CC)' GUEST_CC='$(GUEST_CC)' JOBS='$(JOBS)' sh t/lint

helpers: $(HELPERS)

test: all helpers
	$(Q)JOBS='$(JOBS)' SAN='$(SAN)' sh t/run

# ROUNDS times kill -9, at random, in the box.
kills: all helpers
	$(Q)ROUNDS=$(or $(ROUNDS),200) sh t/hostbox/26-torture.sh

# COUNT faults, as SEED spreads them, at the steps of the verbs VERBS.
torture: all helpers
	$(Q)sh t/torture $(or $(COUNT),10000) $(VERBS)

# Each target of t/fuzz for FUZZ_TIME seconds.
fuzz: all
	$(Q)FUZZ_TIME='$(FUZZ_TIME)' sh t/fuzz/run $(TARGETS)

# One after the other even under -j: each needs the one before.
check:
	$(Q)for t in deps all lint test; do \
		$(MAKE) --no-print-directory $$t || exit 1; done

try:
	$(Q)sh t/try

fresh:
	$(Q)sh t/fresh

bench: all helpers
	$(Q)ROW='$(ROW)' BOX_ROWS='$(BOX_ROWS)' sh t/bench

BINDIR = $(DESTDIR)$(PREFIX)/bin
SHAREDIR = $(DESTDIR)$(PREFIX)/share/banger
AGENTDIR = $(DESTDIR)$(PREFIX)/lib/banger
MANDIR = $(DESTDIR)$(PREFIX)/share/man
# Where bash, zsh and fish look for what completes a command.
SHELLS = $(addprefix $(DESTDIR)$(PREFIX)/share/,\
	bash-completion/completions/banger zsh/site-functions/_banger \
	fish/vendor_completions.d/banger.fish)

install: all
	$(Q)install -d $(BINDIR) $(SHAREDIR)/sh $(SHAREDIR)/guest/recipes $(AGENTDIR)
	$(Q)install -m 755 $(B)/bng $(ALONE:%=$(B)/bng-%) $(BINDIR)
	$(Q)for a in $(MULTICALL); do ln -sf bng $(BINDIR)/bng-$$a; done
	$(Q)install -m 755 $(B)/agent $(AGENTDIR)/agent
	$(Q)install -m 644 $(filter-out sh/banger sh/deps,$(wildcard sh/*)) $(SHAREDIR)/sh
	$(Q)install -m 644 $(wildcard guest/recipes/*) $(SHAREDIR)/guest/recipes
	$(Q)install -d $(SHAREDIR)/guest/kernel
	$(Q)install -m 644 $(wildcard guest/kernel/*) $(SHAREDIR)/guest/kernel
	$(Q)install -d $(SHAREDIR)/completion $(dir $(SHELLS))
	$(Q)install -m 644 $(wildcard completion/*) $(SHAREDIR)/completion
	$(Q)install -m 644 completion/banger.bash $(word 1,$(SHELLS))
	$(Q)install -m 644 completion/banger.zsh $(word 2,$(SHELLS))
	$(Q)install -m 644 completion/banger.fish $(word 3,$(SHELLS))
	$(Q)$(call FRONT,$(PREFIX)/bin,$(PREFIX)/share/banger,$(PREFIX)/lib/banger/agent) \
		>$(BINDIR)/banger && chmod 755 $(BINDIR)/banger
	$(Q)for p in $(PAGES); do d=$(MANDIR)/man$${p##*.}; \
		install -d $$d && install -m 644 $$p $$d || exit 1; done

# What banger put into a person's ~/.ssh/config goes with it; under sudo, that
# person is SUDO_USER.
UNFENCE = $(PREFIX)/bin/banger -q ssh-config --uninstall
uninstall:
	$(Q)[ -n '$(DESTDIR)' ] || [ ! -x $(PREFIX)/bin/banger ] || \
		if [ -n "$$SUDO_USER" ]; then \
			su -s /bin/sh -c '$(UNFENCE)' "$$SUDO_USER"; \
		else $(UNFENCE); fi
	$(Q)rm -f $(BINDIR)/banger $(BINDIR)/bng $(APPLETS:%=$(BINDIR)/bng-%)
	$(Q)rm -f $(AGENTDIR)/agent $(patsubst sh/%,$(SHAREDIR)/sh/%,$(wildcard sh/*))
	$(Q)rm -f $(patsubst %,$(SHAREDIR)/%,$(wildcard guest/recipes/* \
		guest/kernel/*))
	$(Q)rm -f $(patsubst %,$(SHAREDIR)/%,$(wildcard completion/*)) $(SHELLS)
	$(Q)for p in $(PAGES); do rm -f $(MANDIR)/man$${p##*.}/$${p##*/}; done
	$(Q)for d in $(SHAREDIR)/guest/recipes $(SHAREDIR)/guest/kernel \
		$(SHAREDIR)/guest $(SHAREDIR)/sh \
		$(SHAREDIR)/completion \
		$(SHAREDIR) $(AGENTDIR); do [ ! -d $$d ] || rmdir $$d || exit 1; done

clean:
	$(Q)rm -rf build build-san

-include $(patsubst %.o,%.d,$(LIB_O) $(BNG_O) $(AGENT_O)) \
	$(ALONE:%=$(B)/o/applets/bng-%.d) $(HELPERS:%=%.d) \
	$(patsubst %.c,$(B)/o/%.d,$(wildcard applets/*/*.c))
