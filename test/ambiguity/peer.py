"""One engine of the ambiguity campaign: a commit a line on stdin, its outcome as a line of JSON on stdout.

The store comes from the environment (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, ...). Silence is waited for as short as the engine lets us.
"""
import json, os, sys

engine = sys.argv[1]
out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what engines print is no answer


def say(answer):
    out.write(json.dumps(answer) + "\n")
    out.flush()


if engine == "delta-rs":
    import deltalake
    import pyarrow as pa
    from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake

    version = deltalake.__version__
    options = {"AWS_ALLOW_HTTP": "true", "timeout": "2s", "connect_timeout": "2s", "conditional_put": "etag"}

    def commit(url, operation, id, rows):
        data = pa.table({"id": pa.array([id] * rows, pa.int64())})
        properties = CommitProperties(app_transactions=[Transaction("campaign", id)]) if operation == "append with txn" else None
        mode = "overwrite" if operation == "overwrite" else "append"
        table = DeltaTable(url, storage_options=options)
        write_deltalake(table, data, mode=mode, commit_properties=properties)
        return table.version()

else:
    from chdb import session

    db = session.Session()
    version = db.query("SELECT version()", "TSV").data().strip()
    settings = "allow_experimental_delta_kernel_rs = 1, allow_experimental_delta_lake_writes = 1, s3_request_timeout_ms = 2000, s3_retry_attempts = 5"

    def commit(url, operation, id, rows):
        where = url.replace("s3://", os.environ["AWS_ENDPOINT_URL"] + "/")
        key, secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
        db.query(
            f"INSERT INTO FUNCTION deltaLake('{where}', '{key}', '{secret}') SELECT toNullable(toInt64({id})) AS id FROM numbers({rows}) SETTINGS {settings}"
        )
        return None


say({"engineVersion": version})
for line in sys.stdin:
    asked = json.loads(line)
    try:
        done = commit(asked["url"], asked["operation"], asked["id"], asked["rows"])
        say({} if done is None else {"version": done})
    except BaseException as error:
        say({"error": f"{type(error).__name__}: {error}"[:500]})
