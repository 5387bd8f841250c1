// Columns in SQL form.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatColumns, parseColumns, parseType, sameType, typeName } from '../../src/schema/index.js'
import { bareStruct } from './types-arbitrary.js'

const fails = (message: RegExp) => expect.objectContaining({ code: 'INVALID_OPTIONS', message: expect.stringMatching(message) })

describe('parseColumns', () => {
  it('reads names, types and not null', () => {
    const struct = parseColumns('id long not null, name string, tags array<string>, s struct<a:int,b:string>')
    expect(typeName(struct)).toBe('struct<id:long,name:string,tags:array<string>,s:struct<a:integer,b:string>>')
    expect(struct.fields.map((field) => field.nullable)).toEqual([false, true, true, true])
  })

  it('reads the names of SQL in any case', () => {
    expect(
      typeName(
        parseColumns(
          'a BIGINT, b INT, c Smallint, d tinyint, e REAL, f double, g boolean, h binary, i date, j TIMESTAMP, k timestamp_ntz, l decimal(10, 2), m numeric, n string, o timestamp_ltz, p dec(5)',
        ),
      ),
    ).toBe(
      'struct<a:long,b:integer,c:short,d:byte,e:float,f:double,g:boolean,h:binary,i:date,j:timestamp,k:timestamp_ntz,l:decimal(10,2),m:decimal(10,0),n:string,o:timestamp,p:decimal(5,0)>',
    )
  })

  it('reads names of any kind in backticks, and nests types', () => {
    const struct = parseColumns(
      '`odd ``name``, really` map < string , array<struct<`x y`: long NOT NULL, z date>> >\n, __proto__ int, größe int',
    )
    expect(struct.fields.map((field) => field.name)).toEqual(['odd `name`, really', '__proto__', 'größe'])
    expect(typeName(struct.fields[0]!.dataType)).toBe('map<string,array<struct<x y:long,z:date>>>')
  })

  it('reads not null inside arrays and maps', () => {
    expect(parseType('array<long not null>')).toEqual({ type: 'array', elementType: { type: 'long' }, containsNull: false })
    expect(parseType('map<string, long not null>')).toMatchObject({ valueContainsNull: false })
    expect(parseType('map<string, long>')).toMatchObject({ valueContainsNull: true })
  })

  it('keeps comments', () => {
    const struct = parseColumns(`a int comment 'it''s', b int not null comment "x\\"y", c int comment 'a\\'b'`)
    expect(struct.fields.map((field) => field.metadata.comment)).toEqual(["it's", 'x"y', "a'b"])
  })

  it.each([
    ['', /column name expected/],
    ['a', /type expected/],
    ['a int,', /column name expected/],
    ['a int b int', /',' or the end/],
    ['a nosuch', /'nosuch' is no type/],
    ['a varchar(10)', /write string/],
    ['a decimal(39,1)', /precision of 1 to 38/],
    ['a decimal(5,6)', /precision of 1 to 38/],
    ['a array<int', /'>' expected/],
    ['a array int', /'<' expected/],
    ['a map<string>', /',' expected/],
    ['a struct<>', /column name expected/],
    ['a int not', /'null' expected/],
    ['a int comment', /text in 'quotes'/],
    ['`a int', /column name expected/],
    ['a int default 5', /',' or the end/],
  ])('says where %j goes wrong', (text, message) => {
    expect(() => parseColumns(text)).toThrow(fails(message))
  })

  it('refuses nesting beyond reason, and never overflows the stack', () => {
    expect(() => parseType('array<'.repeat(100_000))).toThrow(fails(/deeper than 100/))
    expect(() => parseType('struct<a:'.repeat(100_000))).toThrow(fails(/deeper than 100/))
  })
})

describe('formatColumns', () => {
  it('prints what parseColumns reads back to the same columns', () => {
    fc.assert(
      fc.property(bareStruct, (struct) => {
        expect(parseColumns(formatColumns(struct))).toEqual(struct)
      }),
    )
  })

  it('quotes what needs quotes and shows nullability and comments', () => {
    const text =
      "id long not null comment 'it\\'s', `a b` array<string not null>, s struct<`x.y`: integer not null, z: map<string, long not null>>"
    expect(formatColumns(parseColumns(text))).toBe(text)
    expect(sameType(parseColumns(text), parseColumns(formatColumns(parseColumns(text))))).toBe(true)
  })
})
