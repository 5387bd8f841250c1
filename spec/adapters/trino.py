"""Trino with its own Delta Lake connector. The server is not started here: ALLUVIUM_TRINO_URL is where it listens, and
ALLUVIUM_TRINO_ROOT the folder that its `delta` catalog has as local:/// (the system's folder for temporary files, where the suite
puts its tables). It needs delta.register-table-procedure.enabled=true and a schema `s`."""
import os, sys
sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "python")
import base64, json, re, struct, urllib.request
from protocol import canonical
from protocol.serve import logged_schema, needs, serve

URL = os.environ["ALLUVIUM_TRINO_URL"].rstrip("/")
ROOT = os.environ.get("ALLUVIUM_TRINO_ROOT", "/tmp").rstrip("/")
HEADERS = {"X-Trino-User": "alluvium", "X-Trino-Catalog": "delta", "X-Trino-Schema": "s", "X-Trino-Time-Zone": "UTC",
           "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME"}
registered = 0


class TrinoError(Exception):
    """What the server says went wrong."""


def query(sql):
    """The columns and the rows of a statement, as its protocol has them."""
    answer = json.load(urllib.request.urlopen(urllib.request.Request(URL + "/v1/statement", sql.encode(), HEADERS)))
    columns, lines = [], []
    while True:
        if answer.get("error"):
            raise TrinoError(f"{answer['error']['errorName']}: {answer['error']['message']}")
        columns = answer.get("columns") or columns
        lines += answer.get("data") or []
        if "nextUri" not in answer:
            return columns, lines
        answer = json.load(urllib.request.urlopen(answer["nextUri"]))


def on_table(request, work):
    """Makes the table known under a name of its own as long as it is read."""
    global registered
    registered += 1
    name = f"t{os.getpid()}_{registered}"
    path = os.path.relpath(request["path"], ROOT)
    query(f"CALL system.register_table('s', '{name}', 'local:///{quoted(path)}')")
    try:
        return work(name)
    finally:
        query(f"CALL system.unregister_table('s', '{name}')")


def quoted(text):
    return text.replace("'", "''")


def where_clause(request):
    text = request.get("where")
    return "" if not text else " WHERE " + re.sub(r"TIMESTAMP '([^']*)Z'", r"TIMESTAMP '\1 UTC'", text)


def read(request):
    select = "*"
    if request.get("columns") is not None:
        select = ", ".join('"' + c.replace('"', '""') + '"' for c in request["columns"])
    version, at = request.get("version"), request.get("timestamp")
    when = f" FOR VERSION AS OF {int(version)}" if version is not None else ""
    if at:
        when = f" FOR TIMESTAMP AS OF TIMESTAMP '{at.replace('T', ' ').replace('Z', ' UTC')}'"
    found = on_table(request, lambda name: query(f"SELECT {select} FROM {name}{when}{where_clause(request)}"))
    return {"rows": to_rows(*found, logged_schema(request["path"], version))}


def changes(request):
    last = int(request["to"])
    def work(name):
        since = "" if request["from"] == 0 else f", since_version => {int(request['from']) - 1}"
        return query(f"SELECT * FROM TABLE(system.table_changes(schema_name => 's', table_name => '{name}'{since})) WHERE _commit_version <= {last}")
    schema = logged_schema(request["path"], last)
    rows = to_rows(*on_table(request, work), schema)
    return {"rows": [{k: v for k, v in row.items() if k != "_commit_timestamp"} for row in rows]}


def to_rows(columns, lines, schema):
    fields = {f["name"].lower(): f for f in (schema or {}).get("fields", [])}
    readers = []
    for column in columns:
        field = fields.get(column["name"].lower(), {"name": column["name"], "type": None})
        readers.append((field["name"], reader(column["typeSignature"], field["type"])))
    return [{name: read(v) for (name, read), v in zip(readers, line)} for line in lines]


def reader(signature, delta):
    """How a JSON value of a type of Trino becomes a canonical one. Names of fields, which it writes in lower case, are Delta's."""
    one = present(signature, delta)
    return lambda v: None if v is None else one(v)


def present(signature, delta):
    kind, inner = signature["rawType"], [a["value"] for a in signature["arguments"]]
    part = lambda name: delta.get(name) if isinstance(delta, dict) else None
    if delta == "variant":
        return lambda v: variant(json.loads(v))
    if kind == "array":
        element = reader(inner[0], part("elementType"))
        return lambda v: [element(x) for x in v]
    if kind == "map":
        key, value = reader(inner[0], part("keyType")), reader(inner[1], part("valueType"))
        return lambda v: sorted(([key(of_key(k, inner[0]["rawType"])), value(x)] for k, x in v.items()), key=lambda e: json.dumps(e[0], ensure_ascii=False))
    if kind == "row":
        fields = part("fields") or [{"name": f["fieldName"]["name"], "type": None} for f in inner]
        readers = [(f["name"], reader(i["typeSignature"], f["type"])) for f, i in zip(fields, inner)]
        return lambda v: {name: read(x) for (name, read), x in zip(readers, v)}
    if kind == "bigint":
        return canonical.whole
    if kind == "real":
        return lambda v: canonical.real(struct.unpack("f", struct.pack("f", float(v)))[0])
    if kind == "double":
        return lambda v: canonical.real(float(v))
    if kind.startswith("timestamp"):
        return lambda v: instant(v, "with time zone" in kind)
    return lambda v: v                                 # texts, decimals, dates, base64, whole numbers, truth


def of_key(text, kind):
    """Keys of maps are texts in JSON."""
    if kind in ("tinyint", "smallint", "integer", "bigint"):
        return int(text)
    return text == "true" if kind == "boolean" else text


def instant(text, zoned):
    day, time = text.removesuffix(" UTC").split(" ")
    seconds, _, fraction = time.partition(".")
    return f"{day}T{seconds}.{fraction[:6].ljust(6, '0')}{'Z' if zoned else ''}"


def variant(v):
    if isinstance(v, dict):
        return {k: variant(v[k]) for k in sorted(v)}
    if isinstance(v, list):
        return [variant(x) for x in v]
    return f"{v}" if isinstance(v, float) else v       # decimals are texts in canonical form


if __name__ == "__main__":
    [[version]] = query("SELECT version()")[1]
    serve("trino", version, {"read": read, "changes": changes})
