// Any JavaScript value as short text for a message. Never throws, never calls what a value brings along.

const MAX_LENGTH = 80

/** A value as it may stand in a message: at most about 80 characters, control characters escaped. */
export function printValue(value: unknown): string {
  try {
    return shorten(print(value, 0))
  } catch {
    // A proxy may refuse to be looked at.
    return `[${typeof value}]`
  }
}

/** What kind of value it is, for "expected …, got …". */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (value instanceof Date) return 'a Date'
  if (value instanceof Map) return 'a Map'
  if (ArrayBuffer.isView(value)) return 'binary data'
  switch (typeof value) {
    case 'object':
      return 'an object'
    case 'undefined':
      return 'undefined'
    default:
      return `a ${typeof value}`
  }
}

function print(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > MAX_LENGTH * 2 ? value.slice(0, MAX_LENGTH * 2) : value)
    case 'bigint':
      return `${value}`
    case 'number':
      return Object.is(value, -0) ? '-0' : `${value}`
    case 'function':
      return '[function]'
    case 'symbol':
      return '[symbol]'
    case 'object':
      return value === null ? 'null' : printObject(value, depth)
    default:
      return `${value}`
  }
}

function printObject(value: object, depth: number): string {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (value instanceof Map) return `[Map of ${value.size}]`
  if (depth >= 2) return Array.isArray(value) ? '[…]' : '{…}'
  if (Array.isArray(value)) return `[${value.slice(0, 8).map((item) => print(item, depth + 1))}${value.length > 8 ? ',…' : ''}]`
  const parts: string[] = []
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(value)).slice(0, 8)) {
    parts.push(`${JSON.stringify(name)}:${'value' in descriptor ? print(descriptor.value, depth + 1) : '[getter]'}`)
  }
  return `{${parts.join(',')}}`
}

function shorten(text: string): string {
  if (text.length <= MAX_LENGTH) return text
  const end = isHighSurrogate(text.charCodeAt(MAX_LENGTH - 1)) ? MAX_LENGTH - 1 : MAX_LENGTH
  return `${text.slice(0, end)}…`
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff
}
