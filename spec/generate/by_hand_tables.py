"""Tables by the letter of the protocol: Parquet files by pyarrow, the log written here line by line. Needs pyarrow 26.0.1."""
import datetime, decimal, json
import pyarrow as pa
import pyarrow.parquet as pq
from catalogue import Catalogue, fails, read, rows, write_commit

catalogue = Catalogue("by_hand_tables.py", f"pyarrow {pa.__version__} and a log written by hand")

LONG = {"name": "id", "type": "long", "nullable": True, "metadata": {}}
TEXT = {"name": "text", "type": "string", "nullable": True, "metadata": {}}


def field(name, type, **metadata):
    return {"name": name, "type": type, "nullable": True, "metadata": metadata}


def protocol(reader=1, writer=2, features=None, writer_features=None):
    action = {"minReaderVersion": reader, "minWriterVersion": writer}
    if features is not None:
        action["readerFeatures"] = features
    if writer_features is not None or features is not None:
        action["writerFeatures"] = writer_features if writer_features is not None else features
    return {"protocol": action}


def metadata(fields, partitions=(), configuration=None, **more):
    return {"metaData": {"id": "6b3f3c5e-0f3a-4c7e-9d0a-000000000001", "format": {"provider": "parquet", "options": {}},
                         "schemaString": json.dumps({"type": "struct", "fields": list(fields)}), "partitionColumns": list(partitions),
                         "configuration": configuration or {}, "createdTime": 1767225600000, **more}}


