"""The adapter protocol (spec/README.md): one JSON request a line on stdin, one JSON answer a line on stdout."""
import json, os, sys
from pathlib import Path
from protocol import canonical


class Unsupported(Exception):
    """The engine has no such operation; not a failure of it."""


# Fields of requests that few engines know what to do with: they are refused for an engine that does not say so.
RARE_FIELDS = ("rowIds", "allowedPaths")


def serve(engine, version, operations, knows=()):
    """`operations`: by name, functions of the request. What they answer goes into the answer; an Arrow table, or a pair of
    one and its Delta schema, goes in as canonical rows. `knows`: the rare fields that they look at."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf8")
    os.dup2(2, 1)                                     # what an engine prints is no answer
    for line in sys.stdin:
        request = json.loads(line)
        try:
            needs(request, *(field for field in RARE_FIELDS if field not in knows))
            answer = {"ok": True, **perform(engine, version, operations, request)}
        except Unsupported as error:
            answer = {"ok": False, "code": "UNSUPPORTED", "message": str(error)}
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:                # a panic in Rust is a BaseException
            answer = {"ok": False, "code": type(error).__name__, "message": str(error)[:2000]}
        answers.write(json.dumps({"id": request.get("id"), **answer}, ensure_ascii=False) + "\n")
        answers.flush()


def perform(engine, version, operations, request):
    if request["op"] == "hello":
        return {"engine": engine, "version": version, "codes": False}
    operation = operations.get(request["op"])
    if operation is None:
        raise Unsupported(f"{engine} has no operation {request['op']} here")
    answer = operation(request)
    if answer is None or isinstance(answer, dict):
        return answer or {}
    table, schema = answer if isinstance(answer, tuple) else (answer, None)
    if request["op"] == "changes":
        table = table.drop_columns([c for c in ("_commit_timestamp",) if c in table.column_names])
    return {"rows": canonical.to_rows(table, schema)}


def needs(request, *fields):
    """Refuses a request that asks for more than an engine can be asked."""
    for field in fields:
        if request.get(field) is not None:
            raise Unsupported(f"cannot be asked for {field}")


def select_list(request, quote='"'):
    columns = request.get("columns")
    if columns is None:
        return "*"
    return ", ".join(quote + c.replace(quote, quote * 2) + quote for c in columns)


def where_clause(request):
    return f" WHERE {request['where']}" if request.get("where") else ""


def logged_schema(path, version=None):
    """The schema that the log of a table says for a version, for engines that do not tell all types apart."""
    log = Path(path) / "_delta_log"
    for file in sorted(log.glob("*.json"), reverse=True):
        if version is not None and int(file.name[:20]) > version:
            continue
        for line in file.read_text(encoding="utf8").splitlines():
            action = json.loads(line) if line else {}
            if action.get("metaData"):
                return json.loads(action["metaData"]["schemaString"])
    import pyarrow.parquet as pq
    for file in sorted(log.glob("*.checkpoint*.parquet"), reverse=True):
        for row in pq.read_table(file, columns=["metaData"]).column("metaData").to_pylist():
            if row and row.get("schemaString"):
                return json.loads(row["schemaString"])
    return None
