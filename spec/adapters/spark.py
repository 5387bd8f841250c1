"""Apache Spark with Delta Lake, the reference implementation."""
import os, sys
sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "python")
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "generate"))
import json
import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark.sql.types import StructType
from protocol import canonical
from protocol.serve import needs, serve
from spark_session import start

spark = start()


class SparkError(Exception):
    """The innermost cause of a Java exception."""


def guarded(operation):
    def call(request):
        try:
            return operation(request)
        except Py4JJavaError as error:
            cause = error.java_exception
            while cause.getCause() is not None:
                cause = cause.getCause()
            raise SparkError(cause.toString()) from None
    return call


def arrow(frame):
    schema = json.loads(frame.schema.json())
    try:
        return frame.toArrow(), schema
    except pa.ArrowInvalid:                            # its last step does not take null variants inside arrays
        return pa.Table.from_batches(frame._collect_as_arrow(empty_list_if_zero_records=False)), schema


def read(request):
    reader = spark.read.format("delta")
    if request.get("version") is not None:
        reader = reader.option("versionAsOf", request["version"])
    if request.get("timestamp"):
        reader = reader.option("timestampAsOf", request["timestamp"])
    frame = reader.load(request["path"])
    if request.get("rowIds"):
        frame = frame.select("*", "_metadata.row_id", "_metadata.row_commit_version")
        frame = frame.withColumnsRenamed({"row_id": "_row_id", "row_commit_version": "_row_commit_version"})
    if request.get("where"):
        frame = frame.where(request["where"].replace("\\", "\\\\"))
    if request.get("columns"):
        frame = frame.select(*(f"`{c.replace('`', '``')}`" for c in request["columns"]))
    return arrow(frame)


def changes(request):
    return arrow(spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", request["from"])
                 .option("endingVersion", request["to"]).load(request["path"]))


def create(request):
    from delta.tables import DeltaTable
    builder = DeltaTable.create(spark).location(request["path"]).addColumns(struct(request["schema"]))
    if request.get("partitionBy"):
        builder = builder.partitionedBy(*request["partitionBy"])
    for key, value in (request.get("properties") or {}).items():
        builder = builder.property(key, value)
    builder.execute()


def struct(schema):
    return StructType.fromJson(schema)


def write(mode):
    def operation(request):
        path = request["path"]
        schema = json.loads(spark.read.format("delta").load(path).schema.json())
        names = [f["name"] for f in schema["fields"]]
        lines = canonical.to_python(request["rows"], schema)
        rows = [tuple(of_maps(v, f["type"]) for v, f in zip(line, schema["fields"])) for line in lines]
        frame = spark.createDataFrame(rows, StructType.fromJson(nullable(schema))).select(*(f"`{n.replace('`', '``')}`" for n in names))
        writer = frame.coalesce(1).write.format("delta").mode(mode)
        if request.get("txn"):
            writer = writer.option("txnAppId", request["txn"]["appId"]).option("txnVersion", request["txn"]["version"])
        writer.save(path)
    return operation


def nullable(schema):
    """NOT NULL is for the table to enforce, not for the frame."""
    return {**schema, "fields": [{**f, "nullable": True} for f in schema["fields"]]}


def of_maps(v, delta):
    if v is None or not isinstance(delta, dict):
        return v
    if delta["type"] == "struct":
        return {f["name"]: of_maps(v[f["name"]], f["type"]) for f in delta["fields"]}
    if delta["type"] == "array":
        return [of_maps(x, delta["elementType"]) for x in v]
    return {of_maps(k, delta["keyType"]): of_maps(x, delta["valueType"]) for k, x in v}


def set_properties(request):
    listed = lambda d: ", ".join(f"'{k}' = '{v}'" for k, v in d.items())
    if request["set"]:
        spark.sql(f"ALTER TABLE delta.`{request['path']}` SET TBLPROPERTIES ({listed(request['set'])})")
    if request.get("unset"):
        names = ", ".join(f"'{k}'" for k in request["unset"])
        spark.sql(f"ALTER TABLE delta.`{request['path']}` UNSET TBLPROPERTIES ({names})")


if __name__ == "__main__":
    operations = {"read": read, "changes": changes, "create": create, "append": write("append"), "overwrite": write("overwrite"),
                  "setProperties": set_properties}
    serve("spark", f"{spark.version} + Delta 4.4.0", {name: guarded(operation) for name, operation in operations.items()}, 
          knows=("rowIds", "allowedPaths"))                  # it follows every path
