// A child process of the storage tests: one racer, or a creator that goes on until it is killed.
import { localStorage } from '../../src/storage/local.js'
import { runRaceWorker } from '../../src/testing/index.js'

const [task, root, argument] = process.argv.slice(2) as [string, string, string]
const storage = localStorage(root)
if (task === 'race') {
  console.log(JSON.stringify(await runRaceWorker(storage, JSON.parse(argument))))
} else if (task === 'create-until-killed') {
  for (let i = 0; ; i++) {
    const bytes = new Uint8Array(20_000 + i).fill(i % 251)
    if ((await storage.create(`objects/${argument}-${i}`, bytes)) === 'created') console.log(`${argument}-${i} ${bytes.length} ${i % 251}`)
  }
} else if (task === 'fill') {
  const outcomes: unknown[] = []
  const attempt = async (name: string, call: () => Promise<unknown>): Promise<void> => {
    const code = await call().then(
      () => 'done',
      (error) => [error.code, error.facts?.errno, error.facts?.applied],
    )
    outcomes.push([name, code])
  }
  const large = new Uint8Array(Number(argument)).fill(7)
  await attempt('create', () => storage.create('log/created', large))
  await attempt('put', () => storage.put('hint', large))
  await attempt('write', async () => {
    const writer = await storage.write('data/written')
    await writer.write(large)
    await writer.close()
  })
  await attempt('small', () => storage.create('log/small', new Uint8Array(10)))
  console.log(JSON.stringify(outcomes))
}
