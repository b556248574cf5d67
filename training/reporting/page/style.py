"""What the report looks like, beside what all pages share (`bertline.common.html_page`)."""

STYLE = """:root {
  --c0: #2f6fb5; --c1: #c4582a; --c2: #3b8a4b; --c3: #8454a8; --for: 40 110 190; --against: 205 95 30;
}
@media (prefers-color-scheme: dark) {
  :root { --c0: #7ab3ec; --c1: #f0986c; --c2: #7fcb8e; --c3: #c39ae0; --for: 90 160 240; --against: 240 130 70; }
}
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; line-height: 1.3; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
.wide { overflow-x: auto; max-width: 100%; }
.high { max-height: 32rem; overflow-y: auto; }
table { border-collapse: collapse; font-size: .9rem; line-height: 1.4; }
th, td { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid var(--line); vertical-align: top;
  font-variant-numeric: tabular-nums; }
th { font-weight: 600; vertical-align: bottom; }
td { white-space: nowrap; }
table.text td, td:first-child { white-space: normal; }
th:first-child, td:first-child { text-align: left; padding-left: 0; overflow-wrap: anywhere; min-width: 11rem; }
table.text th, table.text td { text-align: left; overflow-wrap: anywhere; }
table.cells td { min-width: 2.5rem; }
.sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 0 2rem; }
.sides > div { min-width: 0; }
svg { display: block; width: 100%; height: auto; max-width: 34rem; overflow: visible; }
svg text { font: 11px system-ui, sans-serif; fill: var(--quiet); }
svg .title { font-size: 12px; font-weight: 600; fill: currentColor; }
svg .axis { stroke: var(--line); fill: none; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; line-height: 1.5; margin: .5rem 0; }
summary { cursor: pointer; }
details { margin: .5rem 0; }
.rows { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(27rem, 100%), 1fr)); gap: 0 2rem; }
.rows > * { min-width: 0; }
.said { margin: .25rem 0; overflow-wrap: anywhere; }
.text { margin: .25rem 0; line-height: 1.8; }
.text + .text { border-left: 3px solid var(--line); padding-left: .75rem; }
b { font-weight: inherit; border-radius: .2rem; }
.p1 { background: rgb(var(--for) / .15); } .p2 { background: rgb(var(--for) / .3); }
.p3 { background: rgb(var(--for) / .45); } .p4 { background: rgb(var(--for) / .65); }
.n1 { background: rgb(var(--against) / .15); } .n2 { background: rgb(var(--against) / .3); }
.n3 { background: rgb(var(--against) / .45); } .n4 { background: rgb(var(--against) / .65); }
"""
