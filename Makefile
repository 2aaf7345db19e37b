# SPDX-License-Identifier: GPL-2.0-only
# `make help` lists the targets. All output goes below build/.

# The architecture's name in the kernel's arch/ and in bpf_tracing.h.
HOST_ARCH := $(shell uname -m | sed -e 's/x86_64/x86/' -e 's/aarch64/arm64/' \
	-e 's/ppc64le/powerpc/' -e 's/riscv64/riscv/' -e 's/s390x/s390/' -e 's/loongarch64/loongarch/')
ARCH ?= $(HOST_ARCH)
CROSS := $(filter-out $(HOST_ARCH),$(ARCH))
# Tested are x86-64 and arm64; the others compile, and nobody has run them.
KNOWN_ARCHES := x86 arm64 powerpc riscv s390 loongarch
# Each variant has its own directory: build/arm64-static.
EMPTY :=
VARIANT_FLAGS := $(if $(STATIC), STATIC=1)$(if $(CROSS), ARCH=$(CROSS))
VARIANT := $(subst $(EMPTY) ,-,$(strip $(CROSS) $(if $(STATIC),static) $(if $(SANITIZE),san) \
	$(if $(FUZZ),libfuzzer) $(addprefix without-,$(WITHOUT))))
BUILD ?= build$(VARIANT:%=/%)
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions

ifeq ($(CROSS),)
GNU_PREFIX :=
else ifeq ($(CROSS),arm64)
GNU_PREFIX := aarch64-linux-gnu-
# Where deps.sh installs its libraries; SYSROOT names another place.
PKG_CONFIG_PLACE := PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/aarch64-linux-gnu/pkgconfig \
	$(if $(SYSROOT),PKG_CONFIG_SYSROOT_DIR=$(SYSROOT))
else
$(error faultmap is cross-built for arm64 alone, not for ARCH=$(ARCH))
endif
SYSROOT_FLAGS := $(addprefix --sysroot=,$(SYSROOT))
ifeq ($(origin CC),default)
CC := $(GNU_PREFIX)gcc
endif
CLANG ?= clang
# SANITIZE=1: the first finding ends the program. gcc then warns more, so warnings are no errors. FUZZ=1: libFuzzer too,
# which needs clang.
SANITIZERS := -Wno-error -O1 -g -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined
ifneq ($(FUZZ),)
CC := $(CLANG)
SANITIZER_FLAGS := $(SANITIZERS) -fsanitize=fuzzer-no-link
else ifneq ($(SANITIZE),)
SANITIZER_FLAGS := $(SANITIZERS)
endif
CLANG_FORMAT ?= clang-format
PKG_CONFIG ?= pkg-config
ASK_PKG_CONFIG = $(PKG_CONFIG_PLACE) $(PKG_CONFIG)
# Debian has it in /usr/sbin, which is not on every user's PATH.
BPFTOOL ?= $(or $(shell PATH="$$PATH:/usr/sbin:/sbin" && command -v bpftool),bpftool)
# WITHOUT="symbol term connect zstd": leaves out parts that not everybody needs.
PARTS := symbol term connect zstd
LEFT_OUT := $(filter-out $(PARTS),$(WITHOUT))
ifneq ($(LEFT_OUT),)
$(error WITHOUT=: not "$(LEFT_OUT)"; what can be left out is: $(PARTS))
endif
HAS_SYMBOL := $(if $(filter symbol,$(WITHOUT)),,yes)
HAS_ZSTD := $(if $(filter zstd,$(WITHOUT)),,yes)
HAS_TERM := $(if $(filter term,$(WITHOUT)),,yes)
# Debian has no static libraries for what libcurl needs; and --connect is useless without the terminal.
HAS_CONNECT := $(if $(STATIC)$(filter connect term,$(WITHOUT)),,yes)
WITHOUT_FLAGS := $(if $(HAS_SYMBOL),,-DWITHOUT_SYMBOL) $(if $(HAS_TERM),,-DWITHOUT_TERM) \
	$(if $(HAS_CONNECT),,-DWITHOUT_CONNECT) $(if $(HAS_ZSTD),,-DWITHOUT_ZSTD)
