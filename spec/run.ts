// npm run spec -- --engine NAME|all [--adapter "command"] [--case ID] [--check-with NAME|none] [--json] [--write-results]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Engine, type EngineProcessOptions, startEngine } from './engine.js'
import { adapterOf, ENGINE_NAMES, findEngine } from './engines.js'
import { formatResult, isInOrder, type Run, summaryOf, writeResults } from './report.js'
import { type CaseResult, runCase } from './run-case.js'
import { loadSuite, type Suite, scratchTable } from './suite.js'

const { values } = parseArgs({
  options: {
    engine: { type: 'string', multiple: true },
    adapter: { type: 'string', multiple: true },
    case: { type: 'string', multiple: true },
    'check-with': { type: 'string' },
    json: { type: 'boolean', default: false },
    'write-results': { type: 'boolean', default: false },
    timeout: { type: 'string' },
  },
})

const suite = loadSuite()
const chosen = choose(suite, values.case)
const runs: Run[] = []
for (const options of engines()) runs.push(await runEngine(options))
if (values['write-results']) {
  writeResults(runs, suite)
  console.error('wrote spec/results.json and spec/RESULTS.md')
}
if (runs.some((run) => run.engine.engine === 'alluvium' && !isInOrder(run, suite))) process.exitCode = 1

function* engines(): Generator<EngineProcessOptions> {
  const asked = values.engine ?? (values.adapter === undefined ? ['alluvium'] : [])
  for (const name of asked.flatMap((one) => (one === 'all' ? [...ENGINE_NAMES] : [one]))) {
    const found = findEngine(name)
    if ('options' in found) yield withTimeout(found.options)
    else if (name === 'alluvium') fail(`${name}: ${found.absent}`)
    else console.error(`SKIPPED ${name}: ${found.absent}`)
  }
  for (const command of values.adapter ?? []) yield withTimeout(adapterOf(command))
}

function withTimeout(options: EngineProcessOptions): EngineProcessOptions {
  if (values.timeout === undefined) return options
  const seconds = Number(values.timeout)
  if (!(seconds > 0)) fail('--timeout wants seconds')
  return { ...options, timeoutMs: seconds * 1000 }
}

async function runEngine(options: EngineProcessOptions): Promise<Run> {
  const scratch = mkdtempSync(join(tmpdir(), 'alluvium-spec-'))
  const engine = await startEngine(options)
  const second = chosen.some((one) => one.secondEngine === true) ? await secondEngine(engine.greeting.engine) : undefined
  const results: CaseResult[] = []
  const width = Math.max(...chosen.map((one) => one.id.length))
  try {
    for (const one of chosen) {
      const result = await runCase(one, engine, scratchTable(suite, one, scratch), second)
      results.push(result)
      if (!values.json) console.log(formatResult(result, engine.greeting.engine, suite, width))
    }
  } finally {
    await engine.close()
    await second?.close()
    rmSync(scratch, { recursive: true, force: true })
  }
  const checker = second === undefined ? undefined : `${second.greeting.engine} ${second.greeting.version}`
  const run: Run = { engine: engine.greeting, date: new Date().toISOString().slice(0, 10), second: checker, results }
  console.log(values.json ? JSON.stringify(run) : `\n${summaryOf(run, suite)}\n`)
  return run
}

// What ours writes is read by delta-rs, what others write by ours.
async function secondEngine(first: string): Promise<Engine | undefined> {
  const name = values['check-with'] ?? (first === 'alluvium' ? 'deltalake' : 'alluvium')
  if (name === 'none') return undefined
  const found = findEngine(name)
  if ('options' in found) return startEngine(found.options)
  console.error(`NOT CHECKED by a second engine: ${name}: ${found.absent}`)
  return undefined
}

function choose(all: Suite, ids: readonly string[] | undefined): Suite['cases'] {
  if (ids === undefined) return all.cases
  const found = all.cases.filter((one) => ids.some((id) => one.id === id || (id.endsWith('*') && one.id.startsWith(id.slice(0, -1)))))
  if (found.length === 0) fail(`no case ${ids.join(', ')}`)
  return found
}

function fail(message: string): never {
  console.error(message)
  process.exit(2)
}
