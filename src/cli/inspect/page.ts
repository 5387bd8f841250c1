// The page of an inspection: one file that asks for nothing, runs nothing, and says what the numbers mean. Rule: the policy in its head
// allows its own style sheet and nothing else, so that even markup that got in would do nothing.
import { createHash } from 'node:crypto'
import type { InspectReport } from '../../compaction/index.js'
import { humanBytes, humanCount, humanDuration, humanTime, plural } from '../human.js'
import { HATCH } from './charts.js'
import { html, type Markup, shortened } from './html.js'
import { debtSection, filesSection, historySection, logSection, reclaimSection } from './sections.js'
import { STYLE } from './style.js'
import { changesSection, positionsSection, tableSection } from './table-sections.js'

/** The whole page as text. */
export function inspectPage(report: InspectReport, program: string): string {
  const title = nameOf(report)
  const hash = createHash('sha256').update(STYLE).digest('base64')
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'`
  const sections: readonly [id: string, title: string, body: Markup][] = [
    ['files', 'File sizes', filesSection(report)],
    ['debt', 'Small files', debtSection(report)],
    ['reclaim', 'Reclaimable', reclaimSection(report)],
    ['log', 'Log', logSection(report)],
    ['history', 'Versions', historySection(report)],
    ['changes', 'Schema changes', changesSection(report)],
    ['positions', 'Stream positions', positionsSection(report)],
    ['table', 'Table', tableSection(report)],
  ]
  // The style sheet is ours and holds no markup; escaping would change it.
  const head = html`<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer"><link rel="icon" href="data:,"><title>${shortened(title, 100)}: Alluvium</title>`
  const body = html`<a class="skip" href="#main">Skip to the content</a>
${HATCH}
<header><h1>${shortened(title, 200)}</h1><p class="where soft"><code>${shortened(report.location, 500)}</code></p>
<p class="soft">Version ${humanCount(report.version)}, looked at on ${humanTime(report.takenMs)} UTC by ${program}.${
    report.description === undefined || report.description === '' ? undefined : html` ${shortened(report.description, 300)}`
  }</p></header>
<nav aria-label="Sections"><ul>${sections.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
<main id="main" tabindex="-1">
${summary(report)}
${sections.map(([id, name, content]) => html`<section id="${id}" aria-labelledby="${id}-h"><h2 id="${id}-h">${name}</h2>${content}</section>\n`)}
</main>
<footer>All times are UTC. 1 KB is 1,024 bytes. This page is one file: it loads nothing and runs no script.</footer>`
  return `<!doctype html>\n<html lang="en">\n<head>${head.text}<style>${STYLE}</style></head>\n<body>\n${body.text}\n</body>\n</html>\n`
}

function nameOf({ name, location }: InspectReport): string {
  if (name !== undefined && name !== '') return name
  return location.split('/').findLast((part) => part !== '') ?? location
}

function summary(report: InspectReport): Markup {
  const { files, debt, reclaim, log } = report
  const tiles: readonly [label: string, value: string, note: string][] = [
    [
      'Live files',
      humanCount(files.count),
      `${humanBytes(files.bytes)}${files.count === 0 ? '' : `, ${humanBytes(files.bytes / files.count)} on average`}`,
    ],
    [
      'Small files',
      humanCount(debt.smallFiles),
      `${share(debt.smallFiles, files.count)} of files, ${share(debt.smallBytes, files.bytes)} of bytes`,
    ],
    [
      'Reclaimable now',
      reclaim.now === undefined ? 'not listed' : humanBytes(reclaim.now.bytes),
      reclaim.now === undefined
        ? `${humanBytes(reclaim.later.bytes)} later`
        : `${plural(reclaim.now.files, 'file')}; ${humanBytes(reclaim.later.bytes)} later`,
    ],
    [
      'To open',
      humanBytes(log.opening.checkpointBytes + log.opening.commitBytes),
      `${log.opening.checkpointVersion === undefined ? 'no checkpoint' : `checkpoint ${humanCount(log.opening.checkpointVersion)}`} and ${plural(log.opening.commits, 'commit')}`,
    ],
  ]
  return html`<ul class="tiles">${tiles.map(
    ([label, value, note]) =>
      html`<li><span class="label">${label}</span><span class="value">${value}</span><span class="note">${note}</span></li>`,
  )}</ul>${advice(report)}`
}

// What a person would do about it, if anything.
function advice(report: InspectReport): Markup {
  const { debt, reclaim, log, files } = report
  const todo: Markup[] = []
  if (debt.plan !== undefined && debt.plan.groups > 0)
    todo.push(
      html`<code>alluvium optimize</code> would rewrite ${plural(debt.plan.files, 'file')} of ${humanBytes(debt.plan.bytes)}, and leave about ${humanCount(files.count - debt.plan.files + debt.plan.groups)} of ${plural(files.count, 'file')}.`,
    )
  if (reclaim.now !== undefined && reclaim.now.files > 0)
    todo.push(html`<code>alluvium vacuum</code> would delete ${plural(reclaim.now.files, 'file')} of ${humanBytes(reclaim.now.bytes)}.`)
  if (log.cleanable.files > 0)
    todo.push(
      html`<code>alluvium cleanup</code> would delete ${plural(log.cleanable.files, 'file')} of the log, ${humanBytes(log.cleanable.bytes)}, older than ${humanDuration(log.retentionMs)}.`,
    )
  if (
    log.opening.commits > 0 &&
    (log.opening.checkpointVersion === undefined ? log.opening.commits > 10 : log.opening.commitBytes * 4 > log.opening.checkpointBytes)
  )
    todo.push(
      html`<code>alluvium checkpoint</code> would spare readers ${plural(log.opening.commits, 'commit')} of ${humanBytes(log.opening.commitBytes)}.`,
    )
  if (todo.length === 0) return html`<p>Nothing is due: no small files to put together, nothing to delete.</p>`
  return html`<ul class="todo" aria-label="What is due">${todo.map((item) => html`<li>${item}</li>`)}</ul>${
    todo.length > 1 ? html`<p class="soft"><code>alluvium maintain</code> does all of it.</p>` : undefined
  }`
}

function share(part: number, whole: number): string {
  return whole === 0 ? '0 %' : `${Math.round((part / whole) * 100)} %`
}
