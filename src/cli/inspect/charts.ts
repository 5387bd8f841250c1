// Charts as inline SVG: columns and bars with direct labels. Rule: what a colour says a pattern or a word says too, every chart has a
// title, a description and its numbers as a table, and sizes come from numbers only.
import { html, type Markup, shortened } from './html.js'

const WIDTH = 960

/** A chart with its caption, and its numbers for whoever does not see it or wants them. */
export function figure(options: {
  readonly id: string
  readonly title: string
  readonly caption?: string | undefined
  /** Shows the title above the chart, where nothing else says what it is. */
  readonly titled?: boolean
  readonly chart: Markup
  readonly head: readonly string[]
  readonly rows: readonly (readonly (string | Markup)[])[]
}): Markup {
  const { id, title, caption, chart, head, rows, titled = false } = options
  return html`${titled ? html`<h3>${title}</h3>` : undefined}<figure aria-label="${title}"><div class="scroll" tabindex="0" role="region" aria-label="${title}">${chart}</div>${
    caption === undefined ? undefined : html`<figcaption>${caption}</figcaption>`
  }<details><summary>The numbers of “${title}” as a table</summary><div id="${id}-numbers">${table(head, rows)}</div></details></figure>`
}

/** A table; all columns but the first are numbers, to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | Markup)[])[]): Markup {
  return html`<table><thead><tr>${head.map((text, at) => html`<th scope="col" class="${at === 0 ? '' : 'n'}">${text}</th>`)}</tr></thead><tbody>${rows.map(
    ([first, ...rest]) => html`<tr><th scope="row">${first}</th>${rest.map((cell) => html`<td class="n">${cell}</td>`)}</tr>`,
  )}</tbody></table>`
}

function svg(id: string, height: number, title: string, description: string, body: readonly Markup[], width = WIDTH): Markup {
  return html`<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${title}</title><desc id="${id}-d">${description}</desc>${body}</svg>`
}

/** The pattern of small files, once a page. */
export const HATCH: Markup = html`<svg class="sr" width="0" height="0" aria-hidden="true"><defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatchback" width="6" height="6"></rect><line class="hatch" x1="0" y1="0" x2="0" y2="6"></line></pattern></defs></svg>`

export interface Column {
  /** Under the column. */
  readonly label: string
  readonly value: number
  /** Above the column. */
  readonly text: string
  /** Hatched, not filled. */
  readonly small?: boolean
  readonly tip: string
}

/** Columns side by side; `mark` draws a line across at a place counted in columns, with a text. */
export function columnsChart(options: {
  readonly id: string
  readonly title: string
  readonly description: string
  readonly columns: readonly Column[]
  readonly mark?: { readonly at: number; readonly text: string } | undefined
}): Markup {
  const { id, title, description, columns, mark } = options
  const [top, height, bottom] = [mark === undefined ? 24 : 44, 180, 24]
  const step = Math.min(110, (WIDTH - 20) / Math.max(1, columns.length))
  const most = Math.max(1, ...columns.map(({ value }) => value))
  const base = top + height
  // Labels that do not fit are left out, evenly.
  const every = Math.ceil(58 / step)
  const middleOf = (at: number): number => fixed(10 + (at + 0.5) * step)
  const tallOf = (value: number): number => (value === 0 ? 0 : Math.max(2, (value / most) * height))
  const bars = columns.map(({ value, small, tip }, at) => {
    const tall = tallOf(value)
    return html`<g><title>${tip}</title><rect class="${small === true ? 'small' : 'bar'}" x="${fixed(10 + (at + 0.1) * step)}" y="${fixed(base - tall)}" width="${fixed(step * 0.8)}" height="${fixed(tall)}"></rect></g>`
  })
  // Above lines, so that both can be read.
  const texts = columns.map(({ label, value, text }, at) => [
    value > 0 && step >= 26 && html`<text x="${middleOf(at)}" y="${fixed(base - tallOf(value) - 6)}" text-anchor="middle">${text}</text>`,
    at % every === 0 && html`<text class="soft" x="${middleOf(at)}" y="${base + 17}" text-anchor="middle">${label}</text>`,
  ])
  const axis = html`<line class="axis" x1="10" x2="${fixed(10 + step * columns.length)}" y1="${base}" y2="${base}"></line>`
  return svg(id, base + bottom, title, description, [
    ...bars,
    axis,
    ...(mark === undefined ? [] : markLine(fixed(10 + mark.at * step), base, mark.text)),
    html`${texts}`,
  ])
}

function markLine(x: number, base: number, text: string): Markup[] {
  const toLeft = x > WIDTH * 0.7
  return [
    html`<line class="target" x1="${x}" x2="${x}" y1="20" y2="${base}"></line>`,
    html`<text class="warn" x="${x + (toLeft ? -6 : 6)}" y="14" text-anchor="${toLeft ? 'end' : 'start'}">${text}</text>`,
  ]
}

