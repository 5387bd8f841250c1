// The sections of the page that draw: file sizes, small files, what can be reclaimed, the log, versions over time.
import type { InspectReport, LogKind, PartitionFacts } from '../../compaction/index.js'
import { humanBytes, humanCount, humanDuration, humanTime, plural } from '../human.js'
import { timelineOf } from './buckets.js'
import { barsChart, columnsChart, figure, spark, timelineChart } from './charts.js'
import { html, type Markup, shortened } from './html.js'

const VALUE_CHARS = 120

export function filesSection({ files, debt }: InspectReport): Markup {
  if (files.count === 0) return html`<p>The table has no live files.</p>`
  const { bounds } = files.histogram
  const [first, last] = rangeOf(files.histogram.files, bounds, debt.targetBytes)
  const shown = bounds.slice(first, last + 1).map((bound, at) => ({ bin: first + at, bound }))
  const title = 'Live files by size'
  const nameOf = (bin: number): string =>
    bin === bounds.length - 1
      ? `from ${humanBytes(bounds[bin] as number)}`
      : `${humanBytes(bounds[bin] as number)} to ${humanBytes(bounds[bin + 1] as number)}`
  const chart = columnsChart({
    id: 'sizes',
    title,
    description: `Number of files by powers of two of their size. Hatched columns hold files below ${humanBytes(debt.goodBytes)}, which count as small.`,
    columns: shown.map(({ bin, bound }) => {
      const count = files.histogram.files[bin] as number
      const bytes = files.histogram.bytes[bin] as number
      return {
        label: bound === 0 ? 'below 8 KB' : humanBytes(bound),
        value: count,
        text: humanCount(count),
        small: (bounds[bin + 1] ?? Number.POSITIVE_INFINITY) <= debt.targetBytes,
        tip: `${nameOf(bin)}: ${plural(count, 'file')}, ${humanBytes(bytes)}`,
      }
    }),
    mark: { at: placeOf(debt.goodBytes, bounds) - first, text: `good from ${humanBytes(debt.goodBytes)}` },
  })
  return html`<p>${plural(files.count, 'file')} of ${humanBytes(files.bytes)}${files.withVectors === 0 ? '' : `, ${humanCount(files.withVectors)} of them with a deletion vector`}. Hatched: below the size that queries like; the target is ${humanBytes(debt.targetBytes)}.</p>${figure(
    {
      id: 'sizes',
      title,
      caption: 'Columns begin at the size under them and end at that of the next.',
      chart,
      head: ['Size', 'Files', 'Bytes'],
      rows: shown.map(({ bin }) => [
        nameOf(bin),
        humanCount(files.histogram.files[bin] as number),
        humanBytes(files.histogram.bytes[bin] as number),
      ]),
    },
  )}${files.partitionCount > 0 ? partitions(files.partitions, files.partitionCount, [first, last], (bin) => (bounds[bin + 1] ?? Number.POSITIVE_INFINITY) <= debt.targetBytes) : undefined}`
}

function partitions(
  shown: readonly PartitionFacts[],
  count: number,
  [first, last]: readonly [number, number],
  isSmall: (bin: number) => boolean,
): Markup {
  const note =
    shown.length < count
      ? `The ${shown.length} of ${humanCount(count)} partitions with the most small files.`
      : `All ${plural(count, 'partition')}.`
  return html`<h3 id="partitions-h">By partition</h3><p class="soft">${note} The small charts have the columns of the large one.</p><div class="scroll" tabindex="0" role="region" aria-labelledby="partitions-h"><table class="wide"><thead><tr><th scope="col">Partition</th><th scope="col" class="n">Files</th><th scope="col" class="n">Small</th><th scope="col" class="n">Bytes</th><th scope="col" class="n">Average</th><th scope="col">Sizes</th></tr></thead><tbody>${shown.map(
    ({ values, files, smallFiles, bytes, histogram }) =>
      html`<tr><th scope="row"><code>${partitionText(values)}</code></th><td class="n">${humanCount(files)}</td><td class="n">${humanCount(smallFiles)}</td><td class="n">${humanBytes(bytes)}</td><td class="n">${humanBytes(bytes / files)}</td><td>${spark(
        histogram.slice(first, last + 1),
        (bin) => isSmall(bin + first),
        `Files by size in ${partitionText(values)}: ${humanCount(smallFiles)} of ${humanCount(files)} small`,
      )}</td></tr>`,
  )}</tbody></table></div>`
}

