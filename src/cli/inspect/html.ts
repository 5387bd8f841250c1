// HTML with every value escaped. Rule: text becomes markup only through the template below; what comes from a table is a value in it,
// never a part of it. There is no way around but `Markup`, which only this file makes.

/** Markup that is safe as it is. */
export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Value = string | number | bigint | Markup | undefined | false | readonly Value[]

/**
 * Makes markup of a template; values are escaped, markup and lists of it are taken as they are, `undefined` and `false` are nothing.
 * The template itself is ours: attributes are always in double quotes in it.
 *
 * @example html`<td title="${path}">${path}</td>`
 */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(parts.reduce((text, part, at) => text + part + (at < values.length ? rendered(values[at]) : ''), ''))
}

function rendered(value: Value): string {
  if (value === undefined || value === false) return ''
  if (value instanceof Markup) return value.text
  if (Array.isArray(value)) return value.map(rendered).join('')
  return escaped(String(value))
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;', '`': '&#96;' }

/**
 * Text for content and for attributes in quotes. Control characters, and those that turn the direction of text around, are shown as
 * what they are: a name must not look like another.
 */
export function escaped(text: string): string {
  return text
    .replace(
      /[\p{Cc}\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff]|\p{Cs}/gu,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
    .replace(/[&<>"'`]/g, (c) => ENTITIES[c] as string)
}

/** Text of at most so many characters. */
export function shortened(text: string, most: number): string {
  const characters = [...text.slice(0, most * 2 + 2)]
  return characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : text
}
