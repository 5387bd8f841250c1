"""Canonical rows to and from Arrow (the form is in spec/README.md).

    to_rows(table, schema=None)   Arrow table -> list of dicts that `json.dumps` prints in canonical form
    to_arrow(rows, schema)        canonical rows and a Delta schema (parsed JSON) -> Arrow table
    to_python(rows, schema)       the same as lists of Python values, one list a row

With `schema` (a Delta schema) what an engine's Arrow types leave open is settled: text or binary, with zone or without.
"""
import base64, datetime, decimal, json, math
import pyarrow as pa

EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
SAFE = 2**53 - 1
MICROS_PER = {"s": 1_000_000, "ms": 1_000, "us": 1}
WIDE = decimal.Context(prec=100)


# ---------------------------------------------------------------- from Arrow
def to_rows(table, schema=None):
    fields = {f["name"].lower(): f["type"] for f in (schema or {}).get("fields", [])}
    columns = [values(table.column(i).combine_chunks(), fields.get(name.lower())) for i, name in enumerate(table.column_names)]
    return [dict(zip(table.column_names, row)) for row in zip(*columns)] if columns else [{} for _ in range(table.num_rows)]


def values(array, delta=None):
    """Canonical values of an Arrow array."""
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    kind = array.type
    if pa.types.is_dictionary(kind):
        return values(array.dictionary_decode(), delta)
    if delta == "variant" and pa.types.is_struct(kind):
        return [None if v is None else variant(v["metadata"], v["value"]) for v in array.to_pylist()]
    if pa.types.is_struct(kind):
        return structs(array, delta)
    if pa.types.is_map(kind):
        key, value = (delta["keyType"], delta["valueType"]) if isinstance(delta, dict) else (None, None)
        keys, items = values(array.keys, key), values(array.items, value)
        return spans(array, lambda a, b: sorted(([k, v] for k, v in zip(keys[a:b], items[a:b])), key=lambda e: json.dumps(e[0], ensure_ascii=False)))
    if any(is_list(kind) for is_list in (pa.types.is_list, pa.types.is_large_list)):
        elements = values(array.values, delta["elementType"] if isinstance(delta, dict) else None)
        return spans(array, lambda a, b: elements[a:b])
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        return values(array.cast(pa.list_(kind.value_type)), delta)
    one = scalar(kind, delta)
    if pa.types.is_date32(kind):
        array = array.cast(pa.int32())
    elif pa.types.is_date64(kind) or pa.types.is_timestamp(kind):
        array = array.cast(pa.int64())
    return [None if v is None else one(v) for v in array.to_pylist()]


def structs(array, delta):
    types = {f["name"].lower(): f["type"] for f in delta["fields"]} if isinstance(delta, dict) else {}
    names = [array.type.field(i).name for i in range(array.type.num_fields)]
    children = [values(array.field(i), types.get(name.lower())) for i, name in enumerate(names)]
    present = array.is_valid().to_pylist()
    return [{n: c[row] for n, c in zip(names, children)} if there else None for row, there in enumerate(present)]


def spans(array, build):
    offsets, present = array.offsets.to_pylist(), array.is_valid().to_pylist()
    return [build(offsets[i], offsets[i + 1]) if there else None for i, there in enumerate(present)]


