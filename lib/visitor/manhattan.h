/* SPDX-License-Identifier: MIT
 * libmanhattan for C: what visitors do, recorded. See manhattan(7).
 *
 * Nothing here exits, throws or waits for a server. A null log or visitor is taken everywhere, and
 * records nothing: a program need not check. Text is UTF-8, or taken as latin-1 where it is not.
 * Each thread and process opens a log of its own. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct manhattan_log manhattan_log;
typedef struct manhattan_visitor manhattan_visitor;

/* What became of a record. */
enum manhattan_append {
  manhattan_written = 0, /* in the ring or the text log */
  manhattan_spilled = 1, /* beside the text log, from where the server takes it in */
  manhattan_dropped = 2, /* nowhere */
  manhattan_refused =
      3 /* it was none: a null where there must be text, a value that is no number */
};

/* Records go to the ring of manhattan-server(8), or beside the text log PREFIX while it takes none.
 * A null PREFIX: only to the ring. Null where RING is null or memory is short. */
manhattan_log* manhattan_ring_log(const char* ring, const char* prefix);
/* Records go straight into the text log PREFIX. */
manhattan_log* manhattan_text_log(const char* prefix);
/* What manhattan-fcgi(8) tells the program that it runs, in MANHATTAN_RING and MANHATTAN_PATH. Null
 * where it does not. */
manhattan_log* manhattan_environment_log(void);
void manhattan_log_close(manhattan_log* log);

/* The visitor ID on SITE during one request; its records bear the time of this call. LOG must
 * outlive it. Null where ID or LOG is. */
manhattan_visitor* manhattan_visitor_new(const char* id, manhattan_log* log, int32_t site);
/* The visitor of MANHATTAN_VISITOR and MANHATTAN_SITE. */
manhattan_visitor* manhattan_environment_visitor(manhattan_log* log);
void manhattan_visitor_free(manhattan_visitor* visitor);

/* manhattan-fcgi records pages and pixels by itself. Nulls are empty. */
enum manhattan_append manhattan_page(manhattan_visitor* visitor, const char* ip, const char* method,
                                     const char* url, const char* user_agent, const char* referrer);
enum manhattan_append manhattan_pixel(manhattan_visitor* visitor);

/* The visitor has reached the goal NAME. */
enum manhattan_append manhattan_goal(manhattan_visitor* visitor, const char* name);
/* VALUE is a decimal number; TYPE one of S A I R, FORMAT one of N C P, or 0. */
enum manhattan_append manhattan_goal_value(manhattan_visitor* visitor, const char* name,
                                           const char* value, char type, char format);

/* The population of the split NAME in which the visitor is, always the same, and recorded: an index
 * below COUNT. WEIGHTS may be null: all alike. 0 where there is nothing to choose from. */
size_t manhattan_split(manhattan_visitor* visitor, const char* name, const char* const* populations,
                       const double* weights, size_t count);
/* The visitor was shown POPULATION, which the program has chosen itself. */
enum manhattan_append manhattan_show(manhattan_visitor* visitor, const char* name,
                                     const char* population);

#ifdef __cplusplus
}
#endif
