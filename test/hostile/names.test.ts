// Names that JavaScript gives a meaning of its own: wherever a table may name something, they are only names.
import { encodeUtf8 } from '../../src/bytes.js'
import { memoryStorage } from '../../src/storage/memory.js'
import { createTable } from '../../src/table/open.js'
import type { Table } from '../../src/table/table.js'
import { GOOD, type HostileCase, hostileGroup } from './group.js'
import { writeRows } from './parquet-bytes.js'
import { addOf, commitBytes, DATA_PATH, FIELDS, field, goodData, metaData, PROTOCOL } from './table-builder.js'

const NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'valueOf',
  'hasOwnProperty',
  'isPrototypeOf',
  '__defineGetter__',
  '__lookupSetter__',
  'toJSON',
  'then',
  'length',
  'name',
  '0',
  '-1',
]

/** An object with one own member of any name. */
function one(name: string, value: unknown): Record<string, unknown> {
  return Object.fromEntries([[name, value]])
}

/** A JSON object text with one member: JSON.stringify would leave `toJSON` no chance, and `__proto__` in a literal is none. */
function oneText(name: string, value: unknown): string {
  return `{${JSON.stringify(name)}:${JSON.stringify(value)}}`
}

const column = (name: string, type: unknown): object => field(name, type)

async function oneColumn(name: string, type: string, value: unknown): Promise<Parameters<typeof commitParts>[0]> {
  const schema = { type: 'struct', fields: [{ name, dataType: { type }, nullable: true, metadata: {} }] } as never
  return { fields: [column(name, type)], data: await writeRows(schema, [one(name, value)]) }
}

function commitParts(table: { fields: readonly object[]; data: Uint8Array; stats?: string }): {
  schema: readonly object[]
  lines: object[]
  files: Record<string, Uint8Array>
} {
  const more = table.stats === undefined ? {} : { stats: table.stats }
  return { schema: table.fields, lines: [addOf('x.parquet', table.data.length, more)], files: { 'x.parquet': table.data } }
}

const usualAdd = async (more: string): Promise<string> =>
  `${JSON.stringify(addOf(DATA_PATH, (await goodData()).length)).slice(0, -2)},${more}}}`

