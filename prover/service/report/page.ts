import { frame } from './chart.ts'
import type { Markup } from './markup.ts'
import { html } from './markup.ts'

/** What a reader came for, before anything else. */
export type Answer = {
  readonly verdict?: { readonly kind: 'pass' | 'warn' | 'fail'; readonly text: string } | undefined
  readonly remarks?: readonly string[] | undefined
  readonly tiles: readonly Tile[]
}

/** A figure with its name; `kind` colours it. */
export type Tile = readonly [name: string, figure: string, kind?: 'pass' | 'warn' | 'fail' | undefined]

/** Figures side by side. */
export const tileList = (tiles: readonly Tile[]): Markup =>
  html`<dl class="tiles">${tiles.map(([name, figure, kind = '']) => html`<div class="${kind}"><dt>${name}</dt><dd>${figure}</dd></div>`)}</dl>`

/** A whole page: nothing in it is fetched, and its policy forbids to. The answer stands on the first screen. */
export function page(title: string, lead: readonly string[], entries: readonly Entry[], answer?: Answer): Markup {
  const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${title}</title>
<style>${{ markup: style }}</style>
</head>
<body>
<header>
<h1>${title}</h1>
${answer === undefined ? [] : drawAnswer(answer)}
<nav aria-label="Parts of this page">${entries.map(({ id, title }) => html`<a href="#${id}">${title}</a>`)}</nav>
${lead.map((paragraph) => html`<p>${paragraph}</p>`)}
</header>
<main>
${entries.map(({ body }) => body)}
</main>
<script>${{ markup: script }}</script>
</body>
</html>
`
}

const drawAnswer = ({ verdict, remarks = [], tiles }: Answer): readonly Markup[] => [
  ...(verdict === undefined ? [] : [html`<p class="verdict ${verdict.kind}">${verdict.text}</p>`]),
  ...remarks.map((remark) => html`<p class="${verdict?.kind ?? 'note'}">${remark}</p>`),
  tileList(tiles),
]

export type Entry = { readonly id: string; readonly title: string; readonly body: Markup }

const style = `
:root { color-scheme: light dark; --page: #f5f6f8; --card: #fff; --ink: #1c2127; --muted: #5c6773; --grid: #e8ebef; --major: #d3d9e0;
  --band: #3f78b533; --fast: #1f6fb8; --slow: #8a56c2; --initial: #b85408; --maintenance: #0f6f8f; --down: #c62f2f; --up: #15803d; --warn: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --page: #12161b; --card: #1a2027; --ink: #e6eaef; --muted: #98a4b1; --grid: #262e37;
  --major: #37414d; --band: #6ea8e033; --fast: #5aa9f0; --slow: #b78ae8; --initial: #f0954b; --maintenance: #46b5d6; --down: #f58080; --up: #4cc27a; --warn: #e3b341; } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 1160px; padding: 24px 16px 64px; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 8px; overflow-wrap: anywhere }
h2 { font-size: 19px; margin: 0 0 4px; overflow-wrap: anywhere }
header p:not([class]), .note { color: var(--muted); max-width: 118ch; margin: 0 0 8px; overflow-wrap: anywhere }
nav { display: flex; flex-wrap: wrap; gap: 6px 8px; margin: 12px 0 20px }
nav a { color: inherit; text-decoration: none; font-size: 13px; border: 1px solid var(--major); border-radius: 999px; padding: 2px 12px; background: var(--card) }
nav a:hover { border-color: var(--muted) }
section { background: var(--card); border: 1px solid var(--grid); border-radius: 10px; padding: 20px 20px 12px; margin: 0 0 20px }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(160px, 1fr)); gap: 8px; margin: 12px 0 }
.tiles div { border-left: 3px solid var(--major); min-width: 0; overflow-wrap: anywhere; padding: 2px 10px; display: flex; flex-direction: column; justify-content: space-between }
.tiles .pass, .tiles .warn, .tiles .fail { border-left-color: currentcolor }
.verdict { display: inline-block; margin: 0 0 4px; padding: 3px 14px; border: 2px solid currentcolor; border-radius: 8px; font-size: 19px; font-weight: 700 }
.tiles dt { color: var(--muted); font-size: 12px; line-height: 1.35 }
.tiles dd { margin: 2px 0 0; font-weight: 600; font-variant-numeric: tabular-nums }
.scroll { overflow-x: auto; outline-offset: 3px; container-type: inline-size }
.readout { position: sticky; top: 0; z-index: 1; min-height: 2.9em; margin: 0 0 4px; padding: 4px 0; background: var(--card); color: var(--muted);
  font-size: 13px; font-variant-numeric: tabular-nums }