WITHOUT_FILES := $(if $(HAS_SYMBOL),,src/symbol/elf_file.c src/symbol/unwind_worker.c \
	src/symbol/unwind_process.c) $(if $(HAS_TERM),,src/term/% \
	src/cmd/top_screen.c src/cmd/top_replay.c src/cmd/top_settings.c tests/unit/test_term%) \
	$(if $(HAS_CONNECT),,src/client/% src/cmd/top_connect.c)
LIBRARIES := libbpf $(if $(HAS_SYMBOL),libdw) libelf zlib $(if $(HAS_ZSTD),libzstd) libmicrohttpd jansson libcap-ng gnutls \
	yaml-0.1 libcrypt inih libseccomp libprotobuf-c $(if $(HAS_TERM),ncursesw)
# Only their headers are used: the program loads these libraries when it needs them.
LOADED_LIBRARIES := $(if $(HAS_CONNECT),libcurl)

MAKEFLAGS += --no-builtin-rules --no-print-directory
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

# V=1 shows the commands.
ifeq ($(V),1)
Q =
say = @:
else
Q = @
say = @printf '  %-8s %s\n'
endif

GOALS := $(or $(MAKECMDGOALS),all)

# Goals that load BPF programs are refused before anything is built if the capabilities are missing, which root may
# lack in a container, and other users may have: CAP_SYS_ADMIN (21), or CAP_PERFMON (38) and CAP_BPF (39).
ifneq ($(filter demo check check-packages check-distro check-san check-keys attack soak bench,$(GOALS)),)
ifneq ($(shell has=0x$$(sed -n 's/^CapEff:[^0-9a-f]*//p' /proc/self/status); \
	echo $$((has >> 21 & 1 | has >> 38 & has >> 39 & 1))),1)
$(error it loads BPF programs, so it needs CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN: run `sudo make $(GOALS)`)
endif
endif

# Goals that compile: checks once for what they need, and names in one line what is missing.
ifneq ($(filter-out help deps demo check check-unit check-distro check-foreign check-page check-fleet check-system check-vm check-san check-keys check-valgrind fuzz attack soak bench clean uninstall deb rpm dist format format-check,$(GOALS)),)
ifeq ($(filter $(HOST_ARCH),$(KNOWN_ARCHES)),)
$(error faultmap is for x86-64 and arm64, and may work on powerpc64le, riscv64, s390x and loongarch64: not on $(HOST_ARCH))
endif
MISSING := $(shell \
	for tool in $(CC) $(CLANG) $(BPFTOOL) $(PKG_CONFIG) protoc-c; do \
		command -v "$$tool" >/dev/null || echo "$$tool"; \
	done; \
	for library in $(LIBRARIES) $(LOADED_LIBRARIES); do \
		$(ASK_PKG_CONFIG) --exists "$$library" 2>/dev/null || echo "$$library"; \
	done)
ifneq ($(MISSING),)
$(error missing to build faultmap: $(MISSING). Run `sudo make deps$(VARIANT_FLAGS)`, or install their development packages)
endif
LIBRARY_CFLAGS := $(shell $(ASK_PKG_CONFIG) --cflags $(LIBRARIES) $(LOADED_LIBRARIES))
LIBRARY_LIBS := $(shell $(ASK_PKG_CONFIG) $(if $(STATIC),--static) --libs $(LIBRARIES)) \
	$(if $(HAS_SYMBOL),-liberty)
ifneq ($(STATIC),)
LIBRARY_LIBS := $(filter-out -lp11-kit,$(LIBRARY_LIBS))
MISSING := $(foreach name,$(patsubst -l%,lib%.a,$(sort $(filter -l%,$(LIBRARY_LIBS)))),\
	$(if $(filter $(name),$(shell $(CC) $(SYSROOT_FLAGS) -print-file-name=$(name))),$(name)))
ifneq ($(strip $(MISSING)),)
$(error missing to link faultmap statically: $(strip $(MISSING)). Run `sudo make deps$(VARIANT_FLAGS)`)
endif
endif
BPF_INCLUDE := $(shell $(ASK_PKG_CONFIG) --variable=includedir libbpf)
endif

CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Werror
# --no-warnings: glibc warns of getpwuid(), which main.c replaces, and of getaddrinfo(), which only gets
# numeric addresses. pack-relative-relocs (DT_RELR): relocations take 10 KB, not 270; older linkers ignore it.
STATIC_FLAGS := -static-pie -s -Wl,--gc-sections,--no-warnings,-z,pack-relative-relocs
LINK_FLAGS := $(SYSROOT_FLAGS) $(SANITIZER_FLAGS) $(if $(STATIC),$(STATIC_FLAGS))
# -iquote, so that <spawn.h> stays the C library's.
ALL_CFLAGS = -std=gnu11 $(WARNINGS) -D_GNU_SOURCE -iquote src -iquote . -iquote $(BUILD) \
	$(SYSROOT_FLAGS) $(if $(STATIC),-DSTATIC_BUILD) $(WITHOUT_FLAGS) $(LIBRARY_CFLAGS) $(CPPFLAGS) $(CFLAGS) $(SANITIZER_FLAGS)
# Without the user's CFLAGS: tests expect an exact number of faults from the workloads.
WORKLOAD_CFLAGS := -std=gnu11 $(WARNINGS) -D_GNU_SOURCE -O1 -g -pthread

# BPF_PROG() names every argument of a hook, used or not. BTF has the files' names, which must not depend
# on where the tree is.
BPF_CFLAGS := -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) $(WARNINGS) \
	-Wno-unused-parameter -ffile-prefix-map=$(CURDIR)=. -Ivmlinux -Ibpf