export interface Bar {
  readonly label: string
  readonly value: number
  readonly text: string
  readonly small?: boolean
}

/** Bars under each other, named to their left and told to their right. */
export function barsChart(id: string, title: string, description: string, bars: readonly Bar[]): Markup {
  const [left, right, row] = [230, 190, 30]
  const most = Math.max(1, ...bars.map(({ value }) => value))
  const body = bars.map(({ label, value, text, small }, at) => {
    const wide = value === 0 ? 0 : Math.max(2, (value / most) * (WIDTH - left - right))
    const y = at * row
    return html`<g><title>${label}: ${text}</title><text x="${left - 12}" y="${y + 19}" text-anchor="end">${shortened(label, 28)}</text><rect class="${small === true ? 'small' : 'bar'}" x="${left}" y="${y + 6}" width="${fixed(wide)}" height="18"></rect><text class="${value === 0 ? 'soft' : ''}" x="${fixed(left + wide + 8)}" y="${y + 19}">${text}</text></g>`
  })
  const axis = html`<line class="axis" x1="${left}" x2="${left}" y1="2" y2="${bars.length * row - 2}"></line>`
  return svg(id, bars.length * row, title, description, [...body, axis])
}

export interface Series {
  readonly label: string
  readonly counts: readonly number[]
}

const TIMELINE = { left: 230, right: 70, row: 44 }
// What a character of a label takes on average: digits, and some narrower ones.
const LABEL_CHARACTER = 6.2
const LABEL_GAP = 10

/** How wide a bucket of a timeline of so many is drawn. */
function bucketWidth(buckets: number): number {
  return Math.min(24, (WIDTH - TIMELINE.left - TIMELINE.right) / Math.max(1, buckets))
}

/** Whether a label ends before the next one begins, which stands `apart` buckets later. */
export function labelFits(text: string, apart: number, buckets: number): boolean {
  return text.length * LABEL_CHARACTER + LABEL_GAP <= apart * bucketWidth(buckets)
}

/** Rows of columns over one time axis, one row a series, each to its own scale, with its total to the right. */
export function timelineChart(options: {
  readonly id: string
  readonly title: string
  readonly description: string
  readonly series: readonly Series[]
  /** Texts under the axis, by the bucket they stand at. */
  readonly ticks: readonly { readonly bucket: number; readonly text: string }[]
  readonly tip: (series: Series, bucket: number) => string
}): Markup {
  const { id, title, description, series, ticks, tip } = options
  const { left, right, row } = TIMELINE
  const step = bucketWidth(series[0]?.counts.length ?? 1)
  const height = series.length * row
  const grid = ticks.map(
    ({ bucket, text }) =>
      html`<line class="grid" x1="${fixed(left + bucket * step)}" x2="${fixed(left + bucket * step)}" y1="0" y2="${height}"></line><text class="soft" x="${fixed(left + bucket * step)}" y="${height + 17}">${text}</text>`,
  )
  const rows = series.map((each, at) => {
    const most = Math.max(1, ...each.counts)
    const base = (at + 1) * row - 4
    const total = each.counts.reduce((sum, count) => sum + count, 0)
    const bars = each.counts.map((count, bucket) => {
      if (count === 0) return undefined
      const tall = Math.max(3, (count / most) * (row - 12))
      const wide = Math.max(1, step - (step > 4 ? 1 : 0))
      return html`<rect class="bar" x="${fixed(left + bucket * step)}" y="${fixed(base - tall)}" width="${fixed(wide)}" height="${fixed(tall)}"><title>${tip(each, bucket)}</title></rect>`
    })
    return html`<g><text x="${left - 12}" y="${base - 8}" text-anchor="end">${shortened(each.label, 28)}</text>${bars}<line class="axis" x1="${left}" x2="${WIDTH - right}" y1="${base}" y2="${base}"></line><text x="${WIDTH - right + 10}" y="${base - 8}">${total}</text></g>`
  })
  return svg(id, height + 24, title, description, [...grid, ...rows])
}

/** A histogram as small as a word; its numbers stand beside it. */
export function spark(values: readonly number[], isSmall: (bin: number) => boolean, tip: string): Markup {
  const most = Math.max(1, ...values)
  const step = 162 / Math.max(1, values.length)
  const bars = values.map((value, bin) => {
    if (value === 0) return undefined
    const tall = Math.max(2, (value / most) * 24)
    return html`<rect class="${isSmall(bin) ? 'small' : 'bar'}" x="${fixed(bin * step + 0.5)}" y="${fixed(25 - tall)}" width="${fixed(Math.max(1, step - 1.5))}" height="${fixed(tall)}"></rect>`
  })
  return html`<svg class="spark" viewBox="0 0 162 26" role="img" aria-label="${tip}"><title>${tip}</title>${bars}<line class="axis" x1="0" x2="162" y1="25.5" y2="25.5"></line></svg>`
}

function fixed(value: number): number {
  return Math.round(value * 10) / 10
}