.readout b { color: var(--ink) }
.chart { margin: 0 0 10px }
.chart svg { display: block; width: 100%; height: auto; touch-action: pan-x pan-y }
.plots .chart { min-width: 920px }
.drawing { display: grid; align-items: start }
.drawing > svg { grid-area: 1 / 1; min-width: 0 }
.chart svg.axis { position: sticky; left: 0; justify-self: start; width: ${(100 * frame.axis) / frame.width}%; background: var(--card); pointer-events: none }
.plots figcaption { position: sticky; left: 0; width: 100cqw }
.chart .narrow-screen { display: none }
.narrow .tick, .narrow .end { font-size: 10px }
figcaption { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 8px; font-size: 13px }
.chart-title { font-weight: 600 }
.unit { color: var(--muted) }
.legend { display: flex; flex-wrap: wrap; gap: 2px 14px; margin-left: auto; color: var(--muted) }
.legend i { display: inline-block; width: 18px; margin-right: 5px; vertical-align: middle }
.legend b { margin-right: 4px; font-size: 11px }
i.line { border-top: 2px solid currentcolor }
i.dashed { border-top-style: dashed }
i.area { height: 10px; background: var(--band) }
.grid { stroke: var(--grid) }
.grid.major { stroke: var(--major) }
.tick { fill: var(--muted); font-size: 12px }
.end { font-size: 12px; font-variant-numeric: tabular-nums; fill: currentcolor }
.series { fill: none; stroke: currentcolor; stroke-width: 1.6; stroke-linejoin: round }
.series.ink { stroke-width: 1.8 }
.series.used, i.used { opacity: .28 }
.series.used { stroke-width: 6 }
i.line.used { border-top-width: 6px }
.level { stroke: currentcolor; stroke-width: 1.3; stroke-dasharray: 6 4 }
.band { fill: var(--band) }
path.mark { fill: currentcolor; stroke: var(--card); stroke-width: 1 }
line.mark { stroke: currentcolor; stroke-width: 2 }
.dot { fill: currentcolor }
.column { stroke: currentcolor; stroke-width: 3.4 }
.ring { fill: none; stroke: currentcolor; stroke-width: 1; opacity: .55 }
.heat td, .heat th { text-align: center; min-width: 58px; padding: 9px 6px; border: 2px solid var(--card) }
.heat th[scope=row] { position: sticky; left: 0; text-align: left; background: var(--card) }
.heat .loss { background: color-mix(in srgb, var(--down) var(--strength), var(--card)) }
.heat .gain { background: color-mix(in srgb, var(--up) var(--strength), var(--card)) }
.heat .empty { background: var(--page) }
.heat .worst { outline: 2.5px solid var(--ink); outline-offset: -2px; font-weight: 700 }
.small-multiples { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 0 20px }
.small-multiples > * { min-width: 0 }
.bar.plain::after { display: none }
.crosshair { stroke: var(--muted); stroke-dasharray: 2 3; visibility: hidden }
.ink, .used { color: var(--ink) } .fast { color: var(--fast) } .slow { color: var(--slow) } .initial { color: var(--initial) }
.maintenance { color: var(--maintenance) } .down, .fail { color: var(--down) } .up, .pass { color: var(--up) } .warn { color: var(--warn) }
details { margin: 4px 0 8px; font-size: 14px }
summary { cursor: pointer; color: var(--muted) }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; margin: 8px 0 }
th { text-align: right; font-weight: 600; color: var(--muted); vertical-align: bottom }
td { text-align: right }
th, td { padding: 3px 12px 3px 0; border-bottom: 1px solid var(--grid); white-space: nowrap }
th:first-child, td:first-child, .words { text-align: left }
tfoot, .backtest tbody tr:last-child { font-weight: 600 }
th.words, td.words { text-align: left }
code { font-size: 12px }
.bar { display: inline-block; position: relative; width: 90px; height: 9px; background: var(--grid); vertical-align: middle; border-radius: 2px; overflow: hidden }
.bar.wide { width: 180px; height: 12px }
.bar i { display: block; height: 100%; background: currentcolor; opacity: .75 }
.bar::after { content: ""; position: absolute; left: 50%; top: 0; bottom: 0; border-left: 2px solid var(--ink) }
@media print { body { max-width: none; background: none } section { break-inside: avoid; border: 0 } nav, .readout { display: none } }
label { font-size: 14px; color: var(--muted) }
input[type=search] { font: inherit; color: var(--ink); background: var(--page); border: 1px solid var(--muted); border-radius: 6px; padding: 4px 10px; margin-left: 6px; max-width: 100% }
[hidden] { display: none }
@media (max-width: 700px) { body { padding: 14px 12px 40px } h1 { font-size: 21px } section { padding: 14px 12px 8px }
  nav { flex-wrap: nowrap; overflow-x: auto } nav a { white-space: nowrap } .tiles { grid-template-columns: repeat(2, 1fr) } 
  .chart .wide-screen { display: none } .chart .narrow-screen { display: block } .narrow .tick, .narrow .end { font-size: 14px }
  th:first-child, td:first-child { white-space: normal; min-width: 12ch }
  td.words { white-space: normal; overflow-wrap: anywhere; min-width: 14ch } }
