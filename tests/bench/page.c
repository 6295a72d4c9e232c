/* SPDX-License-Identifier: MIT
 * The cheapest CGI program there is: a page of 1 KB. */
#include <stdio.h>
#include <string.h>

int main(void) {
  char page[1024];
  memset(page, 'x', sizeof page);
  memcpy(page, "<html><body>", 12);
  memcpy(page + sizeof page - 15, "</body></html>\n", 15);
  printf("Content-Type: text/html\r\n\r\n");
  fwrite(page, 1, sizeof page, stdout);
  return 0;
}
