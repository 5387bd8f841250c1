"""Tables that delta-rs writes. Needs deltalake 1.6.6 and pyarrow."""
import datetime, decimal
import deltalake
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from catalogue import Catalogue, changes, read, rows

catalogue = Catalogue("delta_rs_tables.py", f"delta-rs (deltalake {deltalake.__version__})")


def table(names, types, *values):
    schema = pa.schema(list(zip(names.split(), types)))
    return pa.Table.from_arrays([pa.array([v[i] for v in values], f.type) for i, f in enumerate(schema)], schema=schema)


IT = ("id text", [pa.int64(), pa.string()])


@catalogue.table("delta-rs/history", "append, delete, update, merge, overwrite, compaction and restore")
def history(t):
    write_deltalake(t, table(*IT, [1, "a"], [2, "b"], [3, "c"]))
    DeltaTable(t).delete("id = 1")
    DeltaTable(t).update(updates={"text": "'B'"}, predicate="id = 2")
    DeltaTable(t).merge(table(*IT, [3, "C"], [4, "D"]), "s.id = t.id", source_alias="s", target_alias="t") \
        .when_matched_update_all().when_not_matched_insert_all().execute()
    write_deltalake(t, table(*IT, [5, "e"]), mode="append")
    DeltaTable(t).optimize.compact()
    write_deltalake(t, table(*IT, [9, "z"]), mode="overwrite")
    DeltaTable(t).restore(1)
    r = lambda *v: rows("id text", *v)
    steps = [(0, r([1, "a"], [2, "b"], [3, "c"])), (1, r([2, "b"], [3, "c"])), (2, r([2, "B"], [3, "c"])), (3, r([2, "B"], [3, "C"], [4, "D"])),
             (4, r([2, "B"], [3, "C"], [4, "D"], [5, "e"])), (5, r([2, "B"], [3, "C"], [4, "D"], [5, "e"])), (6, r([9, "z"])), (7, r([2, "b"], [3, "c"]))]
    catalogue.case("delta-rs", "delta-rs-history", "every version of a table of delta-rs", "Action Reconciliation", "delta-rs/history",
                   [read(steps[-1][1])] + [read(expected, version=v) for v, expected in steps], ["L3", "T1"])


@catalogue.table("delta-rs/types", "every type that delta-rs writes, nested ones as well")
def types(t):
    utc = datetime.timezone.utc
    names = "b s i l f d flag text bin day at ntz amount list m st"
    kinds = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.bool_(), pa.string(), pa.binary(), pa.date32(),
             pa.timestamp("us", "UTC"), pa.timestamp("us"), pa.decimal128(38, 10), pa.list_(pa.int64()), pa.map_(pa.string(), pa.float64()),
             pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string()))])]
    write_deltalake(t, table(names, kinds,
        [-128, -32768, -2**31, -2**63, 0.1, float("nan"), True, "ünï 👩‍🚀", b"\x00\xff", datetime.date(1, 1, 1),
         datetime.datetime(1969, 12, 31, 23, 59, 59, 999999, utc), datetime.datetime(2026, 3, 29, 2, 30), decimal.Decimal("-0.0000000001"), [1, None],
         [("b", 1.5), ("a", None)], {"a": 1, "b": ["x", None]}],
        [127, 32767, 2**31 - 1, 2**53 + 1, None, float("inf"), False, "", b"", datetime.date(9999, 12, 31), None, None,
         decimal.Decimal("9999999999999999999999999999.9999999999"), [], [], {"a": None, "b": None}],
        [None] * 16))
    catalogue.case("delta-rs", "delta-rs-types", "types as delta-rs writes them", "Schema Serialization Format", "delta-rs/types", [read(rows(names,
        [-128, -32768, -2147483648, "-9223372036854775808", 0.10000000149011612, "NaN", True, "ünï 👩‍🚀", "AP8=", "0001-01-01",
         "1969-12-31T23:59:59.999999Z", "2026-03-29T02:30:00.000000", "-0.0000000001", [1, None], [["a", None], ["b", 1.5]], {"a": 1, "b": ["x", None]}],
        [127, 32767, 2147483647, "9007199254740993", None, "Infinity", False, "", "", "9999-12-31", None, None,
         "9999999999999999999999999999.9999999999", [], [], {"a": None, "b": None}],
        [None] * 16))])


@catalogue.table("delta-rs/partitioned", "partitioned by text, date and timestamp, with awkward texts")
def partitioned(t):
    texts = ["a b", "a/b", "100%", "%2F", "ünïcödé", "k=v", "x:y", "..", "a+b&c?d#e", "👩‍🚀", None]
    day, at = datetime.date(2026, 1, 31), datetime.datetime(2026, 1, 31, 12, 0, 0, 123456, datetime.timezone.utc)
    write_deltalake(t, table("text day at n", [pa.string(), pa.date32(), pa.timestamp("us", "UTC"), pa.int64()],
                             *[[text, day if i % 2 else None, at if i % 3 else None, i] for i, text in enumerate(texts)]), partition_by=["text", "day", "at"])
    catalogue.case("delta-rs", "delta-rs-partitions", "partition values as delta-rs writes them", "Partition Value Serialization", "delta-rs/partitioned",
                   [read(rows("text day at n", *[[text, "2026-01-31" if i % 2 else None, "2026-01-31T12:00:00.123456Z" if i % 3 else None, i]
                                                 for i, text in enumerate(texts)])), read(rows("n", [2], [4]), where="day IS NULL AND n > 0 AND n < 6", columns=["n"])], ["R5"])