`

/**
 * Charts begin at their newest end, plots at what they are about. One crosshair moves through all charts of a group and says
 * what was in force there. A filter hides what does not have its words.
 */
const script = `
for (const place of document.querySelectorAll('.scroll[data-show]')) {
  place.scrollLeft = place.dataset.show * place.scrollWidth - place.clientWidth / 2
}
for (const plots of document.querySelectorAll('.plots')) {
  const moments = JSON.parse(plots.querySelector('script').textContent)
  const place = plots.querySelector('.scroll')
  place.scrollLeft = place.scrollWidth
  if (moments.length === 0) continue
  const readout = plots.querySelector('.readout')
  const charts = [...plots.querySelectorAll('svg:not(.axis)')]
  const first = moments[0][0]
  const span = moments[moments.length - 1][0] - first
  const width = ${frame.width - frame.left - frame.right}
  let at = moments.length - 1
  const show = (index, withLine) => {
    at = Math.max(0, Math.min(moments.length - 1, index))
    const [time, text] = moments[at]
    const [when, ...rest] = text.split(' · ')
    const bold = document.createElement('b')
    bold.textContent = when
    readout.replaceChildren(bold, ' · ' + rest.join(' · '))
    const x = ${frame.left} + (span === 0 ? 1 : (time - first) / span) * width
    for (const svg of charts) {
      const line = svg.querySelector('.crosshair')
      line.setAttribute('x1', x)
      line.setAttribute('x2', x)
      line.style.visibility = withLine ? 'visible' : 'hidden'
    }
    return x / ${frame.width} * place.scrollWidth
  }
  const nearest = (time) => {
    let low = 0
    let high = moments.length - 1
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (moments[middle][0] <= time) low = middle
      else high = middle
    }
    return time - moments[low][0] <= moments[high][0] - time ? low : high
  }
  place.addEventListener('pointermove', (event) => {
    const svg = event.target.closest('svg')
    if (svg === null) return
    const box = svg.getBoundingClientRect()
    const x = (event.clientX - box.left) / box.width * ${frame.width}
    show(nearest(first + (x - ${frame.left}) / width * span), true)
  })
  place.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -24, PageDown: 24 }[event.key]
    if (step === undefined) return
    event.preventDefault()
    const shown = show(at + step, true)
    const axis = ${frame.left / frame.width} * place.scrollWidth
    const isInView = place.scrollLeft + axis < shown && shown < place.scrollLeft + place.clientWidth
    if (!isInView) place.scrollLeft = shown - place.clientWidth / 2
  })
  show(at, false)
}
for (const filter of document.querySelectorAll('input[type=search]')) {
  const count = document.querySelector('.filter-count')
  const parts = [...document.querySelectorAll('[data-words]')]
  const apply = () => {
    const wanted = filter.value.toLowerCase().split(' ').filter((word) => word !== '')
    for (const part of parts) part.hidden = !wanted.every((word) => part.dataset.words.includes(word))
    for (const link of document.querySelectorAll('nav a')) {
      const part = document.querySelector(link.getAttribute('href'))
      link.hidden = part !== null && part.hidden
    }
    const rows = parts.filter((part) => part.tagName === 'TR')
    count.textContent = rows.filter((row) => !row.hidden).length + ' of ' + rows.length
  }
  filter.addEventListener('input', apply)
  apply()
}
`
