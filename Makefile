# ddb: see INSTALL.  `make run` and `make check` install what is missing, build, and do what they say.
#
#   make SAN=1 ...     the same with AddressSanitizer and UndefinedBehaviorSanitizer, in build/asan
#   make TSAN=1 ...    with ThreadSanitizer, in build/tsan

PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= gcc

programs := ddb ddb-router ddb-node ddb-memds ddb-autoadmin ddb-wal
programs := $(foreach p,$(programs),$(if $(wildcard cmd/$(p)/main.c),$(p)))

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
# A planted bug (t/sim, t/README): make MUTANT=MUTANT_ACK_BEFORE_FSYNC ... builds in a directory of its own.
ifdef MUTANT
build := build/mutant/$(MUTANT)
bin   := $(build)/bin
mutant := -D$(MUTANT)
endif

llhttp   := /usr/share/llhttp
warnings := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings \
            -Wvla -Wundef -Wformat=2 -Wimplicit-fallthrough
CFLAGS   ?= -O2 -g
cflags   := -std=c11 -D_GNU_SOURCE $(warnings) -fno-strict-aliasing -fstack-protector-strong $(san) $(mutant) -Icommon -Icmd/ddb-node -I/usr/share/include/llhttp $(CFLAGS)
libs     := -Wl,--as-needed -luv -lsqlite3 -lcurl -lz -lssl -lcrypto -linih -lsmartcols -ljansson -lpthread -lm

common_o := $(patsubst %.c,$(build)/%.o,$(wildcard common/*.c))
node_o   := $(patsubst %.c,$(build)/%.o,$(filter-out %/main.c,$(wildcard cmd/ddb-node/*.c)))
units    := $(patsubst t/unit/%.c,$(build)/t/unit/%,$(wildcard t/unit/*.c))
fuzzers  := $(patsubst t/fuzz/%.c,$(build)/t/fuzz/%,$(filter-out t/fuzz/driver.c,$(wildcard t/fuzz/*.c)))

.PHONY: all clean unit fuzz
.SECONDARY:
all: $(addprefix $(bin)/,$(programs))

clean:
	rm -rf bin build

# --- objects and programs -------------------------------------------------------------------------------------------

$(build)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(cflags) -MMD -MP -c -o $@ $<

$(build)/llhttp/%.o: $(llhttp)/%.c
	@mkdir -p $(@D)
	$(CC) -O2 -g -DLLHTTP_STRICT_MODE=1 -I/usr/share/include/llhttp -c -o $@ $<

$(build)/libcommon.a: $(common_o) $(addprefix $(build)/llhttp/,llhttp.o http.o api.o)
	@rm -f $@
	ar rcs $@ $^

# The node without its main: the simulator and the tests link the same object files.
$(build)/libnode.a: $(node_o)
	@rm -f $@
	ar rcs $@ $^

define program
$(bin)/$(1): $(patsubst %.c,$(build)/%.o,$(wildcard cmd/$(1)/*.c)) $(build)/libcommon.a
	@mkdir -p $$(@D)
	$(CC) $(cflags) -o $$@ $$^ $(libs)
endef
$(foreach p,$(programs),$(eval $(call program,$(p))))

# --- unit tests and fuzz targets ------------------------------------------------------------------------------------

$(build)/t/unit/%: $(build)/t/unit/%.o $(build)/libnode.a $(build)/libcommon.a
	$(CC) $(cflags) -o $@ $^ $(libs)

$(build)/t/fuzz/%: $(build)/t/fuzz/%.o $(build)/t/fuzz/driver.o $(build)/libnode.a $(build)/libcommon.a
	$(CC) $(cflags) -o $@ $^ $(libs)

unit: $(units)
fuzz: $(fuzzers)

-include $(shell find $(build) -name '*.d' 2>/dev/null)
