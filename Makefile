# make demo | check | all | golden | format | install | clean; see README.md.
VERSION  := 0.1.0
PREFIX   ?= /usr/local
DESTDIR  ?=
OUT      ?= build/$(or $(subst $(comma),-,$(SAN)),plain)
comma    := ,

# libmanhattan is what a web request needs; libmanhattan-backend adds stores, questions, reports.
WEB_ROOMS     := base record ring log visitor http wrap
BACKEND_ROOMS := count store stats backend query report
PROGRAMS      := $(patsubst bin/manhattan_%.cc,manhattan-%,$(wildcard bin/manhattan_*.cc))
SUITES        := $(patsubst tests/%.cc,%,$(wildcard tests/*_test.cc))

WEB_SRC      := $(wildcard $(WEB_ROOMS:%=lib/%/*.cc))
BACKEND_SRC  := $(wildcard $(BACKEND_ROOMS:%=lib/%/*.cc))
OPTIONS_SRC  := $(filter-out bin/manhattan_%,$(wildcard bin/*.cc))
SUPPORT_SRC  := $(wildcard tests/support/*.cc)
SRC          := $(wildcard lib/*/*.cc bin/*.cc tests/*.cc tests/support/*.cc)

CXXFLAGS ?= -O2 -g
STRICT   := -std=c++20 -Wall -Wextra -Werror -fPIC -pthread -Ilib -I. -MMD -MP \
            -DMANHATTAN_VERSION='"$(VERSION)"' $(addprefix -fsanitize=,$(SAN))
LINK      = $(CXX) $(STRICT) $(CXXFLAGS) $(LDFLAGS)
WEB_LIBS     := -lfcgi -lcrypto -lpthread
BACKEND_LIBS := -lmysqlcppconn -lsqlite3 -lzmq -ldate-tz -lre2 -lsystemd \
                $(shell pkg-config --libs absl_flat_hash_map absl_hash 2>/dev/null)
CLI_LIBS     := -lboost_program_options

object = $(patsubst %.cc,$(OUT)/%.o,$1)

all: $(PROGRAMS:%=$(OUT)/%) $(OUT)/libmanhattan.so.1 $(OUT)/libmanhattan-backend.so.1

$(OUT)/%.o: %.cc
	@mkdir -p $(@D)
	$(CXX) $(STRICT) $(CXXFLAGS) -c $< -o $@

$(OUT)/libmanhattan.a: $(call object,$(WEB_SRC))
	@rm -f $@ && ar rcs $@ $^
$(OUT)/libmanhattan-backend.a: $(call object,$(BACKEND_SRC))
	@rm -f $@ && ar rcs $@ $^
$(OUT)/liboptions.a: $(call object,$(OPTIONS_SRC))
	@rm -f $@ && ar rcs $@ $^
$(OUT)/libmanhattan.so.1: $(call object,$(WEB_SRC))
	$(LINK) -shared -Wl,-soname,libmanhattan.so.1 $^ $(WEB_LIBS) -o $@
$(OUT)/libmanhattan-backend.so.1: $(call object,$(BACKEND_SRC)) $(OUT)/libmanhattan.so.1
	$(LINK) -shared -Wl,-soname,libmanhattan-backend.so.1 $^ $(BACKEND_LIBS) -o $@

ARCHIVES := $(OUT)/liboptions.a $(OUT)/libmanhattan-backend.a $(OUT)/libmanhattan.a
ALL_LIBS := -Wl,--as-needed $(CLI_LIBS) $(BACKEND_LIBS) $(WEB_LIBS)

$(OUT)/manhattan-%: $(OUT)/bin/manhattan_%.o $(ARCHIVES)
	$(LINK) $^ $(ALL_LIBS) -o $@
$(OUT)/%_test: $(OUT)/tests/%_test.o $(call object,$(SUPPORT_SRC)) $(ARCHIVES)
	$(LINK) $^ $(ALL_LIBS) -lboost_unit_test_framework -o $@

-include $(patsubst %.cc,$(OUT)/%.d,$(SRC))
.SECONDARY:
.PHONY: all
