// The style sheet of the page: system fonts, one accent, patterns beside colours, light and dark by the reader's choice.
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2126; --soft: #59636e; --line: #d5dae0; --faint: #eef1f4; --page: #ffffff; --card: #f7f9fa; --mark: #1f6feb; --warn: #9a5b00; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6eaef; --soft: #9aa5b1; --line: #363d46; --faint: #20262d; --page: #14181d; --card: #1a1f25; --mark: #6ea8fe; --warn: #e5b567; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; font-variant-numeric: tabular-nums; }
main, header, nav, footer { max-width: 1040px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 32px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 0 0 4px; }
h3 { font-size: 15px; margin: 22px 0 4px; }
p { margin: 4px 0 12px; max-width: 76ch; }
.soft, figcaption { color: var(--soft); }
.where { overflow-wrap: anywhere; margin: 2px 0 0; }
section { border-top: 1px solid var(--line); padding: 24px 0 20px; }
nav ul { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; margin: 16px 0 20px; padding: 0; }
a { color: var(--mark); }
a:focus-visible, summary:focus-visible, [tabindex]:focus-visible { outline: 2px solid var(--mark); outline-offset: 2px; border-radius: 2px; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 8px; top: 8px; background: var(--page); padding: 4px 8px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 20px 0 24px; padding: 0; list-style: none; }
.tiles li { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 12px 14px; }
.tiles span { display: block; }
.tiles .value { font-size: 22px; line-height: 1.3; font-weight: 600; }
.tiles .label, .tiles .note { font-size: 13px; color: var(--soft); }
ul.todo { margin: 8px 0 20px; padding-left: 20px; }
ul.todo li { margin: 4px 0; }
code { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; overflow-wrap: anywhere; }
figure { margin: 12px 0 20px; }
.scroll { overflow-x: auto; }
svg.chart { display: block; width: 100%; min-width: 620px; height: auto; }
svg.spark { display: block; width: 162px; height: 26px; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; fill: var(--ink); paint-order: stroke; stroke: var(--page); stroke-width: 3px; stroke-linejoin: round; }
svg .soft { fill: var(--soft); }
svg .bar { fill: var(--mark); }
svg .small { fill: url(#hatch); stroke: var(--mark); stroke-width: 1; }
svg .hatch { stroke: var(--mark); stroke-width: 2; }
svg .hatchback { fill: var(--page); }
svg .axis { stroke: var(--line); stroke-width: 1; }
svg .grid { stroke: var(--faint); stroke-width: 1; }
svg .target { stroke: var(--warn); stroke-width: 1.5; stroke-dasharray: 5 3; }
svg .warn { fill: var(--warn); }
table { border-collapse: collapse; font-size: 14px; }
table.wide { width: 100%; }
.scroll table.wide { min-width: 620px; }
th, td { text-align: left; vertical-align: top; padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { font-weight: 600; color: var(--soft); white-space: nowrap; }
tbody th { color: var(--ink); font-weight: 400; white-space: normal; }
.n { text-align: right; white-space: nowrap; overflow-wrap: normal; }
td.time { white-space: nowrap; }
details { margin: 6px 0 0; }
summary { cursor: pointer; color: var(--soft); font-size: 14px; }
details table { margin: 8px 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 8px 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
footer { color: var(--soft); font-size: 13px; padding-top: 16px; padding-bottom: 40px; border-top: 1px solid var(--line); }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 600px) { dl { grid-template-columns: 1fr; } dt { margin-top: 6px; } }
@media print { nav, .skip { display: none; } }
`