const PLACES: readonly (readonly [place: string, make: (name: string) => HostileCase])[] = [
  [
    'a column',
    (name) => ({
      name,
      table: async () => commitParts(await oneColumn(name, 'string', 'x')),
      expected: { rows: [`{${name}:"x"}`] },
    }),
  ],
  [
    'a column in a filter, with statistics',
    (name) => ({
      name,
      table: async () => {
        const table = await oneColumn(name, 'long', 5)
        return commitParts({
          ...table,
          stats: `{"numRecords":1,"minValues":${oneText(name, 5)},"maxValues":${oneText(name, 5)},"nullCount":${oneText(name, 0)}}`,
        })
      },
      act: async (table: Table) => {
        const hit = await table.scan({ where: `\`${name}\` = 5`, columns: [name] }).toArray()
        const miss = await table.scan({ where: `\`${name}\` > 5` }).toArray()
        return [...hit, ...miss]
      },
      expected: { rows: [`{${name}:5n}`] },
    }),
  ],
  [
    'a member of a struct, a key of a map',
    (name) => ({
      name,
      table: async () => {
        const inner = { type: 'struct', fields: [{ name, dataType: { type: 'string' }, nullable: true, metadata: {} }] }
        const map = { type: 'map', keyType: { type: 'string' }, valueType: { type: 'string' }, valueContainsNull: true }
        const schema = {
          type: 'struct',
          fields: [
            { name: 's', dataType: inner, nullable: true, metadata: {} },
            { name: 'm', dataType: map, nullable: true, metadata: {} },
          ],
        } as never
        const data = await writeRows(schema, [{ s: one(name, 'in'), m: new Map([[name, 'out']]) }])
        const fields = [
          column('s', { type: 'struct', fields: [column(name, 'string')] }),
          column('m', { type: 'map', keyType: 'string', valueType: 'string', valueContainsNull: true }),
        ]
        return commitParts({ fields, data })
      },
      expected: { rows: [`{s:{${name}:"in"},m:Map{${JSON.stringify(name)}:"out"}}`] },
    }),
  ],
  [
    'a partition column',
    (name) => ({
      name,
      table: async () => ({
        schema: [...FIELDS.slice(0, 1), column(name, 'string')],
        partitionColumns: [name],
        lines: [(await usualAdd(`"partitionValues":${oneText(name, 'p')}`)).replace('"partitionValues":{},', '')],
      }),
      expected: {
        rows: [1n, 2n, 3n].map((id) =>
          Object.fromEntries([
            ['id', id],
            [name, 'p'],
          ]),
        ),
      },
    }),
  ],
  [
    'a partition column in a filter',
    (name) => ({
      name,
      table: async () => ({
        schema: [...FIELDS.slice(0, 1), column(name, 'string')],
        partitionColumns: [name],
        lines: [(await usualAdd(`"partitionValues":${oneText(name, name)}`)).replace('"partitionValues":{},', '')],
      }),
      act: async (table: Table) => [
        ...(await table.scan({ where: `\`${name}\` = '${name}' and id = 2` }).toArray()),
        ...(await table.scan({ where: `\`${name}\` = 'other'` }).toArray()),
      ],
      expected: {
        rows: [
          Object.fromEntries([
            ['id', 2n],
            [name, name],
          ]),
        ],
      },
    }),
  ],
  [
    'a partition column written by us',
    (name) => ({
      name,
      table: async () => {
        const storage = memoryStorage()
        const schema = {
          type: 'struct',
          fields: [
            { name: 'id', dataType: { type: 'long' }, nullable: true, metadata: {} },
            { name, dataType: { type: 'string' }, nullable: true, metadata: {} },
          ],
        } as never
        const table = await createTable(storage, { schema, partitionBy: [name] })
        await table.append([{ id: 1n, ...one(name, name) }] as never)
        await table.append([
          Object.fromEntries([
            ['id', 2n],
            [name, null],
          ]),
        ] as never)
        return storage
      },
      act: async (table: Table) => (await table.scan().toArray()).sort((a, b) => Number(a.id) - Number(b.id)),
      expected: {
        rows: [
          Object.fromEntries([
            ['id', 1n],
            [name, name],
          ]),
          Object.fromEntries([
            ['id', 2n],
            [name, null],
          ]),
        ],
      },
    }),
  ],
  [
    'a table property',
    (name) => ({
      name,
      table: { metadata: { configuration: one(name, 'set') } },
      act: async (table: Table) => {
        const properties = await table.properties()
        return [one('has', Object.hasOwn(properties, name)), one('is', properties[name]), one('keys', Object.keys(properties))]
      },
      expected: { rows: ['{has:true}', '{is:"set"}', `{keys:[${JSON.stringify(name)}]}`] },
    }),
  ],
  [
    'a table property set by us',
    (name) => ({
      name,
      table: {},
      act: async (table: Table) => {
        await table.setProperties(one(name, 'set') as Record<string, string>)
        const properties = await table.properties()
        return [one('has', Object.hasOwn(properties, name)), one('is', properties[name])]
      },
      expected: { rows: ['{has:true}', '{is:"set"}'] },
    }),
  ],
  [
    'a tag, a member nobody knows, an action nobody knows, a field of commitInfo',
    (name) => ({
      name,
      table: async () => ({
        lines: [
          `{"commitInfo":${oneText(name, { a: 1 })}}`,
          await usualAdd(`"tags":${oneText(name, 'x')},${oneText(name, { polluted: true }).slice(1, -1)}`),
          `{${JSON.stringify(name)}:{"polluted":true}}`,
        ],
      }),
      act: async (table: Table) => {
        const [latest] = await table.history({ limit: 1 })
        const tags: unknown[] = []
        for await (const file of (await table.snapshot()).files()) tags.push(Object.entries(file.tags ?? {}))
        return [...(await table.scan().toArray()), { info: Object.keys(latest?.info ?? {}) }, { tags }]
      },
      expected: {
        rows: [
          '{id:1n,name:"one"}',
          '{id:2n,name:"two"}',
          '{id:3n,name:"three"}',
          `{info:[${JSON.stringify(name)}]}`,
          `{tags:[[[${JSON.stringify(name)},"x"]]]}`,
        ],
      },
    }),
  ],
  [
    'an application, a domain',
    (name) => ({
      name,
      table: async () => ({
        lines: [
          await usualAdd('"x":1'),
          { txn: { appId: name, version: 7 } },
          { domainMetadata: { domain: name, configuration: '{"__proto__":1}', removed: false } },
        ],
      }),
      act: async (table: Table) => {
        const { positions, view } = await table.snapshot()
        return [{ txns: positions }, { domains: [...view.domains.keys()] }]
      },
      expected: { rows: [`{txns:Map{${JSON.stringify(name)}:7n}}`, `{domains:[${JSON.stringify(name)}]}`] },
    }),
  ],
  [
    'metadata of a column',
    (name) => ({
      name,
      table: {
        metaData: metaData(
          `{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":${oneText(name, { polluted: true })}},{"name":"name","type":"string","nullable":true,"metadata":{}}]}`,
        ),
      },
      expected: GOOD,
    }),
  ],
  [
    'an application and a property in a checkpoint',
    (name) => ({
      name,
      table: async () => ({
        files: {
          '_delta_log/00000000000000000001.checkpoint.parquet': await writeRows(
            'txn struct<appId:string,version:bigint>, add struct<path:string,partitionValues:map<string,string>,size:bigint,modificationTime:bigint,dataChange:boolean,tags:map<string,string>>, metaData struct<id:string,format:struct<provider:string,options:map<string,string>>,schemaString:string,partitionColumns:array<string>,configuration:map<string,string>>, protocol struct<minReaderVersion:int,minWriterVersion:int>',
            [
              { txn: { appId: name, version: 9n } },
              { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
              {
                metaData: {
                  id: 'x',
                  format: { provider: 'parquet', options: new Map([[name, 'x']]) },
                  schemaString: JSON.stringify({ type: 'struct', fields: FIELDS }),
                  partitionColumns: [],
                  configuration: new Map([[name, 'set']]),
                },
              },
              {
                add: {
                  path: DATA_PATH,
                  partitionValues: new Map([[name, 'x']]),
                  size: BigInt((await goodData()).length),
                  modificationTime: 1n,
                  dataChange: true,
                  tags: new Map([[name, 'y']]),
                },
              },
            ],
          ),
          // Without the commits there is no other way in.
          '_delta_log/00000000000000000000.json': null,
        },
      }),
      act: async (table: Table) => {
        const snapshot = await table.snapshot()
        const files: unknown[] = []
        for await (const file of snapshot.files()) files.push(Object.entries(file.partitionValues), Object.entries(file.tags ?? {}))
        return [
          { count: await snapshot.scan().count() },
          { txns: snapshot.positions },
          { properties: Object.entries(snapshot.properties) },
          { files },
        ]
      },
      expected: {
        rows: [
          '{count:3}',
          `{txns:Map{${JSON.stringify(name)}:9n}}`,
          `{properties:[[${JSON.stringify(name)},"set"]]}`,
          `{files:[[[${JSON.stringify(name)},"x"]],[[${JSON.stringify(name)},"y"]]]}`,
        ],
      },
    }),
  ],
]

for (const [place, make] of PLACES) hostileGroup(`as ${place}`, NAMES.map(make))

hostileGroup('as the only action of a commit', [
  ...NAMES.map(
    (name): HostileCase => ({
      name: `alone: ${name}`,
      table: async () => ({
        lines: [await usualAdd('"x":1')],
        files: { '_delta_log/00000000000000000002.json': encodeUtf8(`{${JSON.stringify(name)}:{"add":{"path":"x"}}}\n`) },
      }),
      expected: GOOD,
    }),
  ),
  {
    name: 'a metaData whose members all come from a prototype',
    table: { first: [PROTOCOL, `{"metaData":{"__proto__":${JSON.stringify(metaData()).slice('{"metaData":'.length, -1)}}}`] },
    expected: 'CORRUPT_LOG',
  },
  {
    name: 'an add whose path comes from a prototype',
    table: async () => ({
      lines: [`{"add":{"__proto__":{"path":"${DATA_PATH}"},"partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}`],
    }),
    expected: 'CORRUPT_LOG',
  },
  {
    name: 'a commit of nothing but prototypes',
    table: { lines: [commitBytes(['{"__proto__":{"__proto__":{"__proto__":{}}}}'])].map((bytes) => Buffer.from(bytes).toString().trim()) },
    expected: { rows: [] },
  },
])
