"""deltalake (delta-rs): reads and writes through its own Rust reader and writer."""
import os, sys
sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "python")   # this folder would hide the package of the same name
import json
import deltalake
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, QueryBuilder, Schema, Transaction, write_deltalake
from protocol import canonical
from protocol.serve import needs, select_list, serve, where_clause


def read(request):
    table = DeltaTable(request["path"], version=request.get("version"))
    if request.get("timestamp"):
        table.load_as_version(request["timestamp"])
    query = f"SELECT {select_list(request)} FROM t{where_clause(request)}"
    return pa.table(QueryBuilder().register("t", table).execute(query)), schema_of(table)


def schema_of(table):
    return json.loads(table.schema().to_json())


def info(request):
    table = DeltaTable(request["path"])
    return {"version": table.version(), "numFiles": len(table.file_uris())}


def changes(request):
    table = DeltaTable(request["path"])
    return pa.table(table.load_cdf(starting_version=request["from"], ending_version=request["to"])), schema_of(table)


def create(request):
    DeltaTable.create(request["path"], Schema.from_json(json.dumps(request["schema"])), partition_by=request.get("partitionBy") or None,
                      configuration=request.get("properties") or None)


def write(mode):
    def operation(request):
        table = DeltaTable(request["path"])
        txn = request.get("txn")
        if txn is not None:
            recorded = table.transaction_version(txn["appId"])
            if recorded is not None and recorded >= txn["version"]:
                return {"version": table.version(), "skipped": True}
        rows = canonical.to_arrow(request["rows"], schema_of(table))
        properties = CommitProperties(app_transactions=[Transaction(txn["appId"], txn["version"])]) if txn else None
        write_deltalake(table, rows, mode=mode, commit_properties=properties)
        return {"version": DeltaTable(request["path"]).version()}
    return operation


def set_properties(request):
    needs({"unset": request.get("unset") or None}, "unset")
    DeltaTable(request["path"]).alter.set_table_properties(request["set"])


if __name__ == "__main__":
    serve("deltalake", deltalake.__version__, {"read": read, "info": info, "changes": changes, "create": create, "append": write("append"),
                                               "overwrite": write("overwrite"), "setProperties": set_properties})