function partitionText(values: PartitionFacts['values']): string {
  return shortened(values.map(([name, value]) => `${name}=${value ?? 'null'}`).join(', '), VALUE_CHARS)
}

export function debtSection({ debt, files }: InspectReport): Markup {
  const { plan, problem, targetBytes, goodBytes, smallFiles, smallBytes } = debt
  if (smallFiles === 0) return html`<p>No file is smaller than ${humanBytes(goodBytes)}.</p>`
  const small = html`<p>${plural(smallFiles, 'file')} of ${humanBytes(smallBytes)} ${smallFiles === 1 ? 'is' : 'are'} smaller than ${humanBytes(goodBytes)}, three quarters of the target of ${humanBytes(targetBytes)}.</p>`
  if (plan === undefined) return html`${small}<p>What could be done about it cannot be said: ${problem ?? ''}</p>`
  if (plan.groups === 0)
    return html`${small}<p>None of them can be put together with others of its partition to any good: an optimize would do nothing.</p>`
  const after = files.count - plan.files + plan.groups
  return html`${small}<p>An optimize would rewrite ${plural(plan.files, 'file')} of ${humanBytes(plan.bytes)} in ${plural(plan.groups, 'group')}.</p>${figure(
    {
      id: 'debt',
      title: 'Files now and after an optimize',
      chart: barsChart('debt', 'Files now and after an optimize', `${plural(files.count, 'file')} now, about ${humanCount(after)} after.`, [
        { label: 'now', value: files.count, text: plural(files.count, 'file'), small: true },
        { label: 'after an optimize, about', value: after, text: plural(after, 'file') },
      ]),
      head: ['', 'Files'],
      rows: [
        ['now', humanCount(files.count)],
        ['after an optimize, about', humanCount(after)],
      ],
    },
  )}`
}

export function reclaimSection({ reclaim, files }: InspectReport): Markup {
  const { now, later, young, byDay, retentionMs } = reclaim
  const amounts: [label: string, files: number, bytes: number][] = [['in the table', files.count, files.bytes]]
  if (now !== undefined) amounts.push(['reclaimable now', now.files, now.bytes])
  amounts.push(['removed, reclaimable later', later.files, later.bytes])
  if (young !== undefined) amounts.push(['in no log, but young', young.files, young.bytes])
  const title = 'Bytes in the folder'
  const text = (count: number, bytes: number): string => `${humanBytes(bytes)}, ${plural(count, 'file')}`
  return html`<p>Files that left the table stay ${humanDuration(retentionMs)} for readers of older versions; then a vacuum may delete them.${now === undefined ? ' The folder was not listed, so what can go now is not known.' : ''}</p>${figure(
    {
      id: 'bytes',
      title,
      chart: barsChart(
        'bytes',
        title,
        amounts.map(([label, count, bytes]) => `${label}: ${text(count, bytes)}`).join('; '),
        amounts.map(([label, count, bytes], at) => ({ label, value: bytes, text: text(count, bytes), small: at > 0 })),
      ),
      head: ['', 'Files', 'Bytes'],
      rows: amounts.map(([label, count, bytes]) => [label, humanCount(count), humanBytes(bytes)]),
    },
  )}${byDay.length > 0 ? days(byDay) : undefined}`
}

const MAX_DAYS = 31
/** So many stand under each other; more stand side by side. */
const DAYS_AS_BARS = 7

