# ddb: see INSTALL.  `make run` and `make check` install what is missing, build, and do what they say.
#
#   make SAN=1 ...         the same with AddressSanitizer and UndefinedBehaviorSanitizer, in build/asan
#   make TSAN=1 ...        with ThreadSanitizer, in build/tsan
#   make LIBFUZZER=1 fuzz  fuzz targets under clang's libFuzzer, in build/libfuzzer
#   make MUTANT=NAME ...   with a planted bug (-DNAME), in build/.../mutant/NAME
#   make V=1 ...           prints whole commands
#
# Sources are found by themselves:
#   common/*.c             in every program
#   cmd/PROGRAM/*.c        bin/PROGRAM, if there is a main.c
#   t/unit/*.c             a test each, with common/ linked in
#   t/fuzz/*.c             a fuzz target each, the same way, driver.c supplying main
#   t/tools/*.c t/bench/*.c   a program each, the same way
#   t/sim/*.c t/crash/*.c t/kill/*.c  one program each: build/.../t/sim/sim, build/.../t/crash/crash, build/.../t/kill/kill
# A test that includes a header of a program, as "cmd/ddb-router/http.h" or "px.h", has that program, less main.c, linked in.

version := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=
CC      := $(if $(filter default undefined,$(origin CC)),gcc,$(CC))

ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

