"""ClickHouse in the process (chdb), table function deltaLakeLocal (on delta-kernel-rs)."""
import os, sys
sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "python")   # this folder would hide the package of the same name
import io
import pyarrow as pa
from chdb import session
from protocol.serve import logged_schema, needs, select_list, serve

os.chdir("/")                                          # it reads only below the folder it is started in
database = session.Session()
SETTINGS = {"session_timezone": "'UTC'", "output_format_arrow_string_as_string": 0, "output_format_arrow_low_cardinality_as_dictionary": 0}


def select(request, settings):
    path = request["path"].replace("\\", "\\\\").replace("'", "\\'")
    where = f" WHERE {request['where']}" if request.get("where") else ""
    all_settings = ", ".join(f"{k} = {v}" for k, v in {**SETTINGS, **settings}.items())
    query = f"SELECT {select_list(request, '`')} FROM deltaLakeLocal('{path}'){where} SETTINGS {all_settings}"
    try:
        raw = database.query(query, "ArrowStream").bytes()
    except Exception:
        try:
            database.query("SELECT 1", "ArrowStream")  # what a failed query wrote comes out with the next answer
        except Exception:
            pass
        raise
    return pa.ipc.open_stream(io.BytesIO(raw)).read_all(), logged_schema(request["path"], request.get("version"))


def read(request):
    needs(request, "timestamp")
    version = request.get("version")
    return select(request, {} if version is None else {"delta_lake_snapshot_version": int(version)})


def changes(request):
    table, schema = select(request, {"delta_lake_snapshot_start_version": request["from"], "delta_lake_snapshot_end_version": request["to"]})
    fields = schema["fields"] + [{"name": "_change_type", "type": "string"}]
    return table, {**schema, "fields": fields}


if __name__ == "__main__":
    serve("chdb", database.query("SELECT version()", "TSV").data().strip(), {"read": read, "changes": changes})
