// SPDX-License-Identifier: MIT
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE counters
#include <boost/test/unit_test.hpp>
#include <map>
#include <random>

#include "count/counters.h"
#include "tests/support/vectors.h"

using namespace manhattan;
using namespace manhattan::count;

namespace {

using Model = std::map<CounterKey, CounterDelta>;

CounterKey key_of(std::mt19937_64& random, std::uint32_t most) {
  const auto any = [&] { return static_cast<NameId>(random() % most); };
  return {any(), any(), any(), any(), any(), static_cast<std::int32_t>(random() % 3)};
}

Hit hit_of(std::mt19937_64& random) {
  Hit hit{static_cast<std::int64_t>(random() % 3) - 1, static_cast<std::int64_t>(random() % 2), {}};
  if (random() % 4 == 0) hit.value = Decimal::from_units(static_cast<std::int64_t>(random() % 99));
  return hit;
}

void add(Model& model, CounterKey key, const Hit& hit) {
  model[key].count += hit.here;
  model[key].value += hit.value;
  key.site = kAllSites;
  model[key].count += hit.on_all_sites;
  model[key].value += hit.value;
}

void check(const Flush& flush, const Model& model) {
  BOOST_REQUIRE(flush.counters.size() == model.size());
  auto expected = model.begin();
  for (const auto& [key, delta] : flush.counters) {
    BOOST_REQUIRE((key == expected->first));
    BOOST_REQUIRE(delta.count == expected->second.count);
    BOOST_REQUIRE((delta.value == expected->second.value));
    ++expected;
  }
}

}  // namespace

/// Few that come again and again, and many more than are kept near.
BOOST_AUTO_TEST_CASE(counters_add_up_and_each_flush_has_those_that_changed) {
  std::mt19937_64 random(tests::seed());
  Counters counters;
  for (const std::uint32_t most : {1, 2, 3, 2, 9, 1}) {
    Model model;
    for (int i = 0; i < 30'000; ++i) {
      const auto key = key_of(random, most);
      const auto hit = hit_of(random);
      counters.add(key, hit);
      add(model, key, hit);
    }
    Flush flush;
    counters.take(flush);
    check(flush, model);
    BOOST_TEST(counters.size() == 0u);
  }
}
