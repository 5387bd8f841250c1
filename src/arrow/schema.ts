// Schemas whose cost is linear in their columns. apache-arrow merges a batch's schema with itself whenever a batch is made,
// looking for each column by its name: 100,000 columns would take many seconds. It does so through the schema's own method.
import { type Field, Schema } from 'apache-arrow'

/** A schema of these fields, with which batches are made in linear time. */
export function schemaOf(fields: readonly Field[], metadata?: Map<string, string>): Schema {
  return new LinearSchema([...fields], metadata)
}

/** The same schema, linear. */
export function asLinear(schema: Schema): Schema {
  return schema instanceof LinearSchema
    ? schema
    : new LinearSchema(schema.fields, schema.metadata, schema.dictionaries, schema.metadataVersion)
}

/** The place of each name among fields; of a name that is there twice the first. */
export function placesOf(fields: readonly { readonly name: string }[]): ReadonlyMap<string, number> {
  const places = new Map<string, number>()
  for (const [place, { name }] of fields.entries()) if (!places.has(name)) places.set(name, place)
  return places
}

class LinearSchema extends Schema {}

const merge = Schema.prototype.assign as (this: Schema, ...args: readonly unknown[]) => Schema

// Batches give fields that are those of the schema, one by one, some of them made nullable.
function assign(this: Schema, ...args: readonly unknown[]): Schema {
  const [given] = args
  const fields = (given instanceof Schema ? given.fields : Array.isArray(given) ? given : args) as readonly Field[]
  const isSame = fields.length === this.fields.length && fields.every((field, i) => field.name === this.fields[i]?.name)
  if (!isSame) return asLinear(merge.apply(this, [...args]))
  if (!(given instanceof Schema) && fields.every((field, i) => field === this.fields[i])) return this
  const metadata = given instanceof Schema ? new Map([...this.metadata, ...given.metadata]) : this.metadata
  const merged = fields.map((field, i) => {
    const own = this.fields[i] as Field
    return field === own ? own : field.clone({ metadata: new Map([...own.metadata, ...field.metadata]) })
  })
  return new LinearSchema(merged, metadata, undefined, this.metadataVersion)
}

Object.defineProperty(LinearSchema.prototype, 'assign', { value: assign })
