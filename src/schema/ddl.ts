// Columns and types as people write them: `id long not null, tags array<string>, s struct<a: int, b: string>`.
// One rule: what formatColumns prints, parseColumns reads back to the same columns.
import { AlluviumError } from '../errors.js'
import { jsonObject } from '../json.js'
import { MAX_TYPE_DEPTH } from './schema-json.js'
import { isValidDecimal, typeName, typeOfName } from './type-names.js'
import type { DataType, DecimalType, Field, StructType } from './types.js'

/**
 * Reads a list of columns in SQL form: names (with backticks where they are more than letters, digits and `_`), a type by its Delta
 * or SQL name, `not null`, `comment 'text'`. Inside `array<…>` and `map<…>` a type may be `not null` too.
 * @throws AlluviumError `INVALID_OPTIONS` with the place of the fault.
 *
 * @example parseColumns('id bigint not null, at timestamp, tags array<string>, `odd name` decimal(10,2)')
 */
export function parseColumns(ddl: string): StructType {
  const parser = new Parser(ddl, 'columns')
  const fields: Field[] = []
  do fields.push(parser.field(false, 0))
  while (parser.take(','))
  parser.end()
  return { type: 'struct', fields }
}

/**
 * Reads one type: `decimal(10,2)`, `map<string, array<long>>`.
 * @throws AlluviumError `INVALID_OPTIONS` with the place of the fault.
 */
export function parseType(text: string): DataType {
  const parser = new Parser(text, 'type')
  const type = parser.type(0)
  parser.end()
  return type
}

/** Columns in the form of {@link parseColumns}; of the metadata only the comment is shown. */
export function formatColumns(struct: StructType): string {
  return struct.fields.map((field) => formatField(field, ' ')).join(', ')
}

function formatField(field: Field, separator: string): string {
  const comment = Object.hasOwn(field.metadata, 'comment') ? field.metadata.comment : undefined
  const text = typeof comment === 'string' ? ` comment '${comment.replace(/[\\']/g, '\\$&')}'` : ''
  return `${quoteName(field.name)}${separator}${formatType(field.dataType)}${field.nullable ? '' : ' not null'}${text}`
}

function formatType(type: DataType): string {
  switch (type.type) {
    case 'array':
      return `array<${formatType(type.elementType)}${type.containsNull ? '' : ' not null'}>`
    case 'map':
      return `map<${formatType(type.keyType)}, ${formatType(type.valueType)}${type.valueContainsNull ? '' : ' not null'}>`
    case 'struct':
      return `struct<${type.fields.map((field) => formatField(field, ': ')).join(', ')}>`
    default:
      return typeName(type)
  }
}

function quoteName(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : `\`${name.replaceAll('`', '``')}\``
}

const NAME = /[\p{L}\p{N}_]+/uy
const QUOTED_NAME = /`((?:[^`]|``)+)`/y
const TEXT = /'((?:[^'\\]|\\[\s\S]|'')*)'|"((?:[^"\\]|\\[\s\S])*)"/y

class Parser {
  private at = 0
  private readonly text: string
  private readonly what: string
  constructor(text: string, what: string) {
    this.text = text
    this.what = what
  }

  field(nested: boolean, depth: number): Field {
    const name = this.name()
    if (nested) this.take(':')
    const dataType = this.type(depth)
    const nullable = !this.notNull()
    const metadata = jsonObject()
    if (this.word('comment')) metadata.comment = this.quotedText()
    return { name, dataType, nullable, metadata }
  }

  type(depth: number): DataType {
    if (depth > MAX_TYPE_DEPTH) throw this.fault(`types nested deeper than ${MAX_TYPE_DEPTH} levels`)
    const start = this.at
    const name = this.bare()?.toLowerCase()
    if (name === undefined) throw this.fault('a type expected, such as long, string or array<string>')
    if (name === 'array' || name === 'map' || name === 'struct') return this.nestedType(name, depth)
    if (name === 'decimal' || name === 'dec' || name === 'numeric') return this.decimal()
    const type = typeOfName(name)
    if (type !== undefined) return type
    this.at = start
    const advice = /^(var)?char$|^text$/.test(name) ? '; write string' : ''
    throw this.fault(`'${name}' is no type${advice}`)
  }

  take(char: string): boolean {
    this.space()
    if (this.text[this.at] !== char) return false
    this.at++
    return true
  }

  end(): void {
    this.space()
    if (this.at < this.text.length) throw this.fault(`',' or the end expected`)
  }

  private nestedType(name: 'array' | 'map' | 'struct', depth: number): DataType {
    this.need('<')
    const type = name === 'array' ? this.array(depth) : name === 'map' ? this.map(depth) : this.struct(depth)
    this.need('>')
    return type
  }

  private array(depth: number): DataType {
    return { type: 'array', elementType: this.type(depth + 1), containsNull: !this.notNull() }
  }

  private map(depth: number): DataType {
    const keyType = this.type(depth + 1)
    this.notNull()
    this.need(',')
    return { type: 'map', keyType, valueType: this.type(depth + 1), valueContainsNull: !this.notNull() }
  }

  private struct(depth: number): StructType {
    const fields: Field[] = []
    do fields.push(this.field(true, depth + 1))
    while (this.take(','))
    return { type: 'struct', fields }
  }

  private decimal(): DecimalType {
    const start = this.at
    if (!this.take('(')) return { type: 'decimal', precision: 10, scale: 0 }
    const precision = Number(this.bare() ?? Number.NaN)
    const scale = this.take(',') ? Number(this.bare() ?? Number.NaN) : 0
    this.need(')')
    if (!isValidDecimal(precision, scale)) {
      this.at = start
      throw this.fault('a decimal needs a precision of 1 to 38 and a scale of 0 to the precision')
    }
    return { type: 'decimal', precision, scale }
  }

  private name(): string {
    this.space()
    const quoted = this.match(QUOTED_NAME)
    if (quoted !== undefined) return (quoted[1] as string).replaceAll('``', '`')
    const bare = this.bare()
    if (bare === undefined) throw this.fault('a column name expected (names with other characters in `backticks`)')
    return bare
  }

  private notNull(): boolean {
    if (this.word('null')) return false
    if (!this.word('not')) return false
    if (!this.word('null')) throw this.fault("'null' expected after 'not'")
    return true
  }

  private quotedText(): string {
    this.space()
    const match = this.match(TEXT)
    if (match === undefined) throw this.fault("a text in 'quotes' expected after comment")
    if (match[2] !== undefined) return withoutEscapes(match[2])
    return withoutEscapes((match[1] as string).replace(/\\[\s\S]|''/g, (pair) => (pair === "''" ? "'" : pair)))
  }

  private word(word: string): boolean {
    const start = this.at
    if (this.bare()?.toLowerCase() === word) return true
    this.at = start
    return false
  }

  private bare(): string | undefined {
    this.space()
    return this.match(NAME)?.[0]
  }

  private match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at
    const match = pattern.exec(this.text)
    if (match === null) return undefined
    this.at = pattern.lastIndex
    return match
  }

  private need(char: string): void {
    if (!this.take(char)) throw this.fault(`'${char}' expected`)
  }

  private space(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++
  }

  private fault(problem: string): AlluviumError {
    const near = this.text.slice(this.at, this.at + 30)
    const place = near === '' ? 'at the end' : `at character ${this.at + 1}, '${near}'`
    return new AlluviumError('INVALID_OPTIONS', `malformed ${this.what}: ${problem}, ${place}`, { offset: this.at })
  }
}

function withoutEscapes(text: string): string {
  return text.replace(/\\([\s\S])/g, '$1')
}