def scalar(kind, delta):
    """How one value that is not null is printed."""
    t = pa.types
    if t.is_null(kind):
        return lambda v: None
    if t.is_boolean(kind):
        return lambda v: v
    if t.is_integer(kind):
        return (lambda v: bool(v)) if delta == "boolean" else whole
    if t.is_floating(kind):
        return real
    if t.is_decimal(kind):
        return lambda v: places(v, kind.scale)
    if t.is_date32(kind):
        return day_text
    if t.is_date64(kind):
        return lambda ms: day_text(ms // 86_400_000)
    if t.is_timestamp(kind):
        zone = delta == "timestamp" if delta in ("timestamp", "timestamp_ntz") else kind.tz is not None
        micros = (lambda v: v // 1000) if kind.unit == "ns" else (lambda v: v * MICROS_PER[kind.unit])
        return lambda v: time_text(micros(v), zone)
    if t.is_string(kind) or t.is_large_string(kind) or t.is_string_view(kind):
        return (lambda v: base64.b64encode(v.encode()).decode()) if delta == "binary" else (lambda v: v)
    if t.is_binary(kind) or t.is_large_binary(kind) or t.is_binary_view(kind) or t.is_fixed_size_binary(kind):
        return (lambda v: v.decode()) if delta == "string" else (lambda v: base64.b64encode(v).decode())
    raise TypeError(f"no canonical form for the Arrow type {kind}")


def whole(v):
    return v if -SAFE <= v <= SAFE else str(v)


def real(v):
    if math.isnan(v):
        return "NaN"
    if math.isinf(v):
        return "Infinity" if v > 0 else "-Infinity"
    return int(v) if v == int(v) and abs(v) <= SAFE else float(v)


def places(v, scale):
    return format(v.quantize(decimal.Decimal(1).scaleb(-scale), context=WIDE), "f")


def day_text(days):
    """Proleptic Gregorian; a year outside 0..9999 has a sign and six digits."""
    eras, day = divmod(days + 719_468, 146_097)
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    of_year = day - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    date = of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    year += eras * 400 + (1 if month <= 2 else 0)
    head = f"{year:04d}" if 0 <= year <= 9999 else f"{'+' if year > 0 else '-'}{abs(year):06d}"
    return f"{head}-{month:02d}-{date:02d}"


def time_text(micros, zone):
    days, rest = divmod(micros, 86_400_000_000)
    seconds, micros = divmod(rest, 1_000_000)
    return f"{day_text(days)}T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{micros:06d}{'Z' if zone else ''}"


# ---------------------------------------------------------------- variants (Parquet's binary encoding, not shredded)
def variant(metadata, value):
    width = (metadata[0] >> 6) + 1
    number = lambda data, at, size: int.from_bytes(data[at:at + size], "little")
    count = number(metadata, 1, width)
    ends = [number(metadata, 1 + width * (i + 1), width) for i in range(count + 1)]
    texts = 1 + width * (count + 2)
    names = [metadata[texts + ends[i]:texts + ends[i + 1]].decode() for i in range(count)]

    def at(p):
        basic, header = value[p] & 3, value[p] >> 2
        if basic == 1:
            return value[p + 1:p + 1 + header].decode()
        if basic == 0:
            return primitive(header, value, p + 1)
        size_of_offset = (header & 3) + 1
        size_of_id = (header >> 2 & 3) + 1 if basic == 2 else 0
        size_of_count = 4 if header >> (4 if basic == 2 else 2) & 1 else 1
        n = number(value, p + 1, size_of_count)
        ids = p + 1 + size_of_count
        offsets = ids + n * size_of_id
        data = offsets + (n + 1) * size_of_offset
        items = [at(data + number(value, offsets + i * size_of_offset, size_of_offset)) for i in range(n)]
        if basic == 3:
            return items
        keys = [names[number(value, ids + i * size_of_id, size_of_id)] for i in range(n)]
        return {k: v for k, v in sorted(zip(keys, items), key=lambda e: e[0])}

    return at(0)


def primitive(kind, data, p):
    import struct
    number = lambda at, size: int.from_bytes(data[at:at + size], "little", signed=True)
    if kind <= 2:
        return (None, True, False)[kind]
    if kind <= 6:
        return whole(number(p, 2 ** (kind - 3)))
    if kind == 7:
        return real(struct.unpack_from("<d", data, p)[0])
    if kind == 14:
        return real(struct.unpack_from("<f", data, p)[0])
    if kind in (8, 9, 10):
        return places(decimal.Decimal(number(p + 1, {8: 4, 9: 8, 10: 16}[kind])).scaleb(-data[p], context=WIDE), data[p])
    if kind == 11:
        return day_text(number(p, 4))
    if kind in (12, 13):
        return time_text(number(p, 8), kind == 12)
    if kind in (15, 16):
        raw = bytes(data[p + 4:p + 4 + number(p, 4)])
        return base64.b64encode(raw).decode() if kind == 15 else raw.decode()
    raise TypeError(f"variant of primitive type {kind}")


# ---------------------------------------------------------------- to Arrow
def arrow_type(delta):
    if isinstance(delta, dict):
        if delta["type"] == "struct":
            return pa.struct([arrow_field(f) for f in delta["fields"]])
        if delta["type"] == "array":
            return pa.list_(pa.field("element", arrow_type(delta["elementType"]), delta.get("containsNull", True)))
        return pa.map_(arrow_type(delta["keyType"]), pa.field("value", arrow_type(delta["valueType"]), delta.get("valueContainsNull", True)))
    if delta.startswith("decimal"):
        return pa.decimal128(*(int(n) for n in delta[8:-1].split(",")))
    return {"byte": pa.int8(), "short": pa.int16(), "integer": pa.int32(), "long": pa.int64(), "float": pa.float32(), "double": pa.float64(),
            "string": pa.string(), "binary": pa.binary(), "boolean": pa.bool_(), "date": pa.date32(), "timestamp": pa.timestamp("us", "UTC"),
            "timestamp_ntz": pa.timestamp("us")}[delta]


def arrow_field(field):
    return pa.field(field["name"], arrow_type(field["type"]), field.get("nullable", True))


def arrow_schema(delta):
    return pa.schema([arrow_field(f) for f in delta["fields"]])


def to_python(rows, schema):
    unknown = sorted({name for row in rows for name in row} - {f["name"] for f in schema["fields"]})
    if unknown:
        raise ValueError(f"columns that the table does not have: {', '.join(unknown)}")
    return [[python_value(row.get(f["name"]), f["type"]) for f in schema["fields"]] for row in rows]


def to_arrow(rows, schema):
    lines = to_python(rows, schema)
    arrow = arrow_schema(schema)
    return pa.Table.from_arrays([pa.array([line[i] for line in lines], field.type) for i, field in enumerate(arrow)], schema=arrow)


def python_value(v, delta):
    if v is None:
        return None
    if isinstance(delta, dict):
        if delta["type"] == "struct":
            return {f["name"]: python_value(v.get(f["name"]), f["type"]) for f in delta["fields"]}
        if delta["type"] == "array":
            return [python_value(x, delta["elementType"]) for x in v]
        return [(python_value(k, delta["keyType"]), python_value(x, delta["valueType"])) for k, x in v]
    if delta.startswith("decimal"):
        return decimal.Decimal(v)
    if delta in ("byte", "short", "integer", "long"):
        return int(v) if isinstance(v, str) else v
    if delta in ("float", "double"):
        return float(v)
    if delta == "binary":
        return base64.b64decode(v)
    if delta == "date":
        return datetime.date.fromisoformat(v)
    if delta == "timestamp":
        return datetime.datetime.fromisoformat(v.replace("Z", "+00:00"))
    if delta == "timestamp_ntz":
        return datetime.datetime.fromisoformat(v)
    return v
