# SEC. `make` builds build/bin/*; `make help` lists the rest.
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
VERSION := 0.1.0

O := build
ifdef ASAN
O := build-asan
endif
ifdef COVER
O := build-cov
endif
ifdef FUZZ
O := build-fuzz
CC := clang
endif

PKGS     := krb5 libgcrypt sqlite3 libosip2 libedit json-c opus speexdsp alsa
PKG_C    := $(shell pkg-config --cflags $(PKGS))
LIB_GCRY := $(shell pkg-config --libs libgcrypt)
LIB_KRB  := $(shell pkg-config --libs krb5)
LIB_SQL  := $(shell pkg-config --libs sqlite3)
LIB_EDIT := $(shell pkg-config --libs libedit)
LIB_SND  := $(shell pkg-config --libs opus speexdsp alsa)
LIB_JSON := $(shell pkg-config --libs json-c)
LIB_UNI  := -lunistring
LIBS     := -Wl,--as-needed $(LIB_GCRY) $(LIB_KRB) $(LIB_SQL) -losipparser2 \
	    $(LIB_EDIT) $(LIB_JSON) $(LIB_UNI) $(LIB_SND) -lm

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wformat=2
HARD := -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
LDHARD := -pie -Wl,-z,relro,-z,now
OPT  := -O2 -g
ifdef ASAN
OPT  := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all -DSEC_NONCE_LOG
LDSAN := -fsanitize=address,undefined
endif
ifdef COVER
OPT  := -O0 -g --coverage -DSEC_NONCE_LOG
LDSAN := --coverage
endif
ifdef FUZZ
OPT  := -O1 -g -fno-omit-frame-pointer \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LDSAN := -fsanitize=address,undefined
endif
ifeq ($(OPT),-O2 -g)
OPT  += -D_FORTIFY_SOURCE=3
endif
ALLCFLAGS := -std=c17 -D_GNU_SOURCE $(OPT) $(HARD) $(WARN) -Ilib -I$(O)/gen \
	     -DSEC_VERSION='"$(VERSION)"' $(PKG_C) $(CFLAGS)
ALLLDFLAGS := $(LDHARD) $(LDSAN) $(LDFLAGS)

LIBSRC  := $(wildcard lib/*/*.c)
LIBOBJ  := $(LIBSRC:%.c=$(O)/%.o)
SQL     := $(wildcard lib/db/*.sql)
GENSQL  := $(SQL:lib/db/%.sql=$(O)/gen/%.sql.h)
PROGS   := $(notdir $(patsubst %/,%,$(dir $(wildcard cmd/*/main.c))))
UNITSRC := $(wildcard tests/unit/*/*.c)
UNITS   := $(UNITSRC:%.c=$(O)/%)
FUZZSRC := $(wildcard tests/fuzz/*.c)
FUZZERS := $(FUZZSRC:tests/fuzz/%.c=$(O)/fuzz/%)
AUXSRC  := $(wildcard tests/bench/*.c tests/soak/*.c tests/lib/*.c)
AUX     := $(AUXSRC:%.c=$(O)/%)
MAN1    := $(wildcard man/*.1)
MAN5    := $(wildcard man/*.5)
MAN7    := $(wildcard man/*.7)
MAN8    := $(wildcard man/*.8)
SBIN    := sec-mtcu sec-mcu sec-gwproxy sec-webproxy sec-admin sec-keygen \
	   sec-ldap

all: $(PROGS:%=$(O)/bin/%)
tests: all $(UNITS) $(AUX)

# The crypto layer has stricter warnings.
$(O)/%.o: %.c $(O)/flags | $(GENSQL)
	@mkdir -p $(@D)
	$(CC) $(ALLCFLAGS) $(if $(findstring lib/crypto,$<),-Wconversion) -MMD -MP -c -o $@ $<

$(O)/gen/%.sql.h: lib/db/%.sql
	@mkdir -p $(@D)
	sed -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' $< >$@

# The list: what is no longer in the tree leaves the archive too.
$(O)/libsec.a: $(LIBOBJ) $(O)/libsec.list
	rm -f $@
	ar rcs $@ $(LIBOBJ)
$(O)/libsec.list: FORCE
	@mkdir -p $(@D)
	@echo '$(LIBOBJ)' | cmp -s - $@ || echo '$(LIBOBJ)' >$@

# The door to the LDAP library, and nobody else goes through it.
sec-ldap_LIBS := $(shell pkg-config --libs ldap lber)

define PROG
$(1)_OBJ := $$(patsubst %.c,$$(O)/%.o,$$(wildcard cmd/$(1)/*.c))
$$(O)/bin/$(1): $$($(1)_OBJ) $$(O)/libsec.a
	@mkdir -p $$(@D)
	$$(CC) $$(ALLLDFLAGS) -o $$@ $$($(1)_OBJ) $$(O)/libsec.a $$(LIBS) $$($(1)_LIBS)
endef
$(foreach p,$(PROGS),$(eval $(call PROG,$(p))))

$(UNITS) $(AUX): $(O)/%: $(O)/%.o $(O)/libsec.a
	$(CC) $(ALLLDFLAGS) -o $@ $< $(O)/libsec.a $(LIBS)

$(FUZZERS): $(O)/fuzz/%: $(O)/tests/fuzz/%.o $(O)/libsec.a
	@mkdir -p $(@D)
	$(CC) $(ALLLDFLAGS) -fsanitize=fuzzer -o $@ $< $(O)/libsec.a $(LIBS)
fuzzers: $(FUZZERS)

# Rebuild everything when the compiler or a flag changes.
$(O)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(ALLCFLAGS) $(ALLLDFLAGS)' | cmp -s - $@ || \
	    echo '$(CC) $(ALLCFLAGS) $(ALLLDFLAGS)' >$@

check:
	scripts/check
fuzz:
	scripts/fuzz 60
bench: all tests
	scripts/bench
cover:
	scripts/cover

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin
	for p in $(PROGS); do case " $(SBIN) " in \
	    *" $$p "*) d=sbin ;; *) d=bin ;; esac; \
	    install -m 755 $(O)/bin/$$p $(DESTDIR)$(PREFIX)/$$d/ || exit 1; done
	for s in 1 5 7 8; do for m in man/*.$$s; do [ -e "$$m" ] || continue; \
	    install -d $(DESTDIR)$(PREFIX)/share/man/man$$s; \
	    install -m 644 $$m $(DESTDIR)$(PREFIX)/share/man/man$$s/ || exit 1; \
	    done; done

	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	    $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
	    $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	for p in $(PROGS); do \
	    install -m 644 scripts/completions/sec.bash \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$p || \
	    exit 1; done
	install -m 644 scripts/completions/_sec \
	    $(DESTDIR)$(PREFIX)/share/zsh/site-functions/
	install -m 644 scripts/completions/sec.fish \
	    $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/

clean:
	rm -rf build build-asan build-cov build-fuzz

help:
	@echo 'all tests check fuzz bench cover install clean;  ASAN=1 COVER=1'

FORCE:
.PHONY: all tests fuzzers check fuzz bench cover install clean help FORCE
.SECONDARY:
-include $(shell find $(O) -name '*.d' 2>/dev/null)
