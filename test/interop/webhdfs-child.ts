// A process of the WebHDFS tests: a racer of the contract suite, a writer that appends rows until it is told to stop, or (where a
// package is needed that only the process has) the contract suite itself.
import { createInterface } from 'node:readline'
import { createTable, isAlluviumError, long, openTable, schema, string } from 'alluvium'
import { type WebHdfsOptions, webhdfsStorage } from '../../src/storage/webhdfs/index.js'
import { type ContractOptions, runRaceWorker, storageContract } from '../../src/testing/index.js'

const [task, url, optionsText, argument] = process.argv.slice(2) as [string, string, string, string]
const options = JSON.parse(optionsText) as WebHdfsOptions

if (task === 'race') console.log(JSON.stringify(await runRaceWorker(webhdfsStorage(url, options), JSON.parse(argument))))
else if (task === 'contract') await contract(JSON.parse(argument) as ContractOptions)
else if (task === 'life') await life()
else if (task === 'token') await token()
else await append(argument, task === 'append' ? Number.POSITIVE_INFINITY : Number(task.slice('append-'.length)))

/** Appends rows `writer-n`, one commit each; says of each what became of it: `acked`, `failed` (surely not there) or `unknown`. */
async function append(writer: string, commits: number): Promise<void> {
  let stopped = false
  createInterface({ input: process.stdin }).once('line', () => {
    stopped = true
    process.stdin.destroy()
  })
  const table = await openTable(webhdfsStorage(url, options))
  for (let n = 0; n < commits && !stopped; n++) {
    const id = `${writer}-${n}`
    const startMs = performance.now()
    try {
      const { version } = await table.append([{ id, n: BigInt(n) }])
      console.log(JSON.stringify({ id, outcome: 'acked', version, tookMs: performance.now() - startMs }))
    } catch (error) {
      const unknown = isAlluviumError(error, 'COMMIT_STATE_UNKNOWN')
      console.log(JSON.stringify({ id, outcome: unknown ? 'unknown' : 'failed', error: String(error) }))
    }
  }
  process.stdin.destroy()
}

async function contract(suite: ContractOptions): Promise<void> {
  let place = 0
  for (const { name, run } of storageContract({ ...suite, refusesName: (each) => each.includes(':') })) {
    const failure = await run(webhdfsStorage(`${url}-${place++}`, options)).then(
      () => undefined,
      (error: unknown) => String(error),
    )
    console.log(JSON.stringify({ name, failure }))
  }
}

async function life(): Promise<void> {
  const columns = schema({ id: string().notNull(), n: long() })
  const table = await createTable(url, { schema: columns, storage: options })
  for (const id of ['a', 'b', 'c']) await table.append([{ id, n: 1n }])
  const rows: unknown[] = []
  for await (const row of (await openTable(url, { storage: options })).scan({ columns: ['id'] }).rows()) rows.push(row)
  console.log(JSON.stringify(rows))
}

/** A delegation token of whoever the ticket is for, got as a program would that hands it on. */
async function token(): Promise<void> {
  const name: string = 'kerberos'
  const { initializeClient } = (await import(name)) as {
    initializeClient(service: string, options: object): Promise<{ step(from: string): Promise<string> }>
  }
  const { hostname, port } = new URL(url.replace('webhdfs:', 'http:'))
  const client = await initializeClient(`HTTP@${hostname}`, {})
  const answer = await fetch(`http://${hostname}:${port}/webhdfs/v1/?op=GETDELEGATIONTOKEN`, {
    headers: { authorization: `Negotiate ${await client.step('')}` },
  })
  const { Token } = (await answer.json()) as { Token: { urlString: string } }
  console.log(JSON.stringify(Token.urlString))
}
