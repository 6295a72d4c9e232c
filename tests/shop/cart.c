/* SPDX-License-Identifier: MIT
 * Puts a pie into the cart, which is a cookie of prices in cents, and reports the goal in a header
 * of its answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char* form;
  int cents;
} kPies[] = {{"pie=apple", 1250}, {"pie=cherry", 999}, {"pie=pecan", 2105}};

/* Cents in the cart so far: the cookie `cart`. */
static int cents_in_cart(void) {
  const char* cookies = getenv("HTTP_COOKIE");
  const char* cart = cookies ? strstr(cookies, "cart=") : NULL;
  return cart ? atoi(cart + 5) : 0;
}

int main(void) {
  char form[64] = "";
  if (!fgets(form, sizeof form, stdin)) form[0] = '\0';
  for (size_t i = 0; i < sizeof kPies / sizeof *kPies; ++i) {
    if (strcmp(form, kPies[i].form) != 0) continue;
    const int cents = kPies[i].cents, total = cents_in_cart() + cents;
    printf("Content-Type: text/html\r\n");
    printf("Set-Cookie: cart=%d; Path=/\r\n", total);
    printf("Manhattan-Goal: Added to Cart; value=%d.%02d; type=A; format=C\r\n\r\n", cents / 100,
           cents % 100);
    printf("<html><body><p>In your cart: %d.%02d</p>\n<form action=\"/checkout\" method=\"post\">"
           "<button>Buy</button></form>\n<a href=\"/\">More</a></body></html>\n",
           total / 100, total % 100);
    return 0;
  }
  printf("Status: 400 What pie?\r\nContent-Type: text/html\r\n\r\n<body>What pie?</body>\n");
  return 0;
}
