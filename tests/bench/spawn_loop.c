/* SPDX-License-Identifier: MIT
 * The floor: how often a second posix_spawn runs a program to its end, when nothing else is done.
 * Usage: spawn_loop PROGRAM SECONDS. Prints the number of runs. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  char* const arguments[] = {argv[1], NULL};
  char* const environment[] = {NULL};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  long runs = 0;
  for (const double end = now() + atof(argv[2]); now() < end; ++runs) {
    pid_t child;
    if (posix_spawn(&child, argv[1], &actions, NULL, arguments, environment) != 0) return 1;
    waitpid(child, NULL, 0);
  }
  printf("%ld\n", runs);
  return 0;
}
