"""DuckDB with its delta extension (on delta-kernel-rs); the extension comes from the package duckdb-extension-delta."""
import os, sys
sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "python")   # this folder would hide the package of the same name
import base64, datetime, decimal
import duckdb
import duckdb_extension_delta
import pyarrow as pa
from protocol import canonical
from protocol.serve import logged_schema, needs, select_list, serve, where_clause

EXTENSION = os.path.join(os.path.dirname(duckdb_extension_delta.__file__), "extensions", f"v{duckdb.__version__}", "delta.duckdb_extension")
database = None


def connection():
    global database
    if database is None:
        database = duckdb.connect(config={"autoinstall_known_extensions": "false", "threads": "2"})
        database.execute(f"LOAD '{EXTENSION}'")
        database.execute("SET GLOBAL TimeZone = 'UTC'")
        database.execute("SET GLOBAL arrow_lossless_conversion = true")
    return database.cursor()


def guarded(operation):
    """An internal error invalidates the whole database: the next request opens another."""
    def call(request):
        global database
        try:
            return operation(request)
        except (duckdb.InternalException, duckdb.FatalException):
            database = None
            raise
    return call


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def read(request):
    needs(request, "timestamp")
    version = request.get("version")
    scan = f"delta_scan({quoted(request['path'])}{'' if version is None else f', version := {int(version)}'})"
    query = f"SELECT {select_list(request)} FROM {scan}{where_clause(request)}"
    db = connection()
    types = db.execute(f"{query} LIMIT 0").description
    if any("VARIANT" in str(t[1]) for t in types):      # no Arrow form; Python objects instead
        names = [t[0] for t in types]
        lines = db.execute(query).fetchall()
        return {"rows": [dict(zip(names, map(plain, line))) for line in lines]}
    return db.execute(query).to_arrow_table(), logged_schema(request["path"], version)


def plain(v):
    if isinstance(v, bool) or v is None or isinstance(v, str):
        return v
    if isinstance(v, int):
        return canonical.whole(v)
    if isinstance(v, float):
        return canonical.real(v)
    if isinstance(v, decimal.Decimal):
        return format(v, "f")
    if isinstance(v, (bytes, bytearray)):
        return base64.b64encode(v).decode()
    if isinstance(v, datetime.date) and not isinstance(v, datetime.datetime):
        return v.isoformat()
    if isinstance(v, dict):
        return {k: plain(v[k]) for k in sorted(v)}
    if isinstance(v, (list, tuple)):
        return [plain(x) for x in v]
    raise TypeError(f"no canonical form for {type(v).__name__}")


def append(request):
    needs(request, "txn")
    db = connection()
    rows = canonical.to_arrow(request["rows"], logged_schema(request["path"]))
    db.execute(f"ATTACH {quoted(request['path'])} AS target (TYPE delta)")
    try:
        db.register("incoming", rows)
        db.execute("INSERT INTO target SELECT * FROM incoming")
    finally:
        db.execute("DETACH target")


if __name__ == "__main__":
    serve("duckdb", duckdb.__version__, {"read": guarded(read), "append": guarded(append)})
