# make demo | check | coverage | bench-fcgi | all | golden | format | install | clean; see README.md.
VERSION  := 0.1.0
PREFIX   ?= /usr/local
LIBDIR   ?= $(PREFIX)/lib
UNITDIR  ?= $(PREFIX)/lib/systemd/system
DESTDIR  ?=
OUT      ?= build/$(or $(subst $(comma),-,$(SAN)),plain)
comma    := ,

# libmanhattan is what a web request needs; libmanhattan-backend adds stores, questions, reports.
WEB_ROOMS     := base record ring log visitor http wrap
BACKEND_ROOMS := count store stats backend query report
PROGRAMS      := $(patsubst bin/manhattan_%.cc,manhattan-%,$(wildcard bin/manhattan_*.cc))
SUITES        := $(patsubst tests/%.cc,%,$(wildcard tests/*_test.cc))

# Reading logs again is no web request's: its libraries stay out of libmanhattan.
OFFLINE_SRC  := $(patsubst %,lib/log/%.cc,archive deflater forget inflater keeper)
# What each request of a FastCGI program runs through, side by side in libmanhattan: on 23 pages
# instead of 30, which it has to find again after each sleep (0.1 us of 1.7).
REQUEST_SRC  := $(patsubst %,lib/%.cc,wrap/fast_cgi_answer wrap/middleware wrap/answer_stream \
                  http/request http/answer_head http/caching http/head_parser http/pixel_injector \
                  http/html_scanner http/pixel_page http/rewrite http/trusted_proxies \
                  visitor/visitor visitor/cookie visitor/visitor_id record/encode record/line \
                  record/escape log/ring_log ring/writer ring/owner ring/bus_guard base/text)
WEB_SRC      := $(REQUEST_SRC) $(filter-out $(REQUEST_SRC) $(OFFLINE_SRC), \
                  $(wildcard $(WEB_ROOMS:%=lib/%/*.cc)))
BACKEND_SRC  := $(wildcard $(BACKEND_ROOMS:%=lib/%/*.cc)) $(OFFLINE_SRC)
OPTIONS_SRC  := $(filter-out bin/manhattan_%,$(wildcard bin/*.cc))
SUPPORT_SRC  := $(wildcard tests/support/*.cc)
SRC          := $(wildcard lib/*/*.cc bin/*.cc tests/*.cc tests/support/*.cc tests/fuzz/*.cc \
                  tests/bench/*.cc)

# What hardens would hide from the sanitizers what they look for. g++ 12 takes some of std::regex
# for uninitialized once it is instrumented (its bug 105562).
HARDEN   := $(if $(SAN),-fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS \
              $(if $(findstring clang,$(CXX)),,-Wno-maybe-uninitialized) \
              $(addprefix -fsanitize=,$(SAN)), \
              -fstack-protector-strong -fstack-clash-protection -fcf-protection)
# -g1 is what a backtrace needs, and compiles in four fifths of the time that -g takes.
CXXFLAGS ?= $(if $(SAN),-O1,-O2 -D_FORTIFY_SOURCE=2) -g1
# Tests' own code, after CXXFLAGS: it compiles in half the time.
TESTFLAGS ?= -O1
STRICT   := -std=c++20 -Wall -Wextra -Werror -fPIC -fno-plt -fno-semantic-interposition \
            -pthread -Ilib -I. -MMD -MP -DMANHATTAN_VERSION='"$(VERSION)"' $(HARDEN)
LINK      = @echo '  link $@' && $(CXX) $(STRICT) -Wl,-z,relro,-z,now $(CXXFLAGS) $(LDFLAGS)
WEB_LIBS     := -lfcgi -lcrypto -lpthread
BACKEND_LIBS := -lmysqlcppconn -lsqlite3 -lzmq -ldate-tz -lre2 -lyaml-cpp -lsystemd -lz -lzstd \
                $(shell pkg-config --libs absl_flat_hash_map absl_hash 2>/dev/null)
CLI_LIBS     := -lboost_program_options -ledit

object = $(patsubst %.cc,$(OUT)/%.o,$1)

all: $(PROGRAMS:%=$(OUT)/%) $(OUT)/libmanhattan.so.1 $(OUT)/libmanhattan-backend.so.1

$(OUT)/%.o: %.cc
	@mkdir -p $(@D) && echo '  compile $<' && $(CXX) $(STRICT) $(CXXFLAGS) $(EXTRA) -c $< -o $@
$(OUT)/tests/%.o: EXTRA = $(TESTFLAGS)
$(OUT)/tests/bench/%.o: EXTRA =

$(OUT)/libmanhattan.a: $(call object,$(WEB_SRC))
	@rm -f $@ && ar rcs $@ $^
$(OUT)/libmanhattan-backend.a: $(call object,$(BACKEND_SRC))
	@rm -f $@ && ar rcs $@ $^
$(OUT)/liboptions.a: $(call object,$(OPTIONS_SRC))
	@rm -f $@ && ar rcs $@ $^
# Calls within a library go straight there (or are none: -fno-semantic-interposition), and with
# -fno-plt those out of it through no stub: a request runs through 40 cache lines of code less.
SHARED = -shared -Wl,-soname,$(@F) -Wl,-Bsymbolic-functions \
         -Wl,--version-script,etc/$(@F:.so.1=.map) $(filter-out %.map,$^)
$(OUT)/libmanhattan.so.1: $(call object,$(WEB_SRC)) etc/libmanhattan.map
	$(LINK) $(SHARED) $(WEB_LIBS) -o $@
# What is private to libmanhattan.so it takes from the archive.
$(OUT)/libmanhattan-backend.so.1: $(call object,$(BACKEND_SRC)) $(OUT)/libmanhattan.so.1 \
                                  $(OUT)/libmanhattan.a etc/libmanhattan-backend.map
	$(LINK) $(SHARED) -Wl,--as-needed $(BACKEND_LIBS) $(WEB_LIBS) -o $@

ARCHIVES := $(OUT)/liboptions.a $(OUT)/libmanhattan-backend.a $(OUT)/libmanhattan.a
ALL_LIBS := -Wl,--as-needed $(CLI_LIBS) $(BACKEND_LIBS) $(WEB_LIBS)

$(OUT)/manhattan-%: $(OUT)/bin/manhattan_%.o $(ARCHIVES)
	$(LINK) $^ $(ALL_LIBS) -o $@
# A script starts it for each record: linked statically, a start costs a third.
$(OUT)/manhattan-event: $(OUT)/bin/manhattan_event.o $(OUT)/liboptions.a $(OUT)/libmanhattan.a
	$(LINK) $(if $(SAN),,-static-pie) $^ -lboost_program_options -lpthread -o $@
$(OUT)/%_test: $(OUT)/tests/%_test.o $(call object,$(SUPPORT_SRC)) $(ARCHIVES)
	$(LINK) $(filter %.o,$^) $(filter %.a,$^) $(ALL_LIBS) -lboost_unit_test_framework -o $@

$(OUT)/bench_%: $(OUT)/tests/bench/%.o $(ARCHIVES)
	$(LINK) $^ $(ALL_LIBS) -o $@
$(OUT)/bench_query: $(OUT)/tests/bench/query_floor.o

$(OUT)/clickstream: $(OUT)/tests/bench/clickstream.o $(OUT)/libmanhattan.a
	$(LINK) $^ -o $@

# Bytes from outside: the corpus in make check, 60 s of new ones a target in make fuzz.
$(OUT)/fuzz_test: $(call object,$(filter-out %/libfuzzer.cc,$(wildcard tests/fuzz/*.cc)))
$(OUT)/fuzz: $(call object,$(wildcard tests/fuzz/*.cc)) $(ARCHIVES)
	$(LINK) -fsanitize=fuzzer $^ $(ALL_LIBS) -o $@
fuzz:
	@scripts/install-deps build fuzz
	@$(MAKE) --no-print-directory -j$(JOBS) CXX=clang++ OUT=build/fuzz \
	  SAN=fuzzer-no-link,address,undefined build/fuzz/fuzz
	@scripts/fuzz build/fuzz/fuzz

# Comparisons and figures; they want a quiet machine.
bench-count: $(OUT)/manhattan-server $(OUT)/clickstream
	@tests/bench/count.sh $(OUT)

bench-replay: $(OUT)/manhattan-replay $(OUT)/manhattan-server $(OUT)/clickstream
	@tests/bench/replay.sh $(OUT)

-include $(patsubst %.cc,$(OUT)/%.d,$(SRC))
# Not .SECONDARY, which takes a missing object for up to date while its archive is newer.
.PRECIOUS: $(OUT)/%.o
.PHONY: all golden demo check coverage deb packages fuzz bench-fcgi bench-query suites format lint install clean bench-count bench-replay bench-ring bench-injection soak soak-ring

# Public headers, one by one: what is not here may change without a word.
HEADERS := base/clock.h base/decimal.h base/error.h base/files.h base/folder.h base/unique_fd.h record/record.h \
           record/robot_names.h log/log.h log/memory_log.h log/ring_log.h log/time_rotating_log.h visitor/cookie.h \
           visitor/manhattan.h visitor/population.h visitor/visitor.h visitor/visitor_id.h \
           base/message_log.h http/answer_head.h http/arena.h http/environment.h http/name_kind.h \
           http/pixel_page.h http/request.h http/trusted_proxies.h wrap/facts.h \
           wrap/fast_cgi_answer.h wrap/middleware.h wrap/rules.h \
           wrap/used_tokens.h query/client.h query/endpoint.h query/message.h
JOBS    := $(shell nproc 2>/dev/null || echo 1)
SOURCES := $(wildcard lib/*/*.h lib/*/*.cc bin/*.h bin/*.cc tests/*.cc tests/support/*.h \
             tests/support/*.cc tests/fuzz/*.h tests/fuzz/*.cc)

# A fresh machine lacks the packages that this Makefile asks pkg-config about as it is read: hence
# the second make, in scripts/build. With KEEP=1 the demo stays up until Ctrl-C.
demo:
	@scripts/install-deps build demo
	@scripts/build $(OUT) $(JOBS)
	@scripts/demo --build $(OUT) $(if $(KEEP),--keep)
	@echo "What stays: $(dir $(OUT)) ('make clean' removes it) and the packages installed above, if any."

check:
	@scripts/install-deps build test
	@$(MAKE) --no-print-directory -j$(JOBS) OUT=$(OUT) all suites
	@scripts/check $(OUT)

# What the tests reach, a room a line. Unoptimized: else a line is what the optimizer left of it.
coverage:
	@scripts/install-deps build test coverage
	@$(MAKE) --no-print-directory -j$(JOBS) OUT=build/coverage \
	  CXXFLAGS='-O0 --coverage -fprofile-update=atomic' LDFLAGS=-Wl,-u,__gcov_dump all suites
	@scripts/coverage build/coverage

bench-query: $(OUT)/bench_query $(OUT)/manhattan-server $(OUT)/manhattan-query $(OUT)/manhattan-replay
	@tests/bench/query.py $(OUT)

# What wrapping costs; the machine should have nothing else to do.
bench-fcgi:
	@scripts/install-deps build demo bench
	@$(MAKE) --no-print-directory -j$(JOBS) OUT=$(OUT) all
	@tests/bench/fcgi.py $(OUT)

# Where the pixel goes in a page, and what that takes.
bench-injection: $(OUT)/bench_injection
	$<

# Costs of a record, beside other ways; kills of writers and drain, a thousand a storm.
bench-ring: $(OUT)/ring_bench
	$<
$(OUT)/ring_bench: $(call object,$(wildcard tests/bench/ring_*.cc)) $(OUT)/libmanhattan.a
	$(LINK) $^ $(WEB_LIBS) -lrt -o $@

# Everything at once while its processes are killed, its stores stopped and its disk full.
SOAK_SECONDS ?= 600
soak:
	@scripts/install-deps build demo test
	@$(MAKE) --no-print-directory -j$(JOBS) OUT=$(OUT) all $(OUT)/kill_test
	@scripts/soak --build $(OUT) --seconds $(SOAK_SECONDS)
STORMS  := 1 2 3 4 5 6 7 8 9 10
soak-ring: $(OUT)/kill_test
	for storm in $(STORMS); do KILLS=1000 timeout 600 $< --log_level=message || exit; done

suites: $(SUITES:%=$(OUT)/%)

# The tables of options in the man pages, after an option was added or changed.
golden: $(OUT)/options_test
	GOLDEN=write $<

format:
	clang-format -i $(SOURCES)
lint:
	clang-format --dry-run -Werror $(SOURCES)
	scripts/check-layers
	scripts/check-opening
	scripts/check-lines

install: all $(OUT)/libmanhattan.a $(OUT)/libmanhattan-backend.a
	@$(foreach v,OUT DESTDIR PREFIX LIBDIR UNITDIR VERSION PROGRAMS HEADERS WEB_LIBS BACKEND_LIBS, \
	  $v='$($v)') scripts/install-files

# Debian packages, from what is built already, into $(OUT)/deb.
deb:
	@scripts/install-deps build deb
	@$(MAKE) --no-print-directory -j$(JOBS) OUT=$(OUT) packages
packages: all $(OUT)/libmanhattan.a $(OUT)/libmanhattan-backend.a
	@OUT='$(OUT)' VERSION='$(VERSION)' scripts/deb

clean:
	rm -rf build
