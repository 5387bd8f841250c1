// Run in a process of its own, with Node hardened: names of prototypes as columns, keys and values, written and read.
// Prints one line of JSON: what was read, and whether any prototype has changed.
import { createTable, memoryStorage, openTable } from 'alluvium'

const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']
const before = Reflect.ownKeys(Object.prototype).map(String).sort().join()
const own = (entries: readonly (readonly [string, unknown])[]): Record<string, unknown> => Object.fromEntries(entries)

async function main(): Promise<object> {
  const storage = memoryStorage()
  const type = (name: string): object => ({ name, dataType: { type: 'string' }, nullable: true, metadata: Object.create(null) })
  const fields = [
    ...NAMES.map(type),
    { name: 's', dataType: { type: 'struct', fields: NAMES.map(type) }, nullable: true, metadata: {} },
    {
      name: 'm',
      dataType: { type: 'map', keyType: { type: 'string' }, valueType: { type: 'string' }, valueContainsNull: true },
      nullable: true,
      metadata: {},
    },
  ]
  const table = await createTable(storage, {
    schema: { type: 'struct', fields } as never,
    partitionBy: ['__proto__'],
    properties: own(NAMES.map((name) => [name, 'set'])) as Record<string, string>,
  })
  const row = own([
    ...NAMES.map((name) => [name, `value of ${name}`] as const),
    ['s', own(NAMES.map((name) => [name, 'inner'] as const))],
    ['m', new Map(NAMES.map((name) => [name, 'mapped']))],
  ])
  await table.append([row] as never)
  const again = await openTable(storage)
  const [read] = await again.scan({ where: "`__proto__` = 'value of __proto__' and `constructor` like 'value%'" }).toArray()
  const entries = (value: unknown): unknown => (value instanceof Map ? [...value] : Object.entries(value as object))
  return {
    columns: Object.keys(read as object),
    values: NAMES.map((name) => (read as Record<string, unknown>)[name]),
    struct: entries((read as Record<string, unknown>).s),
    map: entries((read as Record<string, unknown>).m),
    properties: Object.entries(await again.properties()).filter(([key]) => NAMES.includes(key)),
    polluted: before !== Reflect.ownKeys(Object.prototype).map(String).sort().join(),
  }
}

console.log(JSON.stringify(await main()))