folders  := $(patsubst cmd/%/,%,$(sort $(wildcard cmd/*/)))
programs := $(foreach p,$(folders),$(if $(wildcard cmd/$(p)/main.c),$(p)))

# --- variants -------------------------------------------------------------------------------------------------------

build := build/rel
bin   := bin
ifdef SAN
build := build/asan
bin   := build/asan/bin
san   := -fsanitize=address,undefined -fno-sanitize-recover=all
endif
ifdef TSAN
build := build/tsan
bin   := build/tsan/bin
san   := -fsanitize=thread
endif
ifdef LIBFUZZER
CC    := clang
build := build/libfuzzer
bin   := build/libfuzzer/bin
san   := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -Wno-error
endif
ifdef MUTANT
build := $(build)/mutant/$(MUTANT)
bin   := $(build)/bin
san   += -D$(MUTANT)
endif

llhttp   := /usr/share/llhttp
warnings := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings \
            -Wvla -Wundef -Wformat=2 -Wimplicit-fallthrough
CFLAGS   ?= -O2 -g
LDFLAGS  ?=
cflags    = -std=c11 -D_GNU_SOURCE -DDDB_VERSION='"$(version)"' $(warnings) -fno-strict-aliasing \
            -fstack-protector-strong $(san) -I. -Icommon -Icmd/ddb-node -I/usr/share/include/llhttp \
            $(CFLAGS)
libs     := -Wl,--as-needed -luv -lsqlite3 -lcurl -lz -ldeflate -lssl -lcrypto -linih -lsmartcols -ljansson -lpthread -lm

# $(call stamp,FILE,TEXT): FILE holds TEXT, and is written only when that changes.  What depends on it follows.
stamp = $(shell mkdir -p $(dir $(1)))$(file >$(1).new,$(2))$(shell \
        { cmp -s $(1).new $(1) && rm -f $(1).new || mv -f $(1).new $(1); } 2>/dev/null)

# A recipe's command, said in one word unless V=1.
quiet = $(if $(V),,@echo '  $(1)$(if $(filter build/rel,$(build)),, [$(build:build/%=%)]) $(@:$(build)/%=%)'; )

objects = $(patsubst %.c,$(build)/%.o,$(wildcard $(1)))

tests := $(wildcard t/unit/*.c t/fuzz/*.c t/tools/*.c t/bench/*.c)
units := $(patsubst %.c,$(build)/%,$(filter t/unit/%,$(tests)))
fuzz  := $(patsubst %.c,$(build)/%,$(filter-out t/fuzz/driver.c,$(filter t/fuzz/%,$(tests))))
tools := $(patsubst %.c,$(build)/%,$(filter t/tools/% t/bench/%,$(tests)))

.PHONY: all run check lint soak bench bench-cost sim install clean unit fuzz tools
.SECONDARY:
.DELETE_ON_ERROR:

all: $(addprefix $(bin)/,$(programs))
unit: $(units)
fuzz: $(fuzz)
tools: $(tools) $(build)/t/kill/kill

ifneq ($(MAKECMDGOALS),clean)
$(call stamp,$(build)/flags,$(CC) $(shell $(CC) -dumpfullversion 2>&1) $(cflags) $(LDFLAGS) $(libs))
endif

# --- what users call ------------------------------------------------------------------------------------------------

run:
	contrib/install-deps build
	$(MAKE) all
	exec bin/ddb up $(ARGS)

# ONLY="unit sim" selects families; see t/run-checks.
check:
	contrib/install-deps build check
	+t/run-checks $(ONLY)

lint:
	+t/lint

soak:
	contrib/install-deps build check
	+SOAK=1 t/run-checks $(ONLY)

bench: all tools
	t/bench/run $(ARGS)

bench-cost: all
	t/bench/cost $(ARGS)

sim: $(build)/t/sim/sim
	$(build)/t/sim/sim $(if $(SEED),--seed $(SEED)) $(ARGS)

# Only what exists is installed; see INSTALL for the places.
put = $(if $(wildcard $(2)),install -d $(DESTDIR)$(3) && install -m $(1) $(wildcard $(2)) $(DESTDIR)$(3))
install: all
	$(call put,755,$(addprefix $(bin)/,$(programs)),$(PREFIX)/bin)
	$(call put,644,man/*.1,$(PREFIX)/share/man/man1)
	$(call put,644,man/*.5,$(PREFIX)/share/man/man5)
	$(call put,644,man/*.7,$(PREFIX)/share/man/man7)
	$(call put,644,man/*.8,$(PREFIX)/share/man/man8)
	$(call put,644,contrib/completion/ddb,$(PREFIX)/share/bash-completion/completions)
	$(call put,644,contrib/systemd/*.service contrib/systemd/*.target contrib/systemd/*.socket,$(PREFIX)/lib/systemd/system)

clean:
	rm -rf bin build

# --- objects and programs -------------------------------------------------------------------------------------------

$(build)/%.o: %.c $(build)/flags
	@mkdir -p $(@D)
	$(call quiet,cc)$(CC) $(cflags) -MMD -MP -c -o $@ $<

$(build)/llhttp/%.o: $(llhttp)/%.c $(build)/flags
	@mkdir -p $(@D)
	$(call quiet,cc)$(CC) -O2 -g $(san) -DLLHTTP_STRICT_MODE=1 -I/usr/share/include/llhttp -c -o $@ $<

# $(call archive,NAME,OBJECTS): build/.../NAME.a, made anew when its list of objects changes.  It appears whole, and so does a
# program: another make may be reading it.
define archive
$$(call stamp,$(build)/$(1).list,$(2))
$(build)/$(1).a: $(2) $(build)/$(1).list
	$$(call quiet,ar)ar rcs $$@.$$$$$$$$ $$(filter %.o,$$^) && mv $$@.$$$$$$$$ $$@
endef

ifneq ($(MAKECMDGOALS),clean)
$(eval $(call archive,libcommon,$(call objects,common/*.c) $(addprefix $(build)/llhttp/,llhttp.o http.o api.o)))
# A program without its main: the simulator and the tests link the same object files.
$(foreach p,$(folders),$(eval $(call archive,lib$(p:ddb-%=%),$(filter-out %/main.o,$(call objects,cmd/$(p)/*.c)))))
endif

link = $(call quiet,ld)$(CC) $(cflags) $(LDFLAGS) -o $@.$$$$ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(libs) && mv $@.$$$$ $@

define program
$(bin)/$(1): $(build)/cmd/$(1)/main.o $(build)/lib$(1:ddb-%=%).a $(build)/libcommon.a
	@mkdir -p $$(@D)
	$$(link)
endef
$(foreach p,$(programs),$(eval $(call program,$(p))))

# --- tests ----------------------------------------------------------------------------------------------------------

# Which tests need which program: those that name its folder, or, the node's being searched, one of its headers, be it
# by way of a header of the tests.
uses = $(patsubst %.c,$(build)/%,$(shell grep -lE $(1) $(tests) /dev/null))
empty :=
space := $(empty) $(empty)
one_of = "($(subst $(space),|,$(strip $(1))))"
node_headers := $(notdir $(wildcard cmd/ddb-node/*.h))
node_headers += $(notdir $(shell grep -lE '#include $(call one_of,$(node_headers))' t/*/*.h /dev/null))
$(foreach p,$(folders),$(eval $(call uses,'cmd/$(p)/') : $(build)/lib$(p:ddb-%=%).a))
$(eval $(call uses,'#include $(call one_of,$(node_headers))') : $(build)/libnode.a)

$(units) $(tools): $(build)/%: $(build)/%.o $(build)/libcommon.a
	$(link)

# Whoever calls a fuzz target declares it.
$(fuzz:=.o): warnings += -Wno-missing-prototypes

ifdef LIBFUZZER
$(fuzz): libs += -fsanitize=fuzzer
$(fuzz): $(build)/%: $(build)/%.o $(build)/libcommon.a
	$(link)
else
$(fuzz): $(build)/%: $(build)/%.o $(build)/t/fuzz/driver.o $(build)/libcommon.a
	$(link)
endif

$(build)/t/sim/sim: $(call objects,t/sim/*.c) $(build)/libnode.a $(build)/libcommon.a
	$(link)

# Its checkers of histories are linked into unit tests as well.
$(build)/t/kill/kill: $(call objects,t/kill/*.c) $(build)/libddb.a $(build)/libcommon.a
	$(link)
$(build)/t/unit/lin: $(call objects,t/kill/lin*.c t/kill/hist.c)
$(build)/t/unit/ser: $(call objects,t/kill/ser.c t/kill/lin*.c t/kill/hist.c)
# Nodes without a disk.
$(build)/t/unit/sweep: $(call objects,t/sim/store_mem.c t/sim/rowtree.c)
$(build)/t/unit/tx: $(call objects,t/sim/store_mem.c t/sim/rowtree.c)
$(build)/t/unit/feed: $(call objects,t/sim/store_mem.c t/sim/rowtree.c)
$(build)/t/unit/fill: $(call objects,t/sim/store_mem.c t/sim/rowtree.c)
$(build)/t/unit/change: $(call objects,t/sim/store_mem.c t/sim/rowtree.c)
$(build)/t/unit/scan: $(call objects,t/sim/store_mem.c t/sim/rowtree.c)

# The node's system calls are watched.
$(build)/t/crash/crash: LDFLAGS += $(foreach f,openat pwrite posix_fallocate renameat unlinkat mkdir fsync fdatasync,-Wl,--wrap=$(f))
$(build)/t/crash/crash: $(call objects,t/crash/*.c) $(build)/libnode.a $(build)/libcommon.a
	$(link)

-include $(shell find $(build) -name '*.d' 2>/dev/null)