SOURCES := $(filter-out $(WITHOUT_FILES),$(wildcard src/*/*.c))
OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(SOURCES))
# One object with everything, one that loads faster, one for kernels before Linux 6.1: bpf/compat.bpf.h.
BPF_OBJECTS := $(patsubst %,$(BUILD)/bpf/%.bpf.o,faultmap faultmap_usual faultmap_old)
UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(filter-out $(WITHOUT_FILES),$(wildcard tests/unit/test_*.c)))
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
# A workload is one file, or a directory of files.
WORKLOADS := $(patsubst tests/%.c,$(BUILD)/%,$(wildcard tests/workload/*.c))
WORKLOAD_SEGMENTS := $(if $(filter x86,$(ARCH)),$(BUILD)/workload/segments)
WORKLOAD_SETS := $(sort $(patsubst tests/%/,$(BUILD)/%,$(dir $(wildcard tests/workload/*/*.c))))
SHIMS := $(patsubst tests/%.c,$(BUILD)/%.so,$(wildcard tests/shim/*.c))
BENCH_BPF := $(patsubst tests/%.c,$(BUILD)/%.o,$(wildcard tests/bench/*.bpf.c))
BENCH_TOOLS := $(patsubst tests/%.c,$(BUILD)/%,\
	$(filter-out %.bpf.c,$(wildcard tests/bench/*.c)))
SKELETONS := $(patsubst $(BUILD)/bpf/%.bpf.o,$(BUILD)/%.skel.h,$(BPF_OBJECTS))
# The unit tests link with everything but main.
ARCHIVE := $(BUILD)/libfaultmap.a

.PHONY: all tests unit-tests deps demo check check-unit check-packages check-distro check-foreign check-page check-fleet check-system check-vm workloads check-san check-keys check-valgrind fuzz fuzz-targets analyze attack soak bench bench-tools install uninstall deb rpm dist sbom clean format format-check help
all: $(BUILD)/faultmap

unit-tests: $(BUILD)/faultmap $(UNIT_TESTS) $(FUZZ_TARGETS)

tests: unit-tests $(SHIMS) $(WORKLOADS) $(WORKLOAD_SEGMENTS) $(WORKLOAD_SETS) $(BENCH_TOOLS) $(BENCH_BPF)

$(BUILD)/faultmap: $(BUILD)/src/cmd/main.o $(ARCHIVE) $(if $(STATIC),$(BUILD)/p11_kit.o)
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LINK_FLAGS) $(LDFLAGS) -o $@ $^ $(LIBRARY_LIBS)

$(BUILD)/p11_kit.o: packaging/static/p11_kit.c Makefile
	$(say) CC $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(ARCHIVE): $(filter-out $(BUILD)/src/cmd/main.o,$(OBJECTS)) $(BUILD)/profile.pb-c.o
	$(say) AR $@
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/src/%.o: src/%.c Makefile
	$(say) CC $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Only this room includes the skeletons. The order-only rule makes it in time for the first build; later
# the .d files say more.
$(filter $(BUILD)/src/collect/%.o,$(OBJECTS)): | $(SKELETONS)

# As a C string, for `faultmap log --schema`.
$(BUILD)/faultmap.schema.h: packaging/faultmap.schema.json
	$(say) SED $@
	$(Q)mkdir -p $(@D)
	$(Q)sed 's/["\\]/\\&/g; s/.*/"&\\n"/' $< >$@

$(BUILD)/src/sink/sink_jsonl.o: | $(BUILD)/faultmap.schema.h

# Hashes of the flame graph's script and style: a browser runs only what matches them.
$(BUILD)/flame_csp.h: src/sink/flame.js src/sink/flame.css
	$(say) HASH $@
	$(Q)mkdir -p $(@D)
	$(Q)hash() { sha256sum "$$1" | cut -c1-64 | tr a-f A-F | basenc --base16 -d | base64; }; \
		printf '#define FLAME_SCRIPT_HASH "sha256-%s"\n#define FLAME_STYLE_HASH "sha256-%s"\n' \
		"$$(hash src/sink/flame.js)" "$$(hash src/sink/flame.css)" >$@

$(BUILD)/src/serve/web.o: $(BUILD)/flame_csp.h
$(BUILD)/src/sink/profile_flame.o: $(BUILD)/flame_csp.h $(wildcard src/sink/flame*.html)

# pprof's format: protobuf-c writes the code for it.
$(BUILD)/profile.pb-c.c $(BUILD)/profile.pb-c.h &: src/sink/profile.proto
	$(say) PROTOC $<
	$(Q)mkdir -p $(BUILD)
	$(Q)protoc-c --proto_path=src/sink --c_out=$(BUILD) $<

$(BUILD)/profile.pb-c.o: $(BUILD)/profile.pb-c.c Makefile
	$(say) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) -I$(BUILD) -c -o $@ $<

$(BUILD)/src/sink/profile_pprof.o: | $(BUILD)/profile.pb-c.h

# page.c embeds these files, which no .d file says.
$(BUILD)/src/serve/page.o: $(wildcard src/serve/page.html src/serve/page.css src/serve/page.js)

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c Makefile
	$(say) CLANG $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -I$(BPF_INCLUDE) -MMD -MP -c -o $@ $<

$(BUILD)/%.bpf.o: $(BUILD)/bpf/%.bpf.o
	$(say) BPFTOOL $@
	$(Q)$(BPFTOOL) gen object $@ $^

$(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	$(say) BPFTOOL $@
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf >$@

$(BUILD)/tests/unit/%: tests/unit/%.c $(ARCHIVE) Makefile
	$(say) TEST $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(ARCHIVE) -lcmocka $(LIBRARY_LIBS)

# With libFuzzer, or with replay.c, which runs the files of the corpus.
FUZZ_MAIN := $(if $(FUZZ),-fsanitize=fuzzer,tests/fuzz/replay.c)
$(FUZZ_TARGETS): $(BUILD)/fuzz/%: tests/fuzz/fuzz_%.c tests/fuzz/replay.c $(ARCHIVE) Makefile
	$(say) FUZZ $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(FUZZ_MAIN) $(ARCHIVE) $(LIBRARY_LIBS)

$(BUILD)/workload/callers $(BUILD)/workload/jit: WORKLOAD_CFLAGS += -fno-omit-frame-pointer
$(WORKLOADS): $(BUILD)/workload/%: tests/workload/%.c Makefile
	$(say) WORKLOAD $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(WORKLOAD_CFLAGS) -MMD -MP -MF $@.d -o $@ $<

$(WORKLOAD_SEGMENTS): tests/workload/segments.S Makefile
	$(say) WORKLOAD $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -nostdlib -static -no-pie -Wl,-z,separate-code -o $@ $<

$(SHIMS): $(BUILD)/%.so: tests/%.c Makefile
	$(say) SHIM $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(WORKLOAD_CFLAGS) -fPIC -shared -o $@ $<

.SECONDEXPANSION:
$(WORKLOAD_SETS): $(BUILD)/workload/%: $$(wildcard tests/workload/$$*/*.[ch]) Makefile
	$(say) WORKLOAD $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(WORKLOAD_CFLAGS) -o $@ $(filter %.c,$^)

$(BENCH_TOOLS): $(BUILD)/bench/%: tests/bench/%.c Makefile
	$(say) BENCH $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(LDFLAGS) $(LIBRARY_LIBS)

$(BENCH_BPF): $(BUILD)/bench/%.o: tests/bench/%.c Makefile
	$(say) CLANG $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -I$(BPF_INCLUDE) -MMD -MP -c -o $@ $<

-include $(patsubst %.o,%.d,$(OBJECTS) $(BPF_OBJECTS) $(BENCH_BPF))
-include $(addsuffix .d,$(UNIT_TESTS) $(FUZZ_TARGETS) $(WORKLOADS) $(BENCH_TOOLS))

deps:
	@packaging/deps.sh build $(if $(STATIC),static) $(CROSS)

# Files that root made below build/ are given to the owner of the tree, so that a plain `make` works afterwards.
GIVE_BACK = chown -R --reference=. $(BUILD)

demo:
	@packaging/deps.sh build
	@$(MAKE) -j"$$(nproc)" all
	@$(GIVE_BACK)
	$(BUILD)/faultmap run -- python3 tests/workload/touch.py 512

# What the cross build needs; without it tests/cli/cross.sh skips the cross build and says so.
CROSS_TESTED = $(filter-out $(HOST_ARCH),arm64)

# Tests that need neither root nor much time.
UNIT_CHECKED := unit/ cli/usage cli/config. cli/corpora cli/docs cli/man cli/rooms
check-unit:
	@packaging/deps.sh unit
	@$(MAKE) -j"$$(nproc)" unit-tests
	@BUILD=$(BUILD) tests/run.sh $(UNIT_CHECKED)

check:
	@packaging/deps.sh test
	@$(if $(CROSS_TESTED),packaging/deps.sh $(CROSS_TESTED) static emulator || echo 'going on without the cross build')
	@$(MAKE) -j"$$(nproc)" tests
	@BUILD=$(BUILD) tests/run.sh; status=$$?; $(GIVE_BACK); exit $$status

workloads: $(WORKLOADS) $(WORKLOAD_SEGMENTS) $(WORKLOAD_SETS)

# `make -n` still runs each line that names $(MAKE).
SUBMAKE = $(MAKE)

# Boots other kernels; needs root only if deps.sh has to install something.
check-vm:
	@packaging/deps.sh vm
	@$(MAKE) -j"$$(nproc)" all workloads
	@status=0; \
	$(if $(filter-out system,$(or $(KERNELS),all)),\
		BUILD=$(BUILD) tests/vm/run.sh $(filter-out system,$(KERNELS)) || status=1;) \
	$(if $(filter system,$(or $(KERNELS),system)),$(SUBMAKE) check-system || status=1;) \
	$(GIVE_BACK); exit $$status

# The package in a full system; needs root to make its root directory.
check-system: deb
	@packaging/deps.sh vm packages
	@BUILD=$(BUILD) tests/vm/system.sh; status=$$?; $(GIVE_BACK); exit $$status

# Findings are left in build/libfuzzer/findings, new inputs beside it: add the good ones to the corpus.
TIME ?= 60
fuzz:
	@packaging/deps.sh fuzz
	@$(MAKE) -j"$$(nproc)" FUZZ=1 fuzz-targets
	@tests/fuzz/run.sh $(BUILD)/libfuzzer $(TIME)

fuzz-targets: $(FUZZ_TARGETS)

# Unit tests, corpora, command lines and some live tests with a sanitized program, which takes several
# times as long.
SANITIZED ?= unit/ cli/usage cli/corpora cli/screen live/run. live/log live/daemon live/web.
check-san:
	@packaging/deps.sh test
	@$(MAKE) -j"$$(nproc)" SANITIZE=1 tests
	@status=0; for pattern in $(SANITIZED); do \
		BUILD=$(BUILD)/san DEADLINE_FACTOR=5 tests/run.sh "$$pattern" || status=1; done; $(GIVE_BACK); exit $$status

# Two minutes of random keys and sizes, on a replayed log that fills every view.
check-keys:
	@packaging/deps.sh test
	@$(MAKE) -j"$$(nproc)" all
	@$(MAKE) -j"$$(nproc)" SANITIZE=1 all
	@BUILD=$(BUILD)/san tests/keys/keys.sh; status=$$?; $(GIVE_BACK); exit $$status

check-valgrind:
	@packaging/deps.sh test valgrind
	@$(MAKE) -j"$$(nproc)" tests
	@BUILD=$(BUILD) tests/valgrind.sh; status=$$?; $(GIVE_BACK); exit $$status

analyze: $(SKELETONS) $(BUILD)/faultmap.schema.h
	@CLANG=$(CLANG) BUILD=$(BUILD) tests/analyze.sh $(ALL_CFLAGS)

# About ten minutes of attacks, one script each; ATTACKS="names links" runs only these.
attack:
	@packaging/deps.sh test
	@$(MAKE) -j"$$(nproc)" tests
	@BUILD=$(BUILD) tests/attack/run.sh $(ATTACKS); status=$$?; $(GIVE_BACK); exit $$status

# DURATION=SECONDS, ten minutes unless set.
soak:
	@packaging/deps.sh soak
	@$(MAKE) -j"$$(nproc)" all workloads
	@$(GIVE_BACK)
	@BUILD=$(BUILD) tests/soak/soak.sh

bench-tools: all $(BENCH_TOOLS) $(BENCH_BPF)

bench:
	@packaging/deps.sh bench >&2
	@$(MAKE) -j"$$(nproc)" bench-tools >&2
	@$(GIVE_BACK)
	@BUILD=$(BUILD) tests/bench/run.sh

# The version is in this file only.
VERSION := $(shell sed -n 's/^.define FAULTMAP_VERSION "\(.*\)"/\1/p' src/base/version.h)
INSTALL = BUILD='$(BUILD)' DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' SYSCONFDIR='$(SYSCONFDIR)' \
	UNITDIR='$(UNITDIR)' ZSHDIR='$(ZSHDIR)' VERSION='$(VERSION)' packaging/install.sh

install: all
	@$(INSTALL) install

uninstall:
	@$(INSTALL) uninstall

deb rpm:
	@packaging/deps.sh $@ $(if $(filter deb,$@),$(CROSS))
	@BUILD=$(BUILD) VERSION=$(VERSION) DEB_ARCH=$(CROSS) packaging/$@/build.sh
	@$(GIVE_BACK)

# The sources of the newest commit; the same commit makes the same bytes.
dist:
	@mkdir -p $(BUILD)
	@git -c tar.umask=0022 archive --prefix=faultmap-$(VERSION)/ HEAD | gzip -9n >$(BUILD)/faultmap-$(VERSION).tar.gz
	@echo $(BUILD)/faultmap-$(VERSION).tar.gz

# The packages and versions that the program is linked with: CycloneDX.
sbom: all
	@packaging/sbom.py $(BUILD)/faultmap $(VERSION) '$(CC) $(SYSROOT_FLAGS)' $(LIBRARY_LIBS) \
		--loaded $(if $(LOADED_LIBRARIES),$(shell $(ASK_PKG_CONFIG) --libs-only-l $(LOADED_LIBRARIES))) \
		--tools $(firstword $(CC)) $(CLANG) $(BPFTOOL) protoc-c >$(BUILD)/faultmap.cdx.json
	@echo $(BUILD)/faultmap.cdx.json

# Installs the packages into root directories of their own, and starts faultmap there.
check-packages: all workloads
	@packaging/deps.sh packages
	@status=0; for test in tests/packages/*.sh; do BUILD=$(BUILD) $$test || status=1; done; \
		$(GIVE_BACK); exit $$status

# As a distribution builds them: from the sources, twice; on sid, with musl, and for arm64.
check-distro: all workloads
	@packaging/deps.sh packages musl
	@$(if $(CROSS_TESTED),packaging/deps.sh $(CROSS_TESTED) emulator || echo 'going on without arm64')
	@status=0; for test in tests/distro/*.sh; do BUILD=$(BUILD) $$test || status=1; done; \
		$(GIVE_BACK); exit $$status

# Checks the page at / with axe-core; PICTURES=DIR leaves a picture of each view there.
# Not part of `make check`: these install third-party programs, and take minutes.
check-foreign:
	@packaging/deps.sh foreign
	@$(MAKE) --no-print-directory all tests
	@for test in tests/foreign/*.sh; do BUILD=$(BUILD) $$test || exit 1; done

check-page:
	@packaging/deps.sh page
	@tests/page/accessible.sh $(PICTURES)

# rate() over ten minutes of churn in a real Prometheus, what a limit of series leaves visible, and a thousand hosts.
check-fleet:
	@packaging/deps.sh test
	@$(MAKE) -j"$$(nproc)" all workloads
	@status=0; for test in tests/fleet/*.sh; do BUILD=$(BUILD) $$test || status=1; done; \
		BUILD=$(BUILD) SERVERS=2 tests/fleet/hosts.sh || status=1; \
		$(GIVE_BACK); exit $$status

clean:
	rm -rf $(BUILD)

FORMATTED = $(wildcard bpf/*.[ch] src/*/*.[ch] packaging/*/*.c tests/*/*.[ch] tests/workload/*/*.[ch])

format:
	$(CLANG_FORMAT) -i $(FORMATTED)

format-check:
	$(CLANG_FORMAT) --dry-run -Werror $(FORMATTED)

help:
	@echo 'Build'
	@echo '  make               $(BUILD)/faultmap (all)'
	@echo '  sudo make deps     installs what the build needs'
	@echo '  make STATIC=1      build/static/faultmap, one file without shared libraries'
	@echo '  make ARCH=arm64    build/arm64/faultmap, with a cross compiler'
	@echo '  make WITHOUT=term  build/without-term/faultmap, which has no view on the terminal'
	@echo '                     WITHOUT="symbol connect": no names for code, no top --connect'
	@echo '                     WITHOUT=zstd: compressed logs with gzip alone'
	@echo '  make install       into $$(DESTDIR)$$(PREFIX), /usr/local unless set; uninstall'
	@echo '  make deb           a package, in $(BUILD)/deb; rpm'
	@echo '  make dist          the sources of the newest commit, $(BUILD)/faultmap-$(VERSION).tar.gz'
	@echo '  make sbom          what the program is linked with, $(BUILD)/faultmap.cdx.json (CycloneDX)'
	@echo '  make clean         removes $(BUILD)/'
	@echo 'Try'
	@echo '  sudo make demo     installs what it needs, builds, profiles a program that touches 512 MiB'
	@echo 'Test (tests/README.md)'
	@echo '  make check-unit    unit tests and a few others: no root, under a minute once it is built'
	@echo '  sudo make check    every test, on the running kernel'
	@echo '  sudo make check-san       unit tests and some others with ASan and UBSan'
	@echo '  sudo make check-keys      random keys and sizes on top, with ASan and UBSan'
	@echo '  make check-valgrind       unit tests under valgrind'
	@echo '  sudo make attack          attacks on a running faultmap, ten minutes: tests/README.md'
	@echo '  make check-vm             live tests on other kernels, under QEMU'
	@echo '  sudo make check-system    the Debian package in a full system under QEMU'
	@echo '  sudo make check-packages  the packages and the container image, installed and started'
	@echo '  sudo make check-distro    built from the sources, twice, compared; on sid, with musl, for arm64'
	@echo '  sudo make check-foreign   third-party programs (redis, postgres, java, node, VictoriaMetrics), go tool pprof; installs them'
	@echo '  make check-page           the page at / with axe-core, from npm; PICTURES=DIR keeps a picture of each view'
	@echo '  sudo make check-fleet     rate() in a real Prometheus over ten minutes of churn; 1,000 replayed hosts'
	@echo '  make fuzz TIME=60         each fuzz target for TIME seconds'
	@echo '  sudo make soak            the daemon under storms for 10 minutes, or DURATION=SECONDS'
	@echo '  sudo make bench           cost of a fault, a start and a tick, compared with other tools; ROUNDS=3: quicker'
	@echo '  make analyze       clang --analyze'
	@echo '  make format        clang-format of the C files; format-check: whether that would change any'
	@echo '  make tests         builds all that the tests use, runs nothing; parts of it: unit-tests,'
	@echo '                     workloads, fuzz-targets, bench-tools'
	@echo 'Variables: CC CFLAGS LDFLAGS CLANG BPFTOOL CLANG_FORMAT PKG_CONFIG PREFIX DESTDIR SYSCONFDIR UNITDIR'
	@echo '           ZSHDIR BUILD STATIC ARCH SYSROOT SANITIZE FUZZ WITHOUT; V=1 shows the commands'
