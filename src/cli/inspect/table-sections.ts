// The sections of the page that are words: how the schema changed, how far streams have come, what the table is.
import type { InspectReport } from '../../compaction/index.js'
import { humanCount, humanTime, plural } from '../human.js'
import { html, type Markup, shortened } from './html.js'

const LONG_CHARS = 4000
const VALUE_CHARS = 500

export function changesSection({ history }: InspectReport): Markup {
  const { changes, commits, commitCount } = history
  const oldest = commits.at(-1)
  const horizon = commits.length < commitCount || (oldest !== undefined && oldest.version > 0)
  const note = horizon ? `as far back as version ${humanCount(oldest?.version ?? 0)}` : 'since the table was made'
  if (changes.length === 0) return html`<p>No change of columns, properties or protocol, ${note}.</p>`
  return html`<p>Changes of columns, partitioning, properties and protocol, ${note}, newest first.</p><table class="wide"><thead><tr><th scope="col">Version</th><th scope="col">Time</th><th scope="col">What changed</th></tr></thead><tbody>${changes.map(
    ({ version, timeMs, changes: told }) =>
      html`<tr><th scope="row">${humanCount(version)}</th><td class="time">${humanTime(timeMs)}</td><td>${told.map((text, at) => html`${at > 0 ? html`<br>` : undefined}${shortened(text, VALUE_CHARS)}`)}</td></tr>`,
  )}</tbody></table>`
}

export function positionsSection({ positions, positionCount }: InspectReport): Markup {
  if (positionCount === 0) return html`<p>No application keeps its position in this table.</p>`
  const note = positions.length < positionCount ? `The ${positions.length} of ${humanCount(positionCount)} that moved last. ` : ''
  return html`<p>${note}How far each application or stream has come, by what its last commit says.</p><div class="scroll" tabindex="0" role="region" aria-labelledby="positions-h"><table class="wide"><thead><tr><th scope="col">Application</th><th scope="col" class="n">Position</th><th scope="col">Moved</th></tr></thead><tbody>${positions.map(
    ({ appId, version, lastUpdatedMs }) =>
      html`<tr><th scope="row"><code>${shortened(appId, VALUE_CHARS)}</code></th><td class="n">${version}</td><td class="time">${lastUpdatedMs === undefined ? 'not said' : humanTime(lastUpdatedMs)}</td></tr>`,
  )}</tbody></table></div>`
}

export function tableSection(report: InspectReport): Markup {
  const { protocol, properties, partitionColumns, clusteringColumns, columns, columnCount, id } = report
  const facts: readonly (readonly [string, Markup | string])[] = [
    ['Protocol', `reader ${protocol.minReaderVersion}, writer ${protocol.minWriterVersion}`],
    ['Features', protocol.features.length === 0 ? 'none' : protocol.features.join(', ')],
    ['Partitioned by', partitionColumns.length === 0 ? 'nothing' : partitionColumns.join(', ')],
    ...(clusteringColumns.length === 0 ? [] : [['Clustered by', clusteringColumns.join(', ')] as const]),
    [plural(columnCount, 'column'), html`<code>${shortened(columns, LONG_CHARS)}</code>`],
    ['Id', html`<code>${shortened(id, VALUE_CHARS)}</code>`],
  ]
  return html`<dl>${facts.map(([label, value]) => html`<dt>${label}</dt><dd>${value}</dd>`)}</dl><h3>Properties</h3>${
    properties.length === 0
      ? html`<p>None is set: the defaults hold.</p>`
      : html`<table class="wide"><thead><tr><th scope="col">Property</th><th scope="col">Value</th></tr></thead><tbody>${properties.map(
          ([key, value]) =>
            html`<tr><th scope="row"><code>${shortened(key, VALUE_CHARS)}</code></th><td><code>${shortened(value, VALUE_CHARS)}</code></td></tr>`,
        )}</tbody></table>`
  }`
}
