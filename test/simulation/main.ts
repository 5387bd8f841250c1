// `npm run simulate -- --seeds N [--from S] [--minutes M] [--workers W] [--trace]`: runs seeds over the processors, shows how far
// it came, and says which failed. A campaign that is stopped (SIGINT, SIGTERM, --minutes) tells of what it has done.
import { availableParallelism } from 'node:os'
import { runCampaign, type Share } from './campaign.js'
import { runSeed } from './run-seed.js'

const args = process.argv.slice(2)
const option = (name: string, fallback: number): number => (args.includes(name) ? Number(args[args.indexOf(name) + 1]) : fallback)
const seeds = option('--seeds', 1000)
const from = option('--from', 1)

if (process.send !== undefined) beWorker()
else if (seeds === 1) await runOne()
else {
  const workers = Math.max(1, Math.min(option('--workers', availableParallelism()), seeds))
  const minutes = option('--minutes', Number.POSITIVE_INFINITY)
  const passed = await runCampaign({ from, seeds, workers, minutes, stopsAtFault: args.includes('--bug') })
  process.exitCode = passed ? 0 : 1
}

function beWorker(): void {
  // Whatever is loaded on first use is loaded now, and is no part of any seed's run.
  const ready = runSeed(0)
  // Whoever wants an end asks the campaign, which lets a share come to its end.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => args.includes('--bug') && process.exit(1))
  process.on('message', async (share: Share) => {
    await ready
    for (let seed = share.from; seed < share.to; seed++) process.send?.({ ...(await runSeed(seed)), lines: undefined })
    process.send?.('done')
  })
}

async function runOne(): Promise<void> {
  await runSeed(0)
  const result = await runSeed(from, { keepTrace: args.includes('--trace') })
  for (const line of result.lines ?? []) console.log(line)
  for (const fault of result.faults) console.log(`fault: ${fault}`)
  console.log(JSON.stringify(result.counts))
  console.log(`trace ${result.trace}`)
  console.log(`simulate: ${result.faults.length === 0 ? 'passed' : 'FAILED'}: seed ${result.seed}, ${result.faults.length} violations`)
  process.exitCode = result.faults.length === 0 ? 0 : 1
}