@catalogue.table("delta-rs/two-checkpoints", "two checkpoints, a removed file between them, progress of applications")
def two_checkpoints(t):
    for i in range(3):
        write_deltalake(t, table(*IT, [i, f"row {i}"]), mode="append", commit_properties=CommitProperties(app_transactions=[Transaction("app", i)]))
    DeltaTable(t).create_checkpoint()
    DeltaTable(t).delete("id = 0")
    write_deltalake(t, table(*IT, [3, "row 3"]), mode="append")
    DeltaTable(t).create_checkpoint()
    write_deltalake(t, table(*IT, [4, "row 4"]), mode="append")
    r = lambda *ids: rows("id text", *[[i, f"row {i}"] for i in ids])
    catalogue.case("delta-rs", "delta-rs-checkpoints", "versions before, at and after each checkpoint of delta-rs", "Checkpoints", "delta-rs/two-checkpoints",
                   [read(r(1, 2, 3, 4)), read(r(0), version=0), read(r(0, 1, 2), version=2), read(r(1, 2), version=3), read(r(1, 2, 3), version=4), read(r(1, 2, 3, 4), version=5)], ["L1", "L2"])


@catalogue.table("delta-rs/feed", "a change data feed as delta-rs writes it")
def feed(t):
    write_deltalake(t, table(*IT, [1, "a"], [2, "b"], [3, "c"]), configuration={"delta.enableChangeDataFeed": "true"})
    DeltaTable(t).update(updates={"text": "'B'"}, predicate="id = 2")
    DeltaTable(t).delete("id = 1")
    write_deltalake(t, table(*IT, [4, "d"]), mode="append")
    names = "id text _change_type _commit_version"
    expected = rows(names, [1, "a", "insert", 0], [2, "b", "insert", 0], [3, "c", "insert", 0], [2, "b", "update_preimage", 1], [2, "B", "update_postimage", 1],
                    [1, "a", "delete", 2], [4, "d", "insert", 3])
    catalogue.case("change-feed-delta-rs", "feed-delta-rs", "a change feed of delta-rs", "Add CDC File", "delta-rs/feed", [changes(0, 3, expected), changes(2, 2, expected[5:6])], ["F1"])


@catalogue.table("delta-rs/evolution", "a column added by an append, a z-ordered table")
def evolution(t):
    write_deltalake(t, table("id", [pa.int64()], [1]))
    write_deltalake(t, table("id more", [pa.int64(), pa.string()], [2, "x"]), mode="append", schema_mode="merge")
    DeltaTable(t).optimize.z_order(["id"])
    catalogue.case("delta-rs", "delta-rs-evolution", "a column added by an append, then z-ordered", "Change Metadata", "delta-rs/evolution",
                   [read(rows("id more", [1, None], [2, "x"])), read(rows("id more", [1, None], [2, "x"]), version=1), read(rows("id", [1]), version=0)], ["R6"])


@catalogue.table("delta-rs/log-compacted", "a log compaction file made by delta-rs")
def log_compacted(t):
    for i in range(4):
        write_deltalake(t, table(*IT, [i, f"row {i}"]), mode="append")
    DeltaTable(t).delete("id = 1")
    DeltaTable(t).compact_logs(1, 4)
    r = lambda *ids: rows("id text", *[[i, f"row {i}"] for i in ids])
    catalogue.case("checkpoints-delta-rs", "log-compacted", "a log compaction file changes nothing", "Log Compaction Files", "delta-rs/log-compacted",
                   [read(r(0, 2, 3)), read(r(0, 1, 2), version=2)], ["R7"])


@catalogue.table("delta-rs/log-cleaned", "a log cleaned up after a checkpoint")
def log_cleaned(t):
    for i in range(4):
        write_deltalake(t, table(*IT, [i, f"row {i}"]), mode="append", configuration={"delta.logRetentionDuration": "interval 0 days"} if i == 0 else None)
    DeltaTable(t).create_checkpoint()
    DeltaTable(t).cleanup_metadata()
    write_deltalake(t, table(*IT, [4, "row 4"]), mode="append")
    catalogue.case("checkpoints-delta-rs", "log-cleaned", "a log whose beginning was cleaned up starts at its checkpoint", "Metadata Cleanup", "delta-rs/log-cleaned",
                   [read(rows("id text", *[[i, f"row {i}"] for i in range(5)])), read(rows("id text", *[[i, f"row {i}"] for i in range(4)]), version=3)], ["L1"])


if __name__ == "__main__":
    catalogue.run()
