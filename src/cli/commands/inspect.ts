// inspect: how a table is doing, as a page, as JSON, or as a few lines.
import { writeFile } from 'node:fs/promises'
import { type InspectReport, inspect as inspectTable } from '../../compaction/index.js'
import { AlluviumError } from '../../errors.js'
import { VERSION } from '../../version.js'
import { type Command, numberOption, textOption, usageError } from '../command.js'
import { humanBytes, humanCount, plural } from '../human.js'
import { inspectPage } from '../inspect/page.js'
import { tableOf } from '../target.js'

export const inspect: Command = {
  name: 'inspect',
  usage: 'TABLE [--html FILE]',
  summary: 'how the table is doing: file sizes, small files, reclaimable bytes, log, history',
  description:
    'Reads the log and lists the folder; changes nothing. --html writes one page that holds everything and asks for nothing, so that it\ncan be sent around; credentials are nowhere in it.',
  options: {
    html: { type: 'string', value: 'FILE', help: 'write a page' },
    commits: { type: 'string', value: 'N', help: 'look at the newest N commits; 1000 when absent' },
    partitions: { type: 'string', value: 'N', help: 'tell of N partitions one by one; 20 when absent' },
    'no-list': { type: 'boolean', help: "do not list the table's folder for what a vacuum would delete" },
    'allow-path': {
      type: 'string',
      multiple: true,
      value: 'PATH',
      help: "another table's folder whose files this one may name (a shallow clone's source)",
    },
  },
  examples: ['alluvium inspect ./events --html report.html', 'alluvium inspect s3://bucket/events --json'],
  positionals: [1, 1],
  run: async (input) => {
    const { output, options, signal } = input
    const path = textOption(options, 'html')
    if (path === '') throw usageError('--html wants a file to write')
    const maxCommits = numberOption(options, 'commits')
    const maxPartitions = numberOption(options, 'partitions')
    if (maxCommits === 0) throw usageError('--commits must be at least 1')
    const report = await inspectTable(await tableOf(input), {
      listFiles: options['no-list'] !== true,
      signal,
      ...(maxCommits === undefined ? {} : { maxCommits }),
      ...(maxPartitions === undefined ? {} : { maxPartitions }),
    })
    if (path !== undefined) await writePage(path, inspectPage(report, `Alluvium ${VERSION}`))
    if (output.json) return output.object({ ...plain(report), ...(path === undefined ? {} : { html: path }) })
    for (const line of lines(report)) await output.line(line)
    if (path !== undefined) await output.line(`written to ${path}`)
  },
}

async function writePage(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error)
    throw new AlluviumError('STORAGE_UNAVAILABLE', `the page ${path} could not be written: ${code}`, { path }, { cause: error })
  }
}

// 64-bit positions as texts, as everywhere.
function plain(report: InspectReport): Record<string, unknown> {
  return { ...report, positions: report.positions.map(({ version, ...rest }) => ({ ...rest, version: String(version) })) }
}

function lines({ location, version, files, debt, reclaim, log, history, positionCount }: InspectReport): string[] {
  const { plan } = debt
  return [
    `${location}, version ${version}`,
    `files:       ${humanCount(files.count)}, ${humanBytes(files.bytes)}${files.partitionCount > 0 ? ` in ${plural(files.partitionCount, 'partition')}` : ''}`,
    `small:       ${plural(debt.smallFiles, 'file')} of ${humanBytes(debt.smallBytes)} below ${humanBytes(debt.goodBytes)}${plan === undefined || plan.groups === 0 ? '' : `; optimize would rewrite ${humanCount(plan.files)} as about ${humanCount(plan.groups)}`}`,
    `reclaimable: ${reclaim.now === undefined ? 'not listed' : `${plural(reclaim.now.files, 'file')} of ${humanBytes(reclaim.now.bytes)} now`}, ${plural(reclaim.later.files, 'file')} of ${humanBytes(reclaim.later.bytes)} later`,
    `log:         ${log.kinds
      .map(({ kind, files: count, bytes }) =>
        count === 0 ? '' : `${humanCount(count)} ${count === 1 ? kind.replace(/s$/, '') : kind} (${humanBytes(bytes)})`,
      )
      .filter((text) => text !== '')
      .join(', ')}`,
    `opening:     ${log.opening.checkpointVersion === undefined ? 'no checkpoint' : `checkpoint ${log.opening.checkpointVersion}`} and ${plural(log.opening.commits, 'commit')}, ${humanBytes(log.opening.checkpointBytes + log.opening.commitBytes)}`,
    `history:     ${plural(history.commitCount, 'commit')}, ${plural(history.changes.length, 'change')} of schema or properties, ${plural(positionCount, 'position')} of streams`,
  ]
}
