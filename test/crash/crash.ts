// npm run crash -- [--kills 1000] [--seed 7] [--folder DIR] [--python PYTHON] [--defect NAME]
// Writers on one table on this machine's file system, killed by SIGKILL at random moments and started again. Nothing that was
// acknowledged may be lost, nothing may be there twice, the table may never be unreadable. With --python (or
// ALLUVIUM_PEERS_PYTHON) delta-rs reads it as well.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { runCampaign } from './campaign.js'
import { DEFECTS, type Defect } from './defects.js'
import { bundlePrograms } from './programs.js'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '7' },
    folder: { type: 'string', default: os.tmpdir() },
    python: { type: 'string' },
    defect: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
})
const [kills, seed] = [Number(values.kills), Number(values.seed)]
if (!Number.isSafeInteger(kills) || kills < 1 || !Number.isSafeInteger(seed)) throw new RangeError('--kills and --seed are whole numbers')
const { defect } = values
if (defect !== undefined && !DEFECTS.includes(defect as Defect)) throw new RangeError(`--defect is one of: ${DEFECTS.join(', ')}`)
const python = values.python ?? process.env.ALLUVIUM_PEERS_PYTHON
const folder = fs.mkdtempSync(path.join(values.folder, 'alluvium-crash-'))
console.log(`crash: ${kills} kills, seed ${seed}, in ${folder}, ${python === undefined ? 'without' : 'with'} delta-rs`)
const programs = await bundlePrograms()
const began = performance.now()
try {
  const result = await runCampaign({
    kills,
    seed,
    folder,
    programs,
    ...(python === undefined ? {} : { python }),
    ...(defect === undefined ? {} : { defect: defect as Defect }),
    onProgress: (text) => console.log(`  … ${((performance.now() - began) / 1000).toFixed(0)} s: ${text}`),
  })
  const { phases, records, log, readings, leftovers, faults, logFrom } = result
  console.log('  where the kills fell:')
  for (const [phase, count] of [...phases].sort((a, b) => b[1] - a[1])) console.log(`    ${String(count).padStart(5)}  ${phase}`)
  const ops = records.flatMap((record) => [...record.ops.values()])
  const of = (outcome: string): number => ops.filter((op) => op.outcome === outcome).length
  console.log(
    `  operations: ${of('acked')} acknowledged, ${of('failed')} conflicts, ${of('open')} killed in between, ${of('unknown')} unknown; ${records.reduce((sum, record) => sum + record.streamAcks, 0)} acknowledgements of streams`,
  )
  const kinds = new Map<string, number>()
  for (const { operation } of log.commits.values()) kinds.set(operation, (kinds.get(operation) ?? 0) + 1)
  console.log(`  commits: ${[...kinds].map(([kind, count]) => `${count} ${kind}`).join(', ')}`)
  for (const record of records)
    for (const [what, { times, removed }] of record.upkeep)
      if (what !== 'checkpoint') console.log(`  ${what}: ${times} times, ${removed} files`)
  console.log(
    `  ${log.version + 1} versions, those from ${logFrom} on still in the log; read ${readings.ours} times by a fresh reader, ${readings.deltaRs} times by delta-rs; left behind: ${leftovers.hidden} hidden temporaries, ${leftovers.unreferenced} data files without a commit, all cleaned`,
  )
  for (const fault of faults.slice(0, 20)) console.error(`  FAULT: ${fault}`)
  console.log(
    `crash: ${faults.length === 0 ? 'passed' : 'FAILED'}: ${result.kills} kills in ${phases.size} phases, ${faults.length} faults, seed ${seed}, ${((performance.now() - began) / 1000).toFixed(0)} s`,
  )
  process.exitCode = faults.length === 0 ? 0 : 1
} finally {
  programs.remove()
  if (!values.keep) fs.rmSync(folder, { recursive: true, force: true })
}