function days(byDay: InspectReport['reclaim']['byDay']): Markup {
  const shown = byDay.slice(0, MAX_DAYS)
  const title = 'When removed files may go'
  const dayOf = (ms: number): string => humanTime(ms).slice(0, 10)
  const description = `Bytes by the day from which a vacuum may delete them: ${plural(shown.length, 'day')} from ${dayOf(shown[0]?.dayMs ?? 0)}.`
  const amounts = shown.map(({ dayMs, files, bytes }) => ({
    day: dayOf(dayMs),
    value: bytes,
    text: humanBytes(bytes),
    files: plural(files, 'file'),
  }))
  const asBars = amounts.map(({ day, value, text, files }) => ({ label: day, value, text: `${text}, ${files}`, small: true }))
  const asColumns = amounts.map(({ day, value, text, files }) => ({
    label: day.slice(5),
    value,
    text,
    small: true,
    tip: `${day}: ${text}, ${files}`,
  }))
  return figure({
    id: 'days',
    title,
    titled: true,
    caption: byDay.length > shown.length ? `The first ${MAX_DAYS} of ${byDay.length} days.` : undefined,
    chart:
      shown.length <= DAYS_AS_BARS
        ? barsChart('days', title, description, asBars)
        : columnsChart({ id: 'days', title, description, columns: asColumns }),
    head: ['Day', 'Files', 'Bytes'],
    rows: shown.map(({ dayMs, files, bytes }) => [dayOf(dayMs), humanCount(files), humanBytes(bytes)]),
  })
}

const KIND_NAMES: Readonly<Record<LogKind, string>> = {
  commits: 'commits',
  checkpoints: 'checkpoints',
  sidecars: 'sidecars of checkpoints',
  checksums: 'checksums',
  compactions: 'log compactions',
  other: 'other',
}

export function logSection({ log, version }: InspectReport): Markup {
  const { opening, kinds, checkpoints, checkpointCount } = log
  const shown = kinds.filter(({ files }) => files > 0)
  const title = 'Bytes of the log'
  const text = (files: number, bytes: number): string => `${humanBytes(bytes)}, ${plural(files, 'file')}`
  const newest =
    opening.checkpointVersion === undefined
      ? 'There is no checkpoint'
      : `The newest checkpoint is of version ${humanCount(opening.checkpointVersion)}`
  return html`<p>${newest}; opening version ${humanCount(version)} reads ${humanBytes(opening.checkpointBytes)} of it and ${plural(opening.commits, 'commit')} of ${humanBytes(opening.commitBytes)}. The log is kept ${humanDuration(log.retentionMs)}.</p>${figure(
    {
      id: 'log',
      title,
      chart: barsChart(
        'logs',
        title,
        shown.map(({ kind, files, bytes }) => `${KIND_NAMES[kind]}: ${text(files, bytes)}`).join('; '),
        shown.map(({ kind, files, bytes }) => ({ label: KIND_NAMES[kind], value: bytes, text: text(files, bytes) })),
      ),
      head: ['Kind', 'Files', 'Bytes'],
      rows: shown.map(({ kind, files, bytes }) => [KIND_NAMES[kind], humanCount(files), humanBytes(bytes)]),
    },
  )}${
    checkpointCount === 0
      ? undefined
      : html`<h3>Checkpoints</h3><p class="soft">${checkpoints.length < checkpointCount ? `The newest ${checkpoints.length} of ${humanCount(checkpointCount)}. ` : ''}Without the sidecars, which several may share.</p><table><thead><tr><th scope="col">Version</th><th scope="col">Written</th><th scope="col" class="n">Files</th><th scope="col" class="n">Bytes</th></tr></thead><tbody>${checkpoints.map(
          (each) =>
            html`<tr><th scope="row">${humanCount(each.version)}</th><td class="time">${humanTime(each.modifiedMs)}</td><td class="n">${humanCount(each.files)}</td><td class="n">${humanBytes(each.bytes)}</td></tr>`,
        )}</tbody></table>`
  }`
}

