/* SPDX-License-Identifier: MIT
 * A CGI program in C that reports to Manhattan. manhattan-fcgi(8) runs it, or nobody does: then it
 * works as before. Build:
 *
 *     cc $(pkg-config --cflags-only-I libmanhattan) pie.c $(pkg-config --libs libmanhattan) */
#include <stdio.h>
#include <visitor/manhattan.h>

int main(void) {
  static const char* const kCrusts[] = {"thin", "thick"};
  static const double kWeights[] = {1, 3};
  manhattan_log* log = manhattan_environment_log();
  manhattan_visitor* visitor = manhattan_environment_visitor(log);

  const size_t crust = manhattan_split(visitor, "Crust", kCrusts, kWeights, 2);
  manhattan_goal(visitor, "pie accomplished");
  manhattan_goal_value(visitor, "pie sold", "12.50", 'S', 'C');

  printf("Content-Type: text/html\r\n\r\n<html><body>A pie, %s.</body></html>\n", kCrusts[crust]);
  manhattan_visitor_free(visitor);
  manhattan_log_close(log);
  return 0;
}