def data(folder, name, table, path=None, partitions=None, stats=None, options=None, **more):
    """Writes a Parquet file and answers its add. `path`: how the log names it."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, file, **(options or {}))
    add = {"path": path or name, "partitionValues": partitions or {}, "size": file.stat().st_size, "modificationTime": 1767225600000, "dataChange": True, **more}
    if stats is not None:
        add["stats"] = stats if isinstance(stats, str) else json.dumps(stats)
    return {"add": add}


def ids(*values):
    return pa.table({"id": pa.array(values, pa.int64())})


def id_rows(*values):
    return rows("id", *[[v] for v in values])


def simple(folder, first=(), later=()):
    """A table of one column with two files, one a commit."""
    write_commit(folder, 0, [*(first or [protocol()]), metadata([LONG]), data(folder, "one.parquet", ids(1, 2))])
    write_commit(folder, 1, [*later, data(folder, "two.parquet", ids(3))])


def case(name, group, title, section, steps, invariants=(), id=None, **more):
    catalogue.case(group, id or name, title, section, f"by-hand/{name}", steps, invariants, **more)


# ---------------------------------------------------------------- refusals
def refused(name, title, section, make, steps, shows=None):
    @catalogue.table(f"by-hand/{name}", shows or title)
    def run(folder):
        make(folder)
        case(name, "refusals", title, section, steps, ["L4"])


refused("unknown-reader-feature", "an unknown reader feature is refused by its name", "Table Features",
        lambda f: simple(f, [protocol(3, 7, ["flyingCarpets"])]), [fails("UNSUPPORTED_FEATURE", names=["flyingCarpets"])])
refused("unknown-reader-features", "of several unknown features all are named", "Table Features",
        lambda f: simple(f, [protocol(3, 7, ["flyingCarpets", "deletionVectors", "talkingHats"])]), [fails("UNSUPPORTED_FEATURE", names=["flyingCarpets", "talkingHats"])])
refused("reader-version-4", "a reader version above 3 is refused", "Reader Version Requirements", lambda f: simple(f, [protocol(4, 7, [], [])]), [fails("UNSUPPORTED_FEATURE", names=["4"])])
refused("reader-version-99", "a reader version far above 3 is refused", "Reader Version Requirements", lambda f: simple(f, [protocol(99, 99)]), [fails("UNSUPPORTED_FEATURE", names=["99"])])
refused("catalog-managed", "a catalog-managed table is refused by name when no catalog is at hand", "Reader Requirements for Catalog-managed tables",
        lambda f: simple(f, [protocol(3, 7, ["catalogManaged"], ["catalogManaged", "inCommitTimestamp"])]), [fails("UNSUPPORTED_FEATURE", names=["catalogManaged", "its catalog"])])
refused("catalog-owned-preview", "a table of the preview of catalog-managed tables is refused by name", "Reader Requirements for Catalog-managed tables",
        lambda f: simple(f, [protocol(3, 7, ["catalogOwned-preview"], ["catalogOwned-preview", "inCommitTimestamp"])]), [fails("UNSUPPORTED_FEATURE", names=["catalogOwned-preview", "its catalog"])])
refused("protocol-upgraded", "a table that a later commit made unreadable is refused", "Protocol Evolution",
        lambda f: simple(f, later=[protocol(3, 7, ["flyingCarpets"])]), [fails("UNSUPPORTED_FEATURE", names=["flyingCarpets"]), {"op": "read", "version": 0, "expect": {"rowsOrError": id_rows(1, 2)}}])
refused("mapping-mode-unknown", "a mode of column mapping that nobody knows is refused", "Column Mapping",
        lambda f: (write_commit(f, 0, [protocol(2, 5), metadata([field("id", "long", **{"delta.columnMapping.id": 1, "delta.columnMapping.physicalName": "id"})],
                                                                configuration={"delta.columnMapping.mode": "sideways"}), data(f, "one.parquet", ids(1))])),
        [fails("UNSUPPORTED_FEATURE", "CORRUPT_LOG", names=["sideways"])])
refused("type-change-unknown", "a change of type that nobody knows is refused", "Reader Requirements for Type Widening",
        lambda f: write_commit(f, 0, [protocol(3, 7, ["typeWidening"]), metadata([field("id", "string", **{"delta.typeChanges": [{"fromType": "boolean", "toType": "string"}]})]),
                                      data(f, "one.parquet", pa.table({"id": pa.array([True])}))]), [fails("UNSUPPORTED_FEATURE")])
refused("type-unknown", "a type that nobody knows is refused by its name", "Primitive Types",
        lambda f: write_commit(f, 0, [protocol(), metadata([LONG, field("span", "flyingcarpet")]),
                                      data(f, "one.parquet", pa.table({"id": pa.array([1], pa.int64()), "span": pa.array([12], pa.int32())}))]),
        [fails("UNSUPPORTED_FEATURE", "CORRUPT_LOG", names=["flyingcarpet"])])
refused("format-unknown", "data files of another format are never read as wrong rows", "Format Specification",
        lambda f: write_commit(f, 0, [protocol(), metadata([LONG], format={"provider": "orc", "options": {}}), data(f, "one.parquet", ids(1))]),
        [{"op": "read", "expect": {"rowsOrError": id_rows(1)}}])


@catalogue.table("by-hand/mapping-stale", "annotations of column mapping in a table that maps none of its columns")
def mapping_stale(t):
    stale = lambda name, type, id: field(name, type, **{"delta.columnMapping.id": id, "delta.columnMapping.physicalName": f"col-{id}"})
    nested = {"type": "struct", "fields": [stale("x", "long", 3)]}
    inner = pa.array([{"x": 5}, None], pa.struct([("x", pa.int64())]))
    table = pa.table({"id": pa.array([1, 2], pa.int64()), "s": inner, "part": pa.array(["file"] * 2)})
    write_commit(t, 0, [protocol(2, 5), metadata([stale("id", "long", 1), stale("s", nested, 2), stale("part", "string", 4)], ["part"], {"delta.columnMapping.mode": "none"}),
                        data(t, "one.parquet", table, partitions={"part": "log"}, stats={"numRecords": 2, "minValues": {"id": 1}, "maxValues": {"id": 2}, "nullCount": {"id": 0}})])
    case("mapping-stale", "column-mapping-by-hand", "annotations of column mapping mean nothing where the mode is none", "Column Mapping",
         [read(rows("id s part", [1, {"x": 5}, "log"], [2, None, "log"])), read(rows("id", [2]), where="id > 1 AND part = 'log'", columns=["id"])], ["R4"])


@catalogue.table("by-hand/unknown-writer-feature", "a writer feature that nobody knows")
def unknown_writer_feature(f):
    write_commit(f, 0, [protocol(1, 7, None, ["flyingCarpets"]), metadata([LONG]), data(f, "one.parquet", ids(1, 2))])
    case("unknown-writer-feature", "refusals", "an unknown writer feature stops writers, by its name, and no reader", "Table Features", [
        read(id_rows(1, 2)), {"op": "append", "rows": id_rows(3), "expect": {"error": {"codes": ["UNSUPPORTED_FEATURE"], "names": ["flyingCarpets"]}}}, read(id_rows(1, 2))], ["L4"])


@catalogue.table("by-hand/features-nobody-reads", "writer features that do not concern readers, all at once")
def features_nobody_reads(f):
    names = ["appendOnly", "invariants", "checkConstraints", "changeDataFeed", "generatedColumns", "identityColumns", "allowColumnDefaults", "domainMetadata", "rowTracking",
             "clustering", "inCommitTimestamp", "collations-preview", "checkpointProtection"]
    simple(f, [protocol(1, 7, None, names)])
    case("features-nobody-reads", "features-by-hand", "features of writers do not stop a reader", "Valid Feature Names in Table Features", [read(id_rows(1, 2, 3))], ["L4"])


# ---------------------------------------------------------------- what must be tolerated
@catalogue.table("by-hand/unknown-actions", "actions and fields that nobody knows, no commitInfo, no createdTime, blank lines")
def unknown_actions(f):
    simple(f, later=[{"flyingCarpet": {"speed": 9007199254740993}}, {"commitInfo": {"operation": "TEST", "carpet": {"a": [1]}}}])
    path = f / "_delta_log" / f"{2:020d}.json"
    add = data(f, "three.parquet", ids(4), stats={"numRecords": 1}, carpet=True, tags={"a": "b"})
    path.write_text("\n" + json.dumps(add, indent=None) + "\n\n")
    meta = metadata([LONG])["metaData"]
    del meta["createdTime"]
    write_commit(f, 3, [{"metaData": meta}, {"txn": {"appId": "app", "version": 1}}, {"domainMetadata": {"domain": "d", "configuration": "{}", "removed": False}}])
    case("unknown-actions", "tolerance", "actions and fields that nobody knows change nothing", "Actions", [read(id_rows(1, 2, 3, 4))], ["R9"])


@catalogue.table("by-hand/added-again", "a file added twice, removed, and added again; a remove of nothing")
def added_again(f):
    add, other = data(f, "one.parquet", ids(1)), data(f, "two.parquet", ids(2))
    write_commit(f, 0, [protocol(), metadata([LONG]), add, other])
    write_commit(f, 1, [{"add": {**add["add"], "dataChange": False, "tags": {"again": "yes"}}}, {"remove": {"path": "never-there.parquet", "dataChange": True, "deletionTimestamp": 1767225600000}}])
    write_commit(f, 2, [{"remove": {"path": "one.parquet", "dataChange": True, "deletionTimestamp": 1767225600000}}])
    write_commit(f, 3, [{"add": {**add["add"]}}])
    case("added-again", "tolerance", "a file counts once, by its newest action", "Action Reconciliation",
         [read(id_rows(1, 2)), read(id_rows(1, 2), version=1), read(id_rows(2), version=2)], ["L3"])


@catalogue.table("by-hand/no-rows", "no data file at all in version 0, then a file without rows")
def no_rows(f):
    write_commit(f, 0, [protocol(), metadata([LONG])])
    write_commit(f, 1, [data(f, "none.parquet", ids(), stats={"numRecords": 0})])
    case("no-rows", "tolerance", "a table without rows is a table", "Data Files", [read([]), read([], version=0), read([], where="id > 0")])


@catalogue.table("by-hand/awkward-columns", "columns that other languages have a meaning for")
def awkward_columns(f):
    names = ["__proto__", "constructor", "toString", "a.b", "1", "名前", "Z", "valueOf"]
    write_commit(f, 0, [protocol(), metadata([field(n, "long") for n in names]),
                        data(f, "one.parquet", pa.table({n: pa.array([i], pa.int64()) for i, n in enumerate(names)}))])
    case("awkward-columns", "tolerance", "a name is only a name", "Struct Field", [read([dict(zip(names, range(len(names))))])])


# ---------------------------------------------------------------- statistics
def pruned(name, title, stats, steps):
    @catalogue.table(f"by-hand/stats-{name}", title)
    def make(f):
        table = lambda *values: pa.table({"id": pa.array([v[0] for v in values], pa.int64()), "text": pa.array([v[1] for v in values], pa.string())})
        write_commit(f, 0, [protocol(), metadata([LONG, TEXT]), data(f, "one.parquet", table((1, "a"), (2, None)), stats=stats[0]),
                            data(f, "two.parquet", table((3, "c" * 40), (4, "d")), stats=stats[1])])
        case(f"stats-{name}", "statistics", title, "Per-file Statistics", steps, ["T5", "R7", "R8"])


SOUND = ({"numRecords": 2, "minValues": {"id": 1, "text": "a"}, "maxValues": {"id": 2, "text": "a"}, "nullCount": {"id": 0, "text": 1}},
         {"numRecords": 2, "minValues": {"id": 3, "text": "c" * 32}, "maxValues": {"id": 4, "text": "d"}, "nullCount": {"id": 0, "text": 0}})
FILE = [{"id": 1, "text": "a"}, {"id": 2, "text": None}, {"id": 3, "text": "c" * 40}, {"id": 4, "text": "d"}]
ASK = [read(FILE), read(FILE[2:3], where="id = 3"), read(FILE[1:2], where="text IS NULL"), read(FILE[2:], where="text > 'b'"), read(FILE[2:3], where=f"text = '{'c' * 40}'"), read([], where="id > 4")]
pruned("none", "files without statistics are all read", (None, None), ASK)
pruned("sound", "statistics prune and change no row", SOUND, ASK)
pruned("malformed", "statistics that are no JSON are no statistics", ("{\"numRecords\":", "null"), ASK)
pruned("partial", "a file with statistics of some columns", ({"numRecords": 2}, {"numRecords": 2, "minValues": {"id": 3}, "maxValues": {}, "nullCount": {}}), ASK)
pruned("wrong-types", "statistics of other types than their columns are none", ({"numRecords": "2", "minValues": {"id": "x", "text": 7}, "maxValues": [], "nullCount": {"text": "1"}},
                                                                               {"minValues": None, "maxValues": {"id": {"a": 1}}}), ASK)
pruned("wide", "statistics that are not tight only bound", ({**SOUND[0], "minValues": {"id": -100, "text": ""}, "maxValues": {"id": 100, "text": "zzz"}, "tightBounds": False},
                                                            {**SOUND[1], "tightBounds": False}), ASK)


# ---------------------------------------------------------------- paths
@catalogue.table("by-hand/paths-encoded", "file names with spaces, percent signs, plus signs and letters beyond ASCII")
def paths_encoded(f):
    names = [("a b.parquet", "a%20b.parquet"), ("100%.parquet", "100%25.parquet"), ("a+b.parquet", "a+b.parquet"), ("a%20b.parquet", "a%2520b.parquet"),
             ("sub dir/ü.parquet", "sub%20dir/%C3%BC.parquet"), ("x=1/y#z.parquet", "x=1/y%23z.parquet")]
    write_commit(f, 0, [protocol(), metadata([LONG]), *[data(f, name, ids(i), path=path) for i, (name, path) in enumerate(names)]])
    write_commit(f, 1, [{"remove": {"path": "a%20b.parquet", "dataChange": True, "deletionTimestamp": 1767225600000}}])
    case("paths-encoded", "paths", "paths are URIs: decoded once, and a plus sign is a plus sign", "Add File and Remove File",
         [read(id_rows(1, 2, 3, 4, 5)), read(id_rows(0, 1, 2, 3, 4, 5), version=0)])


for kind, prefix in [("url", "@TABLE_URL@"), ("path", "@TABLE_PATH@")]:
    @catalogue.table(f"by-hand/paths-absolute-{kind}", f"data files inside the table named by their whole {kind}", placeholders=True)
    def paths_absolute(f, kind=kind, prefix=prefix):
        write_commit(f, 0, [protocol(), metadata([LONG]), data(f, "one.parquet", ids(1), path=f"{prefix}/one.parquet"), data(f, "two.parquet", ids(2))])
        case(f"paths-absolute-{kind}", "paths", f"a data file inside the table may be named by its whole {kind}", "Add File and Remove File", [read(id_rows(1, 2))])


# ---------------------------------------------------------------- partition values as other writers have put them
@catalogue.table("by-hand/partition-texts", "partition values in every form that the protocol allows, and forms of old writers")
def partition_texts(f):
    fields = [LONG, field("at", "timestamp"), field("day", "date"), field("amount", "decimal(10,2)"), field("flag", "boolean"), field("name", "string")]
    values = [{"at": "2026-01-31 12:00:00.123456", "day": "2026-01-31", "amount": "1.50", "flag": "true", "name": "x"},
              {"at": "2026-01-31T12:00:00.123456Z", "day": "0001-01-01", "amount": "-0.01", "flag": "false", "name": "NULL"},
              {"at": "1969-12-31 23:59:59", "day": "1969-12-31", "amount": "7.00", "flag": "true", "name": "__HIVE_DEFAULT_PARTITION__"},
              {"at": None, "day": None, "amount": None, "flag": None, "name": None}]
    write_commit(f, 0, [protocol(), metadata(fields, ["at", "day", "amount", "flag", "name"]),
                        *[data(f, f"{i}.parquet", ids(i), partitions=v) for i, v in enumerate(values)]])
    names = "id at day amount flag name"
    case("partition-texts", "partition-texts", "the text in the log counts, not the name of a folder", "Partition Value Serialization", [read(rows(names,
        [0, "2026-01-31T12:00:00.123456Z", "2026-01-31", "1.50", True, "x"], [1, "2026-01-31T12:00:00.123456Z", "0001-01-01", "-0.01", False, "NULL"],
        [2, "1969-12-31T23:59:59.000000Z", "1969-12-31", "7.00", True, "__HIVE_DEFAULT_PARTITION__"], [3, None, None, None, None, None])),
        read(rows(names, [0, "2026-01-31T12:00:00.123456Z", "2026-01-31", "1.50", True, "x"]), where="name = 'x'")], ["R5"])


@catalogue.table("by-hand/partition-empty-texts", "empty texts as partition values of every type")
def partition_empty_texts(f):
    types = {"at": "timestamp", "day": "date", "amount": "decimal(10,2)", "flag": "boolean", "n": "integer", "name": "string"}
    write_commit(f, 0, [protocol(), metadata([LONG, *[field(n, t) for n, t in types.items()]], list(types)),
                        data(f, "one.parquet", ids(1), partitions={n: "" for n in types})])
    case("partition-empty-texts", "partition-texts", "an empty text is null, whatever the type", "Partition Value Serialization",
         [read([{"id": 1, **{n: None for n in types}}])], ["R5"])


@catalogue.table("by-hand/partition-decimal-scale", "a decimal partition value with fewer digits than its scale, as after a widening")
def partition_decimal_scale(f):
    write_commit(f, 0, [protocol(), metadata([LONG, field("amount", "decimal(10,2)")], ["amount"]),
                        *[data(f, f"{i}.parquet", ids(i), partitions={"amount": text}) for i, text in enumerate(["7", "-1.5"])]])
    case("partition-decimal-scale", "partition-texts", "a decimal partition value may have fewer digits than its scale", "Partition Value Serialization",
         [read(rows("id amount", [0, "7.00"], [1, "-1.50"]))], ["R5"])


@catalogue.table("by-hand/partition-in-file", "a partition column that the data file holds too, with another value")
def partition_in_file(f):
    write_commit(f, 0, [protocol(), metadata([LONG, TEXT], ["text"]),
                        data(f, "one.parquet", pa.table({"id": pa.array([1], pa.int64()), "text": ["in the file"]}), partitions={"text": "in the log"})])
    case("partition-in-file", "partition-texts", "the partition value of the log counts, not one in the file", "Add File and Remove File",
         [read(rows("id text", [1, "in the log"]))], ["R5"])


# ---------------------------------------------------------------- Parquet
def parquet(name, title, table, fields, expected, options=None, more=()):
    @catalogue.table(f"by-hand/parquet-{name}", title)
    def make(f):
        write_commit(f, 0, [protocol(), metadata(fields), data(f, "one.parquet", table, options=options), *[data(f, f"{i}.parquet", t, options=o) for i, (t, o) in enumerate(more)]])
        case(f"parquet-{name}", "parquet", title, "Data Files", [read(expected)], ["R6"])


parquet("codecs", "the codecs that writers use", ids(0), [LONG], id_rows(*range(6)),
        more=[(ids(i + 1), {"compression": c}) for i, c in enumerate(["none", "snappy", "gzip", "zstd", "lz4"])])
parquet("brotli", "a file compressed with Brotli", ids(1), [LONG], id_rows(1), options={"compression": "brotli"})
NUMBERS = pa.table({"id": pa.array(range(20), pa.int64()), "text": [f"prefix {i % 3}" for i in range(20)]})
parquet("encodings", "delta and plain encodings, pages of the second version, no dictionary", NUMBERS, [LONG, TEXT],
        rows("id text", *[[i, f"prefix {i % 3}"] for _ in range(3) for i in range(20)]),
        options={"use_dictionary": False, "column_encoding": {"id": "DELTA_BINARY_PACKED", "text": "DELTA_BYTE_ARRAY"}, "data_page_version": "2.0"},
        more=[(NUMBERS, {"use_dictionary": False, "column_encoding": {"id": "PLAIN", "text": "DELTA_LENGTH_BYTE_ARRAY"}}), (NUMBERS, {"use_dictionary": True})])
parquet("byte-stream-split", "numbers split into streams of bytes", pa.table({"f": pa.array([1.5, -0.1, None], pa.float32()), "d": [0.1, 5e-324, 1e300]}), [field("f", "float"), field("d", "double")],
        rows("f d", [1.5, 0.1], [-0.10000000149011612, 5e-324], [None, 1e300]), options={"use_dictionary": False, "use_byte_stream_split": True})
parquet("row-groups", "a file of many row groups", pa.table({"id": pa.array(range(100), pa.int64())}), [LONG], id_rows(*range(100)), options={"row_group_size": 7})
parquet("columns-otherwise", "columns in another order, one too many, one too few", pa.table({"other": [1], "text": ["x"], "id": pa.array([1], pa.int64())}), [LONG, TEXT, field("late", "date")],
        rows("id text late", [1, "x", None]))
parquet("millis", "timestamps of milliseconds are microseconds",
        pa.table({"at": pa.array([datetime.datetime(2026, 1, 31, 12, 0, 0, 123000, datetime.timezone.utc)], pa.timestamp("ms", "UTC"))}), [field("at", "timestamp")],
        rows("at", ["2026-01-31T12:00:00.123000Z"]))
parquet("nanos", "timestamps of nanoseconds are microseconds", pa.table({"at": pa.array([1769860800123456000], pa.int64()).cast(pa.timestamp("ns", "UTC"))}), [field("at", "timestamp")],
        rows("at", ["2026-01-31T12:00:00.123456Z"]), options={"version": "2.6"})
DECIMALS = [decimal.Decimal("-1234567.89"), None]
parquet("decimals", "decimals as fixed bytes and as integers", pa.table({"p": pa.array(DECIMALS, pa.decimal128(9, 2))}), [field("p", "decimal(9,2)")],
        rows("p", ["-1234567.89"], [None], ["-1234567.89"], [None]), more=[(pa.table({"p": pa.array(DECIMALS, pa.decimal128(9, 2))}), {"store_decimal_as_integer": True})])
parquet("lists", "lists with elements of any name", pa.table({"l": pa.array([[1, None], [], None], pa.list_(pa.int64()))}),
        [field("l", {"type": "array", "elementType": "long", "containsNull": True})],
        rows("l", [[1, None]], [[]], [None], [[1, None]], [[]], [None]), options={"use_compliant_nested_type": False},
        more=[(pa.table({"l": pa.array([[1, None], [], None], pa.list_(pa.int64()))}), {"use_compliant_nested_type": True})])


# ---------------------------------------------------------------- time
FAR_BACK = {"delta.deletedFileRetentionDuration": "interval 40000 days", "delta.logRetentionDuration": "interval 40000 days"}   # or Spark goes back a week only


@catalogue.table("by-hand/in-commit-timestamps-late", "in-commit timestamps switched on at version 2")
def in_commit_timestamps_late(f):
    at = lambda hour: 1767225600000 + hour * 3_600_000                     # 2026-01-01T00:00:00Z and hours
    info = lambda hour: {"commitInfo": {"inCommitTimestamp": at(hour), "timestamp": 1, "operation": "TEST"}}
    upgrade = [info(2), protocol(1, 7, None, ["inCommitTimestamp"]), metadata([LONG], configuration={
        "delta.enableInCommitTimestamps": "true", "delta.inCommitTimestampEnablementVersion": "2", "delta.inCommitTimestampEnablementTimestamp": str(at(2)), **FAR_BACK})]
    write_commit(f, 0, [protocol(), metadata([LONG], configuration=FAR_BACK), data(f, "0.parquet", ids(0))])
    write_commit(f, 1, [data(f, "1.parquet", ids(1))])
    write_commit(f, 2, [*upgrade, data(f, "2.parquet", ids(2))])
    write_commit(f, 3, [info(3), data(f, "3.parquet", ids(3))])
    steps = [read(id_rows(0), timestamp="2026-01-01T00:30:00Z"), read(id_rows(0, 1), timestamp="2026-01-01T01:59:59Z"), read(id_rows(0, 1, 2), timestamp="2026-01-01T02:00:00Z"),
             read(id_rows(0, 1, 2, 3), timestamp="2026-01-01T03:00:00Z")]
    case("in-commit-timestamps-late", "time-travel-by-hand", "in-commit timestamps count from the version that switched them on", "Recommendations for Readers of Tables with In-Commit Timestamps",
         steps, id="timestamp-in-commit-late", commit_times=["2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", "2026-01-01T09:00:00Z", "2026-01-01T09:00:00Z"])


if __name__ == "__main__":
    catalogue.run()
