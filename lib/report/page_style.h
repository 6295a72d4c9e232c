// SPDX-License-Identifier: MIT
#pragma once

namespace manhattan::report {

/// Light and dark as the reader's system is, one column on a phone, ink on paper.
inline constexpr const char* kPageStyle = R"(
:root { color-scheme: light dark; --ink: #1c2430; --soft: #556070; --paper: #fff; --card: #f4f6f9;
  --line: #d5dbe3; --bar: #2563a8; --good: #14703a; --bad: #b3261e; --warn: #fff3cd; --warn-ink: #5c4400 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #a3adba; --paper: #14181e;
  --card: #1d232b; --line: #38414d; --bar: #6aa9e9; --good: #6fd195; --bad: #ff9b92; --warn: #453600;
  --warn-ink: #ffe59a } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 70rem; padding: 1rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { margin: .2rem 0 } h2 { margin: 2rem 0 .5rem } h3 { margin: .2rem 0; font-size: 1.3rem }
h4 { margin: 1.2rem 0 .3rem }
p { margin: .4rem 0 } .soft { color: var(--soft) }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem }
.tile, .card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem }
.card { margin: .75rem 0 } .tile b { display: block; font-size: 1.6rem; line-height: 1.2 }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 0 .75rem }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100% }
th, td { padding: .3rem .45rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap }
th { color: var(--soft); font-weight: 600 } tr:last-child td { border-bottom: 0 }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 5rem }
td { font-variant-numeric: tabular-nums } td.drawn { min-width: 6rem; width: 30% }
svg { display: block; width: 100%; color: var(--bar) } .series { height: 9rem; border-bottom: 1px solid var(--soft) }
.range { height: 1.5rem } .control { color: var(--soft) } .better { color: var(--good) } .worse { color: var(--bad) }
.axis { display: flex; justify-content: space-between; gap: .5rem; color: var(--soft); font-size: .85rem }
.bars td:first-child { width: 45% } .bars td.drawn { min-width: 3rem; width: 45% }
.bars svg { height: .9rem } .legend { color: var(--soft); font-size: .9rem }
.warning { background: var(--warn); color: var(--warn-ink); padding: .6rem .8rem; border-radius: .4rem }
details { margin-top: 2rem } footer { margin: 2rem 0 1rem; color: var(--soft); font-size: .9rem }
th { overflow-wrap: normal }
@media (max-width: 40rem) { th, td { padding: .25rem } .tile, .card { padding: .6rem }
  .arms thead { display: none } .arms, .arms tbody, .arms td { display: block }
  .arms tr { display: grid; grid-template-columns: 1fr 1fr; border-bottom: 1px solid var(--line); padding: .4rem 0 }
  .arms td { border: 0; padding: .1rem 0; text-align: left; white-space: normal }
  .arms td:empty { display: none } .arms td:first-child, .arms td.drawn { grid-column: 1 / 3; width: auto; font-weight: 600 }
  .arms td[data-name]:not([data-name=""])::before { content: attr(data-name) " "; color: var(--soft) } }
@media print { body { max-width: none; font-size: 11px } .card, .tile { break-inside: avoid } }
)";

}  // namespace manhattan::report
