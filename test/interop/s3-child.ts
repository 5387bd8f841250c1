// A process of the S3 tests: a racer of the contract suite, or a writer that appends rows until it is told to stop.
import { createInterface } from 'node:readline'
import { isAlluviumError, openTable } from 'alluvium'
import { s3Storage } from '../../src/storage/s3/index.js'
import type { S3Options } from '../../src/storage/s3/options.js'
import { runRaceWorker } from '../../src/testing/index.js'

const [task, url, optionsText, argument] = process.argv.slice(2) as [string, string, string, string]
const storage = s3Storage(url, JSON.parse(optionsText) as S3Options)

if (task === 'race') console.log(JSON.stringify(await runRaceWorker(storage, JSON.parse(argument))))
else await append(argument, task === 'append' ? Number.POSITIVE_INFINITY : Number(task.slice('append-'.length)))

/** Appends rows `writer-n`, one commit each; says of each what became of it: `acked`, `failed` (surely not there) or `unknown`. */
async function append(writer: string, commits: number): Promise<void> {
  let stopped = false
  createInterface({ input: process.stdin }).once('line', () => {
    stopped = true
    process.stdin.destroy()
  })
  const table = await openTable(storage)
  for (let n = 0; n < commits && !stopped; n++) {
    const id = `${writer}-${n}`
    try {
      const { version } = await table.append([{ id, n: BigInt(n) }])
      console.log(JSON.stringify({ id, outcome: 'acked', version }))
    } catch (error) {
      const unknown = isAlluviumError(error, 'COMMIT_STATE_UNKNOWN')
      console.log(JSON.stringify({ id, outcome: unknown ? 'unknown' : 'failed', error: String(error) }))
    }
  }
  process.stdin.destroy()
}
