// The folder in a page: bundled for a browser, run where neither Node's modules nor its globals are to be had.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, expect, test } from 'vitest'
import { writeRows } from './files.js'

const root = resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'alluvium-browser-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('bundled for a browser, files are read and written after initParquet with the bytes of the codec', async () => {
  const bundle = join(folder, 'bundle.mjs')
  await build({
    entryPoints: [join(root, 'src/parquet/index.ts')],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    outfile: bundle,
    logLevel: 'silent',
  })
  const file = join(folder, 'rows.parquet')
  writeFileSync(
    file,
    await writeRows('a long, s string', [
      { a: 1, s: 'x' },
      { a: 2, s: null },
    ]),
  )
  const page = join(folder, 'page.mjs')
  writeFileSync(
    page,
    `import fs from 'node:fs'
    const bytes = new Uint8Array(fs.readFileSync(${JSON.stringify(file)}))
    const wasm = fs.readFileSync(${JSON.stringify(join(root, 'node_modules/parquet-wasm/esm/parquet_wasm_bg.wasm'))})
    const { log } = console
    // Node's own fetch wants Buffer when it is first touched.
    void Response
    delete globalThis.process
    delete globalThis.Buffer
    const { initParquet, openParquet, bytesSource, createParquetWriter, createEncodeWorker } = await import(${JSON.stringify(pathToFileURL(bundle).href)})
    await initParquet(wasm)
    const schema = { type: 'struct', fields: [{ name: 'a', dataType: { type: 'long' }, nullable: true, metadata: {} }, { name: 's', dataType: { type: 'string' }, nullable: true, metadata: {} }] }
    const parts = []
    const writer = createParquetWriter({ write: async (part) => void parts.push(part) }, { schema, codec: 'zstd' })
    const file = await openParquet(bytesSource(bytes), { name: 'f' })
    let text = ''
    for await (const batch of file.read()) {
      text += batch.toArray().map(String).join()
      await writer.write(batch)
    }
    const { numRows } = await writer.finish()
    const again = await openParquet(bytesSource(new Uint8Array(await new Blob(parts).arrayBuffer())), { name: 'g' })
    let rows = 0
    for await (const batch of again.read({ columns: ['s'] })) rows += batch.numRows
    log(JSON.stringify({ text, numRows, rows, worker: createEncodeWorker() === undefined }))`,
  )
  const { stdout } = await promisify(execFile)(process.execPath, [page])
  expect(JSON.parse(stdout)).toEqual({ text: '{"a": 1, "s": "x"},{"a": 2, "s": null}', numRows: 2, rows: 2, worker: true })
})
