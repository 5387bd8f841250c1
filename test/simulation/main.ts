// `npm run simulate -- --seeds N [--from S]`: runs seeds over all processors, shows how far it came, and says which failed.
import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { runSeed, type SeedResult } from './run-seed.js'

const args = process.argv.slice(2)
const option = (name: string, fallback: number): number => (args.includes(name) ? Number(args[args.indexOf(name) + 1]) : fallback)
const seeds = option('--seeds', 1000)
const from = option('--from', 1)

interface Share {
  readonly from: number
  readonly to: number
}

async function work({ from: first, to }: Share, onResult: (result: SeedResult) => void): Promise<void> {
  await runSeed(0) // Whatever is loaded on first use is loaded now, and is no part of any seed's run.
  for (let seed = first; seed < to; seed++) onResult(await runSeed(seed, { keepTrace: seeds === 1 && args.includes('--trace') }))
}

if (process.send !== undefined) {
  process.on('message', (share: Share) => {
    work(share, (result) => process.send?.({ ...result, lines: undefined })).then(() => process.disconnect())
  })
} else if (seeds === 1) {
  await work({ from, to: from + 1 }, (result) => {
    for (const line of result.lines ?? []) console.log(line)
    for (const fault of result.faults) console.log(`fault: ${fault}`)
    console.log(JSON.stringify(result.counts))
    console.log(`trace ${result.trace}`)
    console.log(`simulate: ${result.faults.length === 0 ? 'passed' : 'FAILED'}: seed ${result.seed}, ${result.faults.length} violations`)
    process.exitCode = result.faults.length === 0 ? 0 : 1
  })
} else {
  await campaign()
}

async function campaign(): Promise<void> {
  const started = performance.now()
  const totals: Record<string, number> = {}
  const failed: SeedResult[] = []
  let done = 0
  const report = (result: SeedResult): void => {
    done++
    for (const [name, count] of Object.entries(result.counts)) totals[name] = (totals[name] ?? 0) + count
    if (result.faults.length > 0) {
      failed.push(result)
      // A planted bug is caught: that is all there is to know.
      if (args.includes('--bug')) for (const child of children) child.kill()
      if (failed.length <= 10)
        console.log(`seed ${result.seed}: ${result.faults[0]}\n  replay: npm run simulate -- --seeds 1 --from ${result.seed}`)
    }
    if (done % Math.max(100, Math.floor(seeds / 20)) === 0)
      console.log(`  … ${done} of ${seeds} seeds, ${((performance.now() - started) / 1000).toFixed(0)} s`)
  }
  const children: ReturnType<typeof fork>[] = []
  const workers = Math.max(1, Math.min(availableParallelism(), seeds))
  const per = Math.ceil(seeds / workers)
  const ends = Array.from({ length: workers }, (_, n) => {
    const share = { from: from + n * per, to: Math.min(from + (n + 1) * per, from + seeds) }
    const child = fork(process.argv[1] as string, args, { execArgv: process.execArgv })
    children.push(child)
    child.on('message', (result) => report(result as SeedResult))
    child.send(share)
    return new Promise<number | null>((resolve) => child.on('exit', resolve))
  })
  const codes = await Promise.all(ends)
  const complete = done === seeds && codes.every((code) => code === 0)
  const sum = Object.entries(totals)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')
  console.log(`  ${sum}`)
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  console.log(
    `simulate: ${complete && failed.length === 0 ? 'passed' : 'FAILED'}: ${done} of ${seeds} seeds from ${from}, ${failed.length} with violations, ${seconds} s`,
  )
  process.exitCode = complete && failed.length === 0 ? 0 : 1
}
