// What was seen in one column of a sample, and the type that holds all of it. One rule: the answer depends on the sample
// alone, not on its order, and a type is chosen only where it keeps every value; what cannot be kept is said.
import { jsonObject } from '../json.js'
import type { DataType, Field, StructType } from '../schema/types.js'
import { printText } from './faults.js'
import { joinPath } from './object-reader.js'

/** Kinds of values that no type but text can hold together. */
export type Kind = 'boolean' | 'number' | 'string' | 'object' | 'array'

/** More members than this look like a map whose keys are data. */
const MANY_MEMBERS = 200

/** What a sample says about types: filled by the walks over JSON and CSV. */
export class Observed {
  /** The record (line) in which each kind was first seen. */
  readonly firstLine: Map<Kind, number> = new Map()
  /** Members of objects, in the order in which they were first seen. */
  readonly members: Map<string, Observed> = new Map()
  element: Observed | undefined = undefined
  /** Numbers with a point or an exponent. */
  fractions = false
  /** Whole numbers that a double does not hold exactly. */
  beyondDouble = false
  /** Digits of the longest whole number beyond 64 bits, 0 where there is none. */
  bigDigits = 0
  strings = 0
  dates = 0
  timestamps = 0
  /** Timestamps without a zone. */
  localTimestamps = 0

  see(kind: Kind, line: number): void {
    if (!this.firstLine.has(kind)) this.firstLine.set(kind, line)
  }

  member(name: string): Observed {
    let member = this.members.get(name)
    if (member === undefined) {
      member = new Observed()
      this.members.set(name, member)
    }
    return member
  }
}

/** From observations to types; collects what people should know and what makes a schema impossible. */
export class TypeChooser {
  readonly notes: string[] = []
  readonly faults: string[] = []
  private readonly mixedAsText: boolean

  /** With `mixedAsText` columns of several kinds are strings (the decoder reads any value as text then); without, faults. */
  constructor(mixedAsText: boolean) {
    this.mixedAsText = mixedAsText
  }

  struct(observed: Observed, path: string): StructType {
    const lower = new Map<string, string>()
    const fields: Field[] = []
    for (const [name, member] of observed.members) {
      const twin = lower.get(name.toLowerCase())
      if (twin !== undefined) this.faults.push(`columns ${quoted(joinPath(path, twin))} and ${quoted(name)} differ only in case`)
      lower.set(name.toLowerCase(), name)
      fields.push({ name, dataType: this.type(member, joinPath(path, name)), nullable: true, metadata: jsonObject() })
    }
    if (fields.length > MANY_MEMBERS && path !== '')
      this.note(path, `has ${fields.length} members: if their names are data, give the column a map type`)
    return { type: 'struct', fields }
  }

  private type(observed: Observed, path: string): DataType {
    const kinds = [...observed.firstLine.keys()]
    if (kinds.length > 1) return this.mixed(observed, path)
    switch (kinds[0]) {
      case 'boolean':
        return { type: 'boolean' }
      case 'number':
        return this.number(observed, path)
      case 'string':
        return this.string(observed, path)
      case 'array':
        return { type: 'array', elementType: this.type(observed.element ?? new Observed(), `${path}.element`), containsNull: true }
      case 'object':
        return this.object(observed, path)
      default:
        this.note(path, 'holds only nulls: taken as string')
        return { type: 'string' }
    }
  }

  private number(observed: Observed, path: string): DataType {
    if (observed.fractions) {
      if (observed.beyondDouble)
        this.note(path, 'mixes fractions with whole numbers beyond 2^53, which double rounds: give it a decimal type to keep them exact')
      return { type: 'double' }
    }
    if (observed.bigDigits === 0) return { type: 'long' }
    if (observed.bigDigits <= 38) return { type: 'decimal', precision: 38, scale: 0 }
    if (this.mixedAsText) return { type: 'string' }
    this.faults.push(`column ${quoted(path)} has a whole number of ${observed.bigDigits} digits, which no type holds exactly`)
    return { type: 'string' }
  }

  private string(observed: Observed, path: string): DataType {
    const { strings, dates, timestamps, localTimestamps } = observed
    if (timestamps === strings) return { type: 'timestamp' }
    if (dates === strings) return { type: 'date' }
    if (localTimestamps === strings)
      this.note(path, 'has timestamps without a zone: taken as string; timestamp_ntz would keep them as such')
    else if (dates + timestamps + localTimestamps === strings) this.note(path, 'mixes forms of dates and timestamps: taken as string')
    return { type: 'string' }
  }

  private object(observed: Observed, path: string): DataType {
    if (observed.members.size > 0) return this.struct(observed, path)
    this.note(path, 'holds only empty objects: taken as a map of strings')
    return { type: 'map', keyType: { type: 'string' }, valueType: { type: 'string' }, valueContainsNull: true }
  }

  private mixed(observed: Observed, path: string): DataType {
    const seen = [...observed.firstLine].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, line]) => `${kind} (first in line ${line})`)
    const text = `mixes ${seen.slice(0, -1).join(', ')} and ${seen.at(-1)}`
    if (this.mixedAsText) this.note(path, `${text}: taken as string`)
    else this.faults.push(`column ${quoted(path)} ${text}`)
    return { type: 'string' }
  }

  private note(path: string, text: string): void {
    this.notes.push(`column ${quoted(path)} ${text}`)
  }
}

function quoted(path: string): string {
  return `\`${printText(path)}\``
}