const LISTED_COMMITS = 20

export function historySection({ history }: InspectReport): Markup {
  const { commits, commitCount, partlyRead } = history
  if (commits.length === 0) return html`<p>The log has no commits.</p>`
  const { series, startMs, bucketMs, ticks } = timelineOf(commits)
  const title = 'Versions over time, by operation'
  const [newest, oldest] = [commits[0], commits.at(-1)]
  const timeOf = (bucket: number): string => humanTime(startMs + bucket * bucketMs, bucketMs < 60_000)
  const few =
    commits.length < commitCount
      ? `the newest ${humanCount(commits.length)} of ${plural(commitCount, 'commit')}`
      : `all ${plural(commitCount, 'commit')} of the log`
  return html`<p>Versions ${humanCount(oldest?.version ?? 0)} to ${humanCount(newest?.version ?? 0)}, ${humanTime(oldest?.timeMs ?? 0)} to ${humanTime(newest?.timeMs ?? 0)}: ${few}.${partlyRead > 0 ? ` Of ${plural(partlyRead, 'large commit')} only the beginning was read.` : ''}</p>${figure(
    {
      id: 'timeline',
      title,
      caption: `A column is ${humanDuration(bucketMs)}; each row has a scale of its own, and its total to the right.`,
      chart: timelineChart({
        id: 'timeline',
        title,
        description: series.map(({ label, counts }) => `${label}: ${counts.reduce((sum, count) => sum + count, 0)} versions`).join('; '),
        series,
        ticks,
        tip: ({ label, counts }, bucket) => `${label}, ${timeOf(bucket)}: ${plural(counts[bucket] ?? 0, 'version')}`,
      }),
      head: ['Operation', 'Versions', 'Most in a column'],
      rows: series.map(({ label, counts }) => [
        label,
        humanCount(counts.reduce((sum, count) => sum + count, 0)),
        humanCount(counts.reduce((most, count) => Math.max(most, count), 0)),
      ]),
    },
  )}<details><summary>The newest ${plural(Math.min(LISTED_COMMITS, commits.length), 'version')}</summary><table class="wide"><thead><tr><th scope="col">Version</th><th scope="col">Time</th><th scope="col">Operation</th><th scope="col">Engine</th><th scope="col" class="n">Commit</th></tr></thead><tbody>${commits
    .slice(0, LISTED_COMMITS)
    .map(
      ({ version, timeMs, operation, engine, bytes }) =>
        html`<tr><th scope="row">${humanCount(version)}</th><td class="time">${humanTime(timeMs, true)}</td><td>${shortened(operation ?? 'unnamed', 80)}</td><td>${shortened(engine ?? '', 80)}</td><td class="n">${humanBytes(bytes)}</td></tr>`,
    )}</tbody></table></details>`
}

// From the first bin with a file to the last, the target's bin among them.
function rangeOf(counts: readonly number[], bounds: readonly number[], targetBytes: number): readonly [number, number] {
  const filled = counts.flatMap((count, bin) => (count > 0 ? [bin] : []))
  const target = Math.floor(placeOf(targetBytes, bounds))
  return [Math.min(filled[0] ?? 0, target), Math.max(filled.at(-1) ?? 0, target)]
}

// Where a size stands among the columns, which are of equal width for every doubling.
function placeOf(sizeBytes: number, bounds: readonly number[]): number {
  let bin = bounds.length - 1
  while (bin > 0 && (bounds[bin] as number) > sizeBytes) bin--
  const [low, high] = [bounds[bin] as number, bounds[bin + 1]]
  if (high === undefined) return bin
  return bin + (low === 0 ? sizeBytes / high : Math.log2(sizeBytes / low) / Math.log2(high / low))
}
