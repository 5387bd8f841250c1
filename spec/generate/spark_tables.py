"""Tables that Delta Spark writes. Needs pyspark 4.2.0 and delta-spark 4.4.0 with its jars (see spark_session.py)."""
import contextlib
import pyspark
from catalogue import Catalogue, actions, changes, fails, read, rows
from spark_session import start

spark = start()
catalogue = Catalogue("spark_tables.py", f"Delta Spark 4.4.0 (pyspark {pyspark.__version__})")


def sql(text):
    return spark.sql(text)


def create(folder, columns, partitions="", **properties):
    listed = ", ".join(f"'{k}' = '{v}'" for k, v in properties.items())
    sql(f"CREATE TABLE delta.`{folder}` ({columns}) USING delta"
        + (f" PARTITIONED BY ({partitions})" if partitions else "")
        + (f" TBLPROPERTIES ({listed})" if listed else ""))


def insert(folder, values):
    """One commit, one file (one a partition)."""
    sql(f"INSERT INTO delta.`{folder}` SELECT /*+ COALESCE(1) */ * FROM VALUES {values}")


# Spark refuses to go back further than this, a week without it.
FAR_BACK = {"delta.deletedFileRetentionDuration": "interval 40000 days", "delta.logRetentionDuration": "interval 40000 days"}


@contextlib.contextmanager
def setting(**values):
    names = {k.replace("__", "."): v for k, v in values.items()}
    for k, v in names.items():
        spark.conf.set(k, v)
    try:
        yield
    finally:
        for k in names:
            spark.conf.unset(k)


# ---------------------------------------------------------------- types
@catalogue.table("spark/types", "every primitive type at its limits, and null")
def types(t):
    create(t, "id INT, b TINYINT, s SMALLINT, i INT, l BIGINT, f FLOAT, d DOUBLE, flag BOOLEAN, text STRING, bin BINARY, "
              "day DATE, p9 DECIMAL(9,2), p18 DECIMAL(18,4), p38 DECIMAL(38,10)")
    insert(t, """
      (1, -128, -32768, -2147483648, -9223372036854775807L - 1L, float('-Infinity'), double('-Infinity'), true, '', X'',
       DATE'0001-01-01', -9999999.99, -99999999999999.9999, -9999999999999999999999999999.9999999999),
      (2, 127, 32767, 2147483647, 9223372036854775807L, float('Infinity'), double('Infinity'), false, 'ünï 👩‍🚀', X'00FF800A',
       DATE'9999-12-31', 9999999.99, 99999999999999.9999, 9999999999999999999999999999.9999999999),
      (3, 0, 0, 0, 9007199254740993L, float('NaN'), double('NaN'), true, 'a"b\\\\c', X'74657874',
       DATE'1969-12-31', 0.01, 0.0001, 0.0000000001),
      (4, 1, 1, 1, -1L, float('0.1'), double('0.1'), false, '__proto__', X'0A', DATE'2024-02-29', 1.5, 1.5, 1.5)""")
    insert(t, "(5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)")
    name = "spark/types"
    for id, title, names, values in [
        ("integers", "integers at their limits, exact beyond 2^53", "id b s i l",
         [[1, -128, -32768, -2147483648, "-9223372036854775808"], [2, 127, 32767, 2147483647, "9223372036854775807"],
          [3, 0, 0, 0, "9007199254740993"], [4, 1, 1, 1, -1], [5, None, None, None, None]]),
        ("floats", "floats: infinities, NaN, a float as the double it equals", "id f d",
         [[1, "-Infinity", "-Infinity"], [2, "Infinity", "Infinity"], [3, "NaN", "NaN"],
          [4, 0.10000000149011612, 0.1], [5, None, None]]),
        ("text", "text: empty, beyond ASCII, quotes and backslashes", "id text flag",
         [[1, "", True], [2, "ünï 👩‍🚀", False], [3, 'a"b\\c', True], [4, "__proto__", False], [5, None, None]]),
        ("binary", "binary: empty is not null", "id bin",
         [[1, ""], [2, "AP+ACg=="], [3, "dGV4dA=="], [4, "Cg=="], [5, None]]),
        ("dates", "dates from year 1 to 9999 in the proleptic Gregorian calendar", "id day",
         [[1, "0001-01-01"], [2, "9999-12-31"], [3, "1969-12-31"], [4, "2024-02-29"], [5, None]]),
        ("decimals", "decimals of 4, 8 and 16 bytes keep every digit", "id p9 p18 p38",
         [[1, "-9999999.99", "-99999999999999.9999", "-9999999999999999999999999999.9999999999"],
          [2, "9999999.99", "99999999999999.9999", "9999999999999999999999999999.9999999999"],
          [3, "0.01", "0.0001", "0.0000000001"], [4, "1.50", "1.5000", "1.5000000000"], [5, None, None, None]]),
    ]:
        catalogue.case("types", f"types-{id}", title, "Primitive Types", name, [read(rows(names, *values), columns=names.split())])


TIMES = "(1, TIMESTAMP'1970-01-01T00:00:00Z'), (2, TIMESTAMP'1969-12-31T23:59:59.999999Z'), " \
        "(3, TIMESTAMP'2026-01-31T12:30:00.123456+01:00'), (4, TIMESTAMP'1500-03-01T00:00:00Z'), " \
        "(5, TIMESTAMP'9999-12-31T23:59:59.999999Z'), (6, NULL)"
TIME_ROWS = rows("id at", [1, "1970-01-01T00:00:00.000000Z"], [2, "1969-12-31T23:59:59.999999Z"],
                 [3, "2026-01-31T11:30:00.123456Z"], [4, "1500-03-01T00:00:00.000000Z"],
                 [5, "9999-12-31T23:59:59.999999Z"], [6, None])


@catalogue.table("spark/timestamps-micros", "timestamps as INT64 microseconds")
def timestamps_micros(t):
    with setting(spark__sql__parquet__outputTimestampType="TIMESTAMP_MICROS"):
        create(t, "id INT, at TIMESTAMP")
        insert(t, TIMES)
    catalogue.case("types", "types-timestamp-micros", "timestamps of microseconds are instants in UTC", "Primitive Types",
                   "spark/timestamps-micros", [read(TIME_ROWS)])


@catalogue.table("spark/timestamps-int96", "timestamps as INT96, also outside 1677..2262")
def timestamps_int96(t):
    with setting(spark__sql__parquet__outputTimestampType="INT96"):
        create(t, "id INT, at TIMESTAMP")
        insert(t, TIMES)
    catalogue.case("types", "types-timestamp-int96", "INT96 timestamps are read over their whole range", "Delta Data Type to Parquet Type Mappings",
                   "spark/timestamps-int96", [read(TIME_ROWS)])


@catalogue.table("spark/timestamp-ntz", "timestamps without a zone (feature timestampNtz)")
def timestamp_ntz(t):
    create(t, "id INT, at TIMESTAMP_NTZ")
    insert(t, "(1, TIMESTAMP_NTZ'1970-01-01T00:00:00'), (2, TIMESTAMP_NTZ'1969-12-31T23:59:59.999999'), "
              "(3, TIMESTAMP_NTZ'2026-03-29T02:30:00.5'), (4, NULL)")
    expected = rows("id at", [1, "1970-01-01T00:00:00.000000"], [2, "1969-12-31T23:59:59.999999"],
                    [3, "2026-03-29T02:30:00.500000"], [4, None])
    catalogue.case("types", "types-timestamp-ntz", "a timestamp without a zone is the wall clock that was written",
                   "Timestamp without timezone (TimestampNtz)", "spark/timestamp-ntz", [read(expected)])


@catalogue.table("spark/legacy-format", "lists, maps and decimals as Spark 1.4 to 1.6 wrote them (writeLegacyFormat)")
def legacy_format(t):
    with setting(spark__sql__parquet__writeLegacyFormat="true"):
        create(t, "id INT, tags ARRAY<STRING>, counts MAP<STRING, INT>, grid ARRAY<ARRAY<INT>>, points ARRAY<STRUCT<x: INT>>, p9 DECIMAL(9,2), p18 DECIMAL(18,4)")
        insert(t, """(1, array('a', NULL), map('k', 1, 'l', NULL), array(array(1), array()), array(named_struct('x', 7), NULL), -1.25, 12345678901234.5678),
                     (2, array(), map(), NULL, array(), NULL, NULL), (3, NULL, NULL, array(NULL), NULL, 0, -0.0001)""")
    expected = rows("id tags counts grid points p9 p18", [1, ["a", None], [["k", 1], ["l", None]], [[1], []], [{"x": 7}, None], "-1.25", "12345678901234.5678"],
                    [2, [], [], None, [], None, None], [3, None, None, [None], None, "0.00", "-0.0001"])
    catalogue.case("types", "types-legacy-format", "lists, maps and decimals of older writers", "Delta Data Type to Parquet Type Mappings", "spark/legacy-format",
                   [read(expected), read(rows("id", [1]), where="p9 < 0 AND p18 > 0", columns=["id"])], ["R6"])


@catalogue.table("spark/two-vectors", "deletion vectors of several files in one file, and a file with none")
def two_vectors(t):
    create(t, "id INT", **{"delta.enableDeletionVectors": "true"})
    for first in (0, 10, 20):
        insert(t, ", ".join(f"({first + i})" for i in range(10)))
    sql(f"DELETE FROM delta.`{t}` WHERE id % 7 = 1 AND id < 20")
    gone = {1, 8, 15}
    catalogue.case("deletion-vectors", "deletion-vector-shared-file", "deletion vectors of several data files lie in one file", "Deletion Vector File Storage Format",
                   "spark/two-vectors", [read(rows("id", *[[i] for i in range(30) if i not in gone])), read(rows("id", [14], [16]), where="id >= 14 AND id <= 16"),
                                         read(rows("id", *[[i] for i in range(30)]), version=3)], ["R3"])


@catalogue.table("spark/nested", "arrays, maps and structs in each other, with nulls at every level")
def nested(t):
    create(t, "id INT, tags ARRAY<STRING>, counts MAP<STRING, BIGINT>, s STRUCT<a: INT, deep: STRUCT<x: DOUBLE, "
              "list: ARRAY<STRUCT<k: STRING, v: DECIMAL(10,2)>>>>, grid ARRAY<ARRAY<INT>>, by_day MAP<DATE, ARRAY<INT>>")
    insert(t, """
      (1, array('a', NULL, ''), map('b', 2L, 'a', NULL),
       named_struct('a', 1, 'deep', named_struct('x', 0.5D, 'list', array(named_struct('k', 'one', 'v', 1BD), NULL))),
       array(array(1, 2), array(), NULL), map(DATE'2026-01-31', array(1, NULL)))""")
    insert(t, "(2, array(), map(), named_struct('a', NULL, 'deep', NULL), array(), map()), (3, NULL, NULL, NULL, NULL, NULL)")
    name = "spark/nested"
    for id, title, names, values in [
        ("arrays", "arrays: null, empty and with null elements differ", "id tags grid",
         [[1, ["a", None, ""], [[1, 2], [], None]], [2, [], []], [3, None, None]]),
        ("maps", "maps: null, empty and with null values differ", "id counts by_day",
         [[1, [["a", None], ["b", 2]], [["2026-01-31", [1, None]]]], [2, [], []], [3, None, None]]),
        ("structs", "structs: a null struct is not a struct of nulls", "id s",
         [[1, {"a": 1, "deep": {"x": 0.5, "list": [{"k": "one", "v": "1.00"}, None]}}], [2, {"a": None, "deep": None}], [3, None]]),
    ]:
        catalogue.case("types", f"types-{id}", title, "Schema Serialization Format", name, [read(rows(names, *values), columns=names.split())])


@catalogue.table("spark/void", "a column of type void, which no data file holds")
def void(t):
    sql(f"CREATE TABLE delta.`{t}` USING delta AS SELECT /*+ COALESCE(1) */ id, CAST(NULL AS VOID) AS nothing FROM VALUES (1), (2) AS v(id)")
    catalogue.case("types", "types-void", "a void column is null in every row", "Void Type", "spark/void",
                   [read(rows("id nothing", [1, None], [2, None]))])


@catalogue.table("spark/variant", "a variant column (feature variantType)")
def variant(t):
    create(t, "id INT, v VARIANT")
    insert(t, """(1, parse_json('{"b": [1, "x", null], "a": {"deep": 1.5}}')), (2, parse_json('"text"')), (3, parse_json('null')),
                 (4, NULL), (5, parse_json('12345678901')), (6, parse_json('[true, false]'))""")
    expected = rows("id v", [1, {"a": {"deep": "1.5"}, "b": [1, "x", None]}], [2, "text"], [3, None], [4, None], [5, 12345678901],
                    [6, [True, False]])
    catalogue.case("variant", "variant-plain", "a variant is the value it was made of", "Variant Data Type", "spark/variant", [read(expected)])


@catalogue.table("spark/variant-shredded", "a shredded variant: typed columns and the rest")
def variant_shredded(t):
    with setting(spark__sql__variant__writeShredding__enabled="true", spark__sql__variant__allowReadingShredded="true",
                 spark__sql__variant__forceShreddingSchemaForTest="a int, b string"):
        create(t, "id INT, v VARIANT", **{"delta.enableVariantShredding": "true"})
        insert(t, """(1, parse_json('{"a": 1, "b": "x"}')), (2, parse_json('{"a": "not a number", "c": [1]}')),
                     (3, parse_json('7')), (4, NULL), (5, parse_json('{"b": null}'))""")
    expected = rows("id v", [1, {"a": 1, "b": "x"}], [2, {"a": "not a number", "c": [1]}], [3, 7], [4, None], [5, {"b": None}])
    catalogue.case("variant", "variant-shredded", "a shredded variant is put together again", "Variant Shredding", "spark/variant-shredded",
                   [read(expected)])


# ---------------------------------------------------------------- partitions
def partitioned(id, type, title, values):
    """`values`: SQL literal and canonical value. The partition column comes first in the schema."""
    name = f"spark/by-{id}"

    @catalogue.table(name, f"partitioned by a column of type {type}")
    def make(t):
        create(t, f"part {type}, n INT", "part")
        insert(t, ", ".join(f"({literal}, {n})" for n, (literal, _) in enumerate(values)))
        catalogue.case("partitions", f"partition-{id}", title, "Partition Value Serialization", name,
                       [read(rows("part n", *[[value, n] for n, (_, value) in enumerate(values)]))], ["R5"])


partitioned("string", "STRING", "text partition values, whatever paths and URIs think of them",
            [(f"'{sql_text}'", value) for sql_text, value in [
                ("a b", "a b"), ("a/b", "a/b"), ("100%", "100%"), ("%2F", "%2F"), ("ünïcödé", "ünïcödé"), ("it\\'s", "it's"), ("k=v", "k=v"),
                ("x:y", "x:y"), ("{z}", "{z}"), ("..", ".."), ("a+b&c?d#e", "a+b&c?d#e"), ("👩‍🚀", "👩‍🚀"), ("C:\\\\dir", "C:\\dir"),
                ("1e3", "1e3"), ("null", "null")]] + [("NULL", None)])
partitioned("empty-string", "STRING", "an empty partition value is null", [("''", None), ("'x'", "x")])
partitioned("boolean", "BOOLEAN", "boolean partition values", [("true", True), ("false", False), ("NULL", None)])
partitioned("byte", "TINYINT", "byte partition values", [("-128Y", -128), ("127Y", 127), ("NULL", None)])
partitioned("short", "SMALLINT", "short partition values", [("-32768S", -32768), ("32767S", 32767), ("NULL", None)])
partitioned("integer", "INT", "integer partition values", [("-2147483648", -2147483648), ("2147483647", 2147483647), ("NULL", None)])
partitioned("long", "BIGINT", "long partition values, exact beyond 2^53",
            [("9007199254740993L", "9007199254740993"), ("-1L", -1), ("NULL", None)])
partitioned("float", "FLOAT", "float partition values",
            [("float('0.1')", 0.10000000149011612), ("float('Infinity')", "Infinity"), ("float('NaN')", "NaN"), ("NULL", None)])
partitioned("double", "DOUBLE", "double partition values in Java's text",
            [("1.0E10D", 10000000000), ("0.1D", 0.1), ("double('-Infinity')", "-Infinity"), ("double('NaN')", "NaN"), ("NULL", None)])
partitioned("decimal", "DECIMAL(38,10)", "decimal partition values of 38 digits",
            [("1234567890123456789012345678.0123456789", "1234567890123456789012345678.0123456789"),
             ("-0.5", "-0.5000000000"), ("NULL", None)])
partitioned("date", "DATE", "date partition values", [("DATE'2026-01-31'", "2026-01-31"), ("DATE'1969-12-31'", "1969-12-31"), ("NULL", None)])
partitioned("timestamp", "TIMESTAMP", "timestamp partition values",
            [("TIMESTAMP'2026-01-31T12:00:00.123456Z'", "2026-01-31T12:00:00.123456Z"),
             ("TIMESTAMP'1969-12-31T23:59:59Z'", "1969-12-31T23:59:59.000000Z"), ("NULL", None)])
partitioned("timestamp-ntz", "TIMESTAMP_NTZ", "partition values of timestamps without a zone",
            [("TIMESTAMP_NTZ'2026-01-31T12:00:00.5'", "2026-01-31T12:00:00.500000"), ("NULL", None)])
partitioned("binary", "BINARY", "binary partition values of printable bytes", [("X'74657874'", "dGV4dA=="), ("NULL", None)])


@catalogue.table("spark/by-two", "two partition columns, in the middle of the schema")
def by_two(t):
    create(t, "n INT, day DATE, city STRING, text STRING", "city, day")
    insert(t, "(1, DATE'2026-01-31', 'köln', 'a'), (2, DATE'2026-01-31', 'bonn', 'b'), (3, NULL, NULL, 'c')")
    all_rows = rows("n day city text", [1, "2026-01-31", "köln", "a"], [2, "2026-01-31", "bonn", "b"], [3, None, None, "c"])
    catalogue.case("partitions", "partition-two-columns", "partition columns keep their place in the schema", "Partition Value Serialization",
                   "spark/by-two", [
                       read(all_rows), read(all_rows[:1], where="city = 'köln'"), read(all_rows[2:], where="city IS NULL"),
                       read(all_rows[:2], where="day = DATE '2026-01-31' AND n < 3"), read(rows("city", ["köln"], ["bonn"], [None]), columns=["city"])],
                   ["R5", "R8"])


# ---------------------------------------------------------------- checkpoints
def counted(n):
    return rows("id name", *[[i, f"row {i}"] for i in range(n)])


def count_up(t, commits, **properties):
    create(t, "id INT, name STRING", **properties)
    for i in range(commits):
        insert(t, f"({i}, 'row {i}')")


def versions(n, *which):
    return [read(counted(n))] + [read(counted(v), version=v) for v in which]


@catalogue.table("spark/checkpoint-classic", "a classic checkpoint at version 3, commits after it")
def checkpoint_classic(t):
    count_up(t, 5, **{"delta.checkpointInterval": "3"})
    catalogue.case("checkpoints", "checkpoint-classic", "a version is the same from its checkpoint and from its commits", "Checkpoints",
                   "spark/checkpoint-classic", versions(5, 0, 1, 3, 4, 5), ["L1", "L2"])
    catalogue.case("time-travel", "version-absent", "a version that is not there is not another one", "Checkpoints", "spark/checkpoint-classic",
                   [fails("VERSION_NOT_FOUND", version=99)])


@catalogue.table("spark/checkpoint-multipart", "a checkpoint in several parts")
def checkpoint_multipart(t):
    with setting(spark__databricks__delta__checkpoint__partSize="2"):
        count_up(t, 5, **{"delta.checkpointInterval": "4"})
    catalogue.case("checkpoints", "checkpoint-multipart", "the parts of a checkpoint make one state", "Multi-part checkpoint",
                   "spark/checkpoint-multipart", versions(5, 4), ["L1"])


for form in ("json", "parquet"):
    @catalogue.table(f"spark/checkpoint-v2-{form}", f"a V2 checkpoint: {form} with sidecars")
    def checkpoint_v2(t, form=form):
        with setting(spark__databricks__delta__checkpointV2__topLevelFileFormat=form, spark__databricks__delta__checkpoint__partSize="2"):
            count_up(t, 5, **{"delta.checkpointInterval": "4", "delta.checkpointPolicy": "v2"})
        catalogue.case("checkpoints", f"checkpoint-v2-{form}", f"a V2 checkpoint in {form} and its sidecars make one state", "V2 Spec",
                       f"spark/checkpoint-v2-{form}", versions(5, 4, 2), ["L1"])


@catalogue.table("spark/checkpoint-struct-stats", "a checkpoint with stats_parsed and partitionValues_parsed, without stats as JSON")
def checkpoint_struct_stats(t):
    create(t, "part DATE, id INT, amount DECIMAL(10,2), moment TIMESTAMP", "part", **{
        "delta.checkpointInterval": "3", "delta.checkpoint.writeStatsAsJson": "false", "delta.checkpoint.writeStatsAsStruct": "true"})
    insert(t, "(DATE'2026-01-01', 1, 1.5, TIMESTAMP'2026-01-01T00:00:00.0005Z')")
    insert(t, "(DATE'2026-01-02', 2, 2.5, TIMESTAMP'2026-01-02T00:00:00Z')")
    insert(t, "(NULL, 3, NULL, NULL)")
    all_rows = rows("part id amount moment", ["2026-01-01", 1, "1.50", "2026-01-01T00:00:00.000500Z"], ["2026-01-02", 2, "2.50", "2026-01-02T00:00:00.000000Z"],
                    [None, 3, None, None])
    catalogue.case("checkpoints", "checkpoint-struct-stats", "statistics as columns of a checkpoint prune as those in JSON do", "Checkpoint Schema",
                   "spark/checkpoint-struct-stats", [
                       read(all_rows), read(all_rows[1:2], where="id = 2"), read(all_rows[1:2], where="amount > 2"),
                       read(all_rows[:1], where="part < DATE '2026-01-02'"), read(all_rows[2:], where="amount IS NULL"),
                       read(all_rows[:1], where="moment > TIMESTAMP '2026-01-01 00:00:00.000400Z' AND moment < TIMESTAMP '2026-01-02 00:00:00Z'")], ["R8"])


# ---------------------------------------------------------------- deletion vectors
@catalogue.table("spark/deletion-vectors", "rows deleted twice from one file, then updated, with deletion vectors")
def deletion_vectors(t):
    create(t, "id INT, text STRING", **{"delta.enableDeletionVectors": "true"})
    insert(t, ", ".join(f"({i}, 'row {i}')" for i in range(10)))
    sql(f"DELETE FROM delta.`{t}` WHERE id IN (0, 3, 9)")
    sql(f"DELETE FROM delta.`{t}` WHERE id = 4")
    sql(f"UPDATE delta.`{t}` SET text = 'new' WHERE id = 5")
    at = lambda gone: [r for r in rows("id text", *[[i, f"row {i}"] for i in range(10)]) if r["id"] not in gone]
    last = at({0, 3, 4, 5, 9}) + rows("id text", [5, "new"])
    catalogue.case("deletion-vectors", "deletion-vector-file", "deleted rows are gone, and only from the version on", "Deletion Vectors",
                   "spark/deletion-vectors", [read(last), read(at(set()), version=1), read(at({0, 3, 9}), version=2), read(at({0, 3, 4, 9}), version=3)],
                   ["R3"])
    catalogue.case("deletion-vectors", "deletion-vector-where", "a filter sees only the rows that are left", "Deletion Vectors",
                   "spark/deletion-vectors", [read(rows("id text", [5, "new"]), where="id >= 3 AND id <= 5"), read([], where="id = 9"),
                                              read(rows("id", [1], [2]), where="id < 4", columns=["id"])], ["R3", "R8"])


@catalogue.table("spark/deletion-vectors-partitioned", "deletion vectors in a partitioned, column-mapped table with a checkpoint")
def deletion_vectors_partitioned(t):
    create(t, "part STRING, id INT", "part", **{"delta.enableDeletionVectors": "true", "delta.columnMapping.mode": "name", "delta.checkpointInterval": "2"})
    insert(t, ", ".join(f"('{'ab'[i % 2]}', {i})" for i in range(8)))
    sql(f"DELETE FROM delta.`{t}` WHERE id IN (2, 5)")
    insert(t, "('c', 8)")
    left = rows("part id", *[["ab"[i % 2], i] for i in range(8) if i not in (2, 5)])
    catalogue.case("deletion-vectors", "deletion-vector-checkpoint", "deletion vectors of a checkpoint, with mapped columns", "Deletion Vectors",
                   "spark/deletion-vectors-partitioned", [read(left + rows("part id", ["c", 8])), read(left, version=2), read([r for r in left if r["part"] == "a"], where="part = 'a'")],
                   ["R3", "R4"])


# ---------------------------------------------------------------- column mapping
for mode in ("name", "id"):
    @catalogue.table(f"spark/mapping-{mode}", f"column mapping mode {mode}: renamed, dropped and added columns, nested and partition columns")
    def mapping(t, mode=mode):
        create(t, "part STRING, a INT, gone INT, s STRUCT<x: INT, y: ARRAY<STRUCT<z: STRING>>>", "part", **{"delta.columnMapping.mode": mode})
        insert(t, "('p', 1, 10, named_struct('x', 1, 'y', array(named_struct('z', 'one'))))")
        sql(f"ALTER TABLE delta.`{t}` RENAME COLUMN a TO `b c,d`")
        sql(f"ALTER TABLE delta.`{t}` RENAME COLUMN s.x TO w")
        sql(f"ALTER TABLE delta.`{t}` DROP COLUMN gone")
        sql(f"ALTER TABLE delta.`{t}` ADD COLUMN (a STRING)")
        sql(f"ALTER TABLE delta.`{t}` RENAME COLUMN part TO district")
        insert(t, "('q', 2, named_struct('w', 2, 'y', array()), 'new')")
        name = f"spark/mapping-{mode}"
        now = [{"district": "p", "b c,d": 1, "s": {"w": 1, "y": [{"z": "one"}]}, "a": None}, {"district": "q", "b c,d": 2, "s": {"w": 2, "y": []}, "a": "new"}]
        catalogue.case("column-mapping", f"mapping-{mode}", f"columns mapped by {mode} are found under names of now", "Column Mapping", name,
                       [read(now), read(now[1:], where="district = 'q'"), read([{"a": None}, {"a": "new"}], columns=["a"])], ["R4"])
        catalogue.case("column-mapping", f"mapping-{mode}-then", f"columns mapped by {mode} have their names of then", "Column Mapping", name,
                       [read([{"part": "p", "a": 1, "gone": 10, "s": {"x": 1, "y": [{"z": "one"}]}}], version=1)], ["R4"])


@catalogue.table("spark/mapping-upgraded", "a plain table upgraded to column mapping: old files have logical names")
def mapping_upgraded(t):
    create(t, "id INT, old STRING")
    insert(t, "(1, 'before')")
    sql(f"ALTER TABLE delta.`{t}` SET TBLPROPERTIES ('delta.columnMapping.mode' = 'name', 'delta.minReaderVersion' = '2', 'delta.minWriterVersion' = '5')")
    sql(f"ALTER TABLE delta.`{t}` RENAME COLUMN old TO new")
    insert(t, "(2, 'after')")
    catalogue.case("column-mapping", "mapping-upgraded", "files from before the mapping are found by their physical names", "Column Mapping",
                   "spark/mapping-upgraded", [read(rows("id new", [1, "before"], [2, "after"])), read(rows("id old", [1, "before"]), version=1)], ["R4"])


# ---------------------------------------------------------------- type widening
@catalogue.table("spark/widening", "every widening of a top-level column, with files from before and after")
def widening(t):
    create(t, "id INT, b TINYINT, s SMALLINT, i INT, f FLOAT, n INT, p DECIMAL(5,2), day DATE", **{"delta.enableTypeWidening": "true", "delta.feature.timestampNtz": "supported"})
    insert(t, "(1, 127, 32767, 2147483647, float('0.1'), 7, 123.45, DATE'2026-01-31')")
    for column, type in [("b", "SMALLINT"), ("s", "INT"), ("i", "BIGINT"), ("f", "DOUBLE"), ("n", "DOUBLE"), ("p", "DECIMAL(10,4)"), ("day", "TIMESTAMP_NTZ")]:
        sql(f"ALTER TABLE delta.`{t}` ALTER COLUMN {column} TYPE {type}")
    sql(f"ALTER TABLE delta.`{t}` ALTER COLUMN b TYPE BIGINT")
    insert(t, "(2, 32768L, 32768, 2147483648L, 0.1D, 0.5D, 123456.7891, TIMESTAMP_NTZ'2026-01-31T12:00:00')")
    names = "id b s i f n p day"
    now = rows(names, [1, 127, 32767, 2147483647, 0.10000000149011612, 7, "123.4500", "2026-01-31T00:00:00.000000"],
               [2, 32768, 32768, 2147483648, 0.1, 0.5, "123456.7891", "2026-01-31T12:00:00.000000"])
    catalogue.case("type-widening", "widening-all", "old files read as the wider type", "Type Widening", "spark/widening",
                   [read(now), read(rows(names, [1, 127, 32767, 2147483647, 0.10000000149011612, 7, "123.45", "2026-01-31"]), version=1)])
    catalogue.case("type-widening", "widening-where", "statistics of the old type prune rightly for the new one", "Type Widening", "spark/widening",
                   [read(now[1:], where="i > 2147483647"), read(now[:1], where="b = 127"), read(now[:1], where="p = 123.45"), read(now[1:], where="n = 0.5")], ["R8"])


@catalogue.table("spark/widening-nested", "widening inside structs, arrays and maps, and of a partition column")
def widening_nested(t):
    create(t, "part INT, s STRUCT<a: TINYINT>, list ARRAY<SMALLINT>, m MAP<TINYINT, INT>", "part", **{"delta.enableTypeWidening": "true"})
    insert(t, "(1, named_struct('a', 1Y), array(2S), map(3Y, 4))")
    for column, type in [("part", "BIGINT"), ("s.a", "INT"), ("list.element", "INT"), ("m.key", "SMALLINT"), ("m.value", "BIGINT")]:
        sql(f"ALTER TABLE delta.`{t}` ALTER COLUMN {column} TYPE {type}")
    insert(t, "(5000000000L, named_struct('a', 70000), array(70000), map(300S, 5000000000L))")
    catalogue.case("type-widening", "widening-nested", "types widen at every depth, and in partitions", "Type Widening", "spark/widening-nested",
                   [read(rows("part s list m", [1, {"a": 1}, [2], [[3, 4]]], [5000000000, {"a": 70000}, [70000], [[300, 5000000000]]]))], ["R5"])


# ---------------------------------------------------------------- schema evolution, history
@catalogue.table("spark/evolution", "columns and nested fields added later, in front as well")
def evolution(t):
    create(t, "id INT, s STRUCT<a: INT>")
    insert(t, "(1, named_struct('a', 1))")
    sql(f"ALTER TABLE delta.`{t}` ADD COLUMNS (first STRING FIRST, s.b STRING)")
    insert(t, "('x', 2, named_struct('a', 2, 'b', 'y'))")
    catalogue.case("schema-evolution", "evolution-added", "a column that a file does not have is null in it, nested too", "Consistency Between Table Metadata and Data Files",
                   "spark/evolution", [
                       read([{"first": None, "id": 1, "s": {"a": 1, "b": None}}, {"first": "x", "id": 2, "s": {"a": 2, "b": "y"}}]),
                       read([{"id": 1, "s": {"a": 1}}], version=1), read([{"first": None, "id": 1, "s": {"a": 1, "b": None}}], where="first IS NULL")], ["R6"])


@catalogue.table("spark/overwritten-schema", "overwritten with another schema and another partitioning")
def overwritten_schema(t):
    create(t, "id INT, old STRING", "old")
    insert(t, "(1, 'x')")
    spark.createDataFrame([("y", 2.5)], "new string, amount double").coalesce(1).write.format("delta").mode("overwrite") \
        .option("overwriteSchema", "true").partitionBy("new").save(str(t))
    catalogue.case("schema-evolution", "evolution-overwritten", "each version has its own schema and partitioning", "Change Metadata", "spark/overwritten-schema",
                   [read(rows("new amount", ["y", 2.5])), read(rows("id old", [1, "x"]), version=1)], ["T1"])


@catalogue.table("spark/history", "insert, delete, update, merge, overwrite, optimize and restore")
def history(t):
    create(t, "id INT, text STRING", **FAR_BACK)
    insert(t, "(1, 'a'), (2, 'b'), (3, 'c')")
    sql(f"DELETE FROM delta.`{t}` WHERE id = 1")
    sql(f"UPDATE delta.`{t}` SET text = 'B' WHERE id = 2")
    sql(f"MERGE INTO delta.`{t}` t USING (SELECT * FROM VALUES (3, 'C'), (4, 'D') AS v(id, text)) s ON t.id = s.id "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *")
    insert(t, "(5, 'e')")
    sql(f"OPTIMIZE delta.`{t}`")
    sql(f"INSERT OVERWRITE delta.`{t}` VALUES (9, 'z')")
    sql(f"RESTORE TABLE delta.`{t}` TO VERSION AS OF 2")
    r = lambda *v: rows("id text", *v)
    steps = [(0, r()), (1, r([1, "a"], [2, "b"], [3, "c"])), (2, r([2, "b"], [3, "c"])), (3, r([2, "B"], [3, "c"])), (4, r([2, "B"], [3, "C"], [4, "D"])),
             (5, r([2, "B"], [3, "C"], [4, "D"], [5, "e"])), (6, r([2, "B"], [3, "C"], [4, "D"], [5, "e"])), (7, r([9, "z"])), (8, r([2, "b"], [3, "c"]))]
    catalogue.case("time-travel", "version-each", "every operation's version reads as it was", "Action Reconciliation", "spark/history",
                   [read(steps[-1][1])] + [read(expected, version=v) for v, expected in steps], ["L3", "T1"])
    hours = [f"2026-01-01T{h:02d}:00:00Z" for h in range(9)]
    catalogue.case("time-travel", "timestamp-of-commit-files", "without in-commit timestamps the time of a version is that of its commit file", "Recommendations for Readers of Tables with In-Commit Timestamps",
                   "spark/history", [read(steps[3][1], timestamp="2026-01-01T03:30:00Z"), read(steps[4][1], timestamp="2026-01-01T04:00:00Z"),
                                     fails("VERSION_NOT_FOUND", timestamp="2025-12-31T00:00:00Z")], commit_times=hours)
    # Version 2 was copied late: its time counts as after version 1's and before version 3's (each at least 1 ms later than the one before).
    late = [*hours[:2], "2026-01-01T05:00:00Z", "2026-01-01T03:00:00Z", *hours[4:]]
    catalogue.case("time-travel", "timestamp-not-monotonic", "times of commit files that go back are made to go forward", "Recommendations for Readers of Tables with In-Commit Timestamps",
                   "spark/history", [read(steps[1][1], timestamp="2026-01-01T04:30:00Z"), read(steps[2][1], timestamp="2026-01-01T05:00:00Z")], commit_times=late)


@catalogue.table("spark/in-commit-timestamps", "in-commit timestamps from version 0")
def in_commit_timestamps(t):
    count_up(t, 3, **{"delta.enableInCommitTimestamps": "true", **FAR_BACK})
    times = [actions(t, v)[0]["commitInfo"]["inCommitTimestamp"] for v in range(4)]
    iso = lambda ms: f"{__import__('datetime').datetime.fromtimestamp(ms / 1000, __import__('datetime').timezone.utc):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"
    catalogue.case("time-travel", "timestamp-in-commit", "in-commit timestamps count, not the times of files", "In-Commit Timestamps", "spark/in-commit-timestamps",
                   [read(counted(2), timestamp=iso(times[2])), read(counted(1), timestamp=iso(times[2] - 1)), fails("VERSION_NOT_FOUND", timestamp=iso(times[0] - 1))],
                   commit_times=["2020-01-01T00:00:00Z"] * 4)


# ---------------------------------------------------------------- change data feed
def feed(id, title, properties):
    name = f"spark/feed-{id}"

    @catalogue.table(name, f"a change data feed: {title}")
    def make(t):
        create(t, "id INT, text STRING", **{"delta.enableChangeDataFeed": "true", **properties})
        insert(t, "(1, 'a'), (2, 'b'), (3, 'c')")
        sql(f"UPDATE delta.`{t}` SET text = 'B' WHERE id = 2")
        sql(f"DELETE FROM delta.`{t}` WHERE id = 1")
        insert(t, "(4, 'd')")
        sql(f"DELETE FROM delta.`{t}`")
        names = "id text _change_type _commit_version"
        at = {1: rows(names, [1, "a", "insert", 1], [2, "b", "insert", 1], [3, "c", "insert", 1]),
              2: rows(names, [2, "b", "update_preimage", 2], [2, "B", "update_postimage", 2]), 3: rows(names, [1, "a", "delete", 3]),
              4: rows(names, [4, "d", "insert", 4]), 5: rows(names, [2, "B", "delete", 5], [3, "c", "delete", 5], [4, "d", "delete", 5])}
        everything = [r for v in sorted(at) for r in at[v]]
        catalogue.case("change-feed", f"feed-{id}", title, "Add CDC File", name,
                       [changes(0, 5, everything), changes(2, 2, at[2]), changes(3, 4, at[3] + at[4]), read([])], ["F1"])


feed("files", "changes come from change files where there are any, else from added and removed files", {})
feed("deletion-vectors", "changes with deletion vectors are the rows that went", {"delta.enableDeletionVectors": "true"})
feed("mapping", "changes of a column-mapped table", {"delta.columnMapping.mode": "name"})


@catalogue.table("spark/feed-partitioned", "a change data feed of a partitioned table, switched on late")
def feed_partitioned(t):
    create(t, "part STRING, id INT", "part")
    insert(t, "('a b', 1), ('c', 2)")
    sql(f"ALTER TABLE delta.`{t}` SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')")
    sql(f"DELETE FROM delta.`{t}` WHERE part = 'c'")
    sql(f"UPDATE delta.`{t}` SET id = 3 WHERE id = 1")
    sql(f"OPTIMIZE delta.`{t}`")
    names = "part id _change_type _commit_version"
    catalogue.case("change-feed", "feed-partitioned", "changes carry their partition values; optimizing changes nothing", "Add CDC File", "spark/feed-partitioned",
                   [changes(2, 4, rows(names, ["c", 2, "delete", 3], ["a b", 1, "update_preimage", 4], ["a b", 3, "update_postimage", 4]))], ["F1"])
    catalogue.case("change-feed", "feed-not-enabled", "changes from before the feed are refused", "Add CDC File", "spark/feed-partitioned",
                   [{"op": "changes", "from": 0, "to": 3, "expect": {"error": {"codes": ["INVALID_OPTIONS", "VERSION_NOT_FOUND", "UNSUPPORTED_FEATURE", "CHANGES_NOT_AVAILABLE"]}}}], ["F1"])


# ---------------------------------------------------------------- features a reader sees through
def plain(id, title, section, columns, values, expected, after=(), **properties):
    name = f"spark/{id}"

    @catalogue.table(name, title)
    def make(t):
        create(t, columns, **properties)
        for one in values:
            insert(t, one) if isinstance(one, str) else one(t)
        for statement in after:
            sql(statement.format(t=t))
        catalogue.case("features", f"feature-{id}", title, section, name, [read(expected)])


plain("row-tracking", "row tracking does not show in the rows", "Row Tracking", "id INT", ["(1), (2), (3)"], rows("id", [1], [9], [3]),
      ["UPDATE delta.`{t}` SET id = 9 WHERE id = 2"], **{"delta.enableRowTracking": "true"})
TRACKED = {"delta.enableRowTracking": "true", "delta.enableDeletionVectors": "false"}


def row_ids(expected, **how):
    """Ids in the order in which rows came; every file takes a range of its own, also where its rows keep older ids."""
    return read(rows("id _row_id _row_commit_version", *expected), rowIds=True, columns=["id", "_row_id", "_row_commit_version"], **how)


@catalogue.table("spark/row-ids", "tracked rows: inserted, updated, deleted and moved by OPTIMIZE")
def tracked_rows(t):
    create(t, "id INT, text STRING", **TRACKED)                        # version 0
    insert(t, "(1, 'a'), (2, 'b'), (3, 'c')")                          # 1: ids 0, 1, 2
    insert(t, "(4, 'd'), (5, 'e')")                                    # 2: ids 3, 4
    sql(f"UPDATE delta.`{t}` SET text = 'B' WHERE id = 2")             # 3: three rows written again take 5 to 7, and keep 0 to 2
    insert(t, "(6, 'f')")                                              # 4: id 8
    sql(f"DELETE FROM delta.`{t}` WHERE id = 4")                       # 5: one row written again takes 9, and keeps 4
    sql(f"OPTIMIZE delta.`{t}`")                                       # 6
    last = [[1, 0, 1], [2, 1, 3], [3, 2, 1], [5, 4, 2], [6, 8, 4]]
    catalogue.case("row-ids", "row-ids-kept", "rows keep their ids when they are updated or moved, and get the version of the update", "Row Tracking",
                   "spark/row-ids", [row_ids([[1, 0, 1], [2, 1, 1], [3, 2, 1], [4, 3, 2], [5, 4, 2]], version=2),
                                     row_ids([[1, 0, 1], [2, 1, 3], [3, 2, 1], [4, 3, 2], [5, 4, 2]], version=3), row_ids(last, version=5), row_ids(last)], ["R10"])
    catalogue.case("row-ids", "row-ids-filter", "row ids can be asked for by a filter, and do not show unless wanted", "Row Tracking", "spark/row-ids",
                   [read(rows("id _row_commit_version", [2, 3], [6, 4]), rowIds=True, columns=["id", "_row_commit_version"], where="_row_commit_version >= 3"),
                    read(rows("id _row_id", [5, 4]), rowIds=True, columns=["id", "_row_id"], where="_row_id = 4"),
                    read(rows("id text", [1, "a"], [2, "B"], [3, "c"], [5, "e"], [6, "f"]))], ["R10"])


@catalogue.table("spark/row-ids-vectors", "tracked rows with deletion vectors, mapped columns and a checkpoint")
def tracked_rows_vectors(t):
    create(t, "id INT, text STRING", **{**TRACKED, "delta.enableDeletionVectors": "true", "delta.columnMapping.mode": "name", "delta.checkpointInterval": "4"})
    insert(t, "(1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')")                # 1: ids 0 to 3
    sql(f"DELETE FROM delta.`{t}` WHERE id = 2")                       # 2: id 1 is gone, the file stays
    sql(f"UPDATE delta.`{t}` SET text = 'C' WHERE id = 3")             # 3: one row written again takes 4, and keeps 2
    insert(t, "(5, 'e')")                                              # 4: id 5, and a checkpoint
    catalogue.case("row-ids", "row-ids-vectors", "row ids count deleted rows, and come from checkpoints as well", "Row Tracking", "spark/row-ids-vectors",
                   [row_ids([[1, 0, 1], [3, 2, 1], [4, 3, 1]], version=2), row_ids([[1, 0, 1], [3, 2, 3], [4, 3, 1], [5, 5, 4]]),
                    row_ids([[4, 3, 1]], where="id = 4")], ["R10"])


@catalogue.table("spark/row-ids-later", "rows tracked from a later version on")
def tracked_later(t):
    create(t, "id INT")
    insert(t, "(1), (2)")                                              # 1
    sql(f"ALTER TABLE delta.`{t}` SET TBLPROPERTIES ('delta.enableRowTracking' = 'true')")
    catalogue.case("row-ids", "row-ids-absent", "a version that does not track rows has no row ids, and says so", "Reader Requirements for Row Tracking",
                   "spark/row-ids-later", [fails("UNSUPPORTED_FEATURE", names=["delta.enableRowTracking"], version=1, rowIds=True),
                                           read(rows("id _row_id", [1, 0], [2, 1]), rowIds=True, columns=["id", "_row_id"])], ["R10"])


@catalogue.table("spark/shallow-clone", "a shallow clone, with a deletion vector and a file of its own, beside its source", placeholders=True)
def shallow_clone(t):
    source, clone = t / "source", t / "clone"
    create(source, "id INT, part STRING, text STRING", "part", **{"delta.enableDeletionVectors": "true"})
    insert(source, "(1, 'a b', 'one'), (2, 'a b', 'two'), (3, 'c', 'three')")
    sql(f"DELETE FROM delta.`{source}` WHERE id = 2")
    sql(f"CREATE TABLE delta.`{clone}` SHALLOW CLONE delta.`{source}`")
    insert(clone, "(4, 'c', 'four')")
    sql(f"DELETE FROM delta.`{source}` WHERE id = 3")                  # the clone does not see it
    for path in (clone / "_delta_log").glob("*"):
        if path.suffix == ".json":
            path.write_text(path.read_text().replace(f"file:{t}/", "file:@TABLE_PATH@/").replace(f"delta.`{t}/", "delta.`@TABLE_PATH@/"))
        else:
            path.unlink()                                              # a checkpoint and checksums, which name the place as well
    expected = rows("id part text", [1, "a b", "one"], [3, "c", "three"], [4, "c", "four"])
    catalogue.case("clones", "shallow-clone", "a shallow clone is read where its source is allowed, and otherwise right or refused", "Add File and Remove File",
                   "spark/shallow-clone", [{"op": "read", "expect": {"rowsOrError": expected}}, read(expected, allowedPaths=["../source"]),
                                           read(rows("id", [3], [4]), where="part = 'c'", columns=["id"], allowedPaths=["../source"])], ["S5"], folder="clone")


plain("generated", "generated columns read as they were stored", "Generated Columns", "id INT, twice INT GENERATED ALWAYS AS (id * 2)",
      [lambda t: sql(f"INSERT INTO delta.`{t}` (id) VALUES (1), (2)")], rows("id twice", [1, 2], [2, 4]))
plain("identity", "identity columns read as they were stored", "Identity Columns",
      "id BIGINT GENERATED BY DEFAULT AS IDENTITY (START WITH 100 INCREMENT BY 10), text STRING",
      [lambda t: sql(f"INSERT INTO delta.`{t}` SELECT /*+ COALESCE(1) */ * FROM VALUES (7L, 'x'), (8L, 'y')")], rows("id text", [7, "x"], [8, "y"]))
plain("defaults", "a default of a column is for writers", "Default Columns", "id INT, text STRING DEFAULT 'none'",
      [lambda t: sql(f"INSERT INTO delta.`{t}` (id) VALUES (1)"), "(2, NULL)"], rows("id text", [1, "none"], [2, None]),
      **{"delta.feature.allowColumnDefaults": "supported"})
plain("constraints", "constraints are for writers", "CHECK Constraints", "id INT NOT NULL, n INT", ["(1, 1)"], rows("id n", [1, 1]),
      ["ALTER TABLE delta.`{t}` ADD CONSTRAINT positive CHECK (n > 0)"])


@catalogue.table("spark/clustered", "a clustered table: domain metadata and optimized files")
def clustered(t):
    sql(f"CREATE TABLE delta.`{t}` (id INT, text STRING) USING delta CLUSTER BY (id)")
    insert(t, "(1, 'a')")
    insert(t, "(2, 'b')")
    sql(f"OPTIMIZE delta.`{t}`")
    catalogue.case("features", "feature-clustered", "clustering and domain metadata do not show in the rows", "Clustered Table", "spark/clustered",
                   [read(rows("id text", [1, "a"], [2, "b"]))])


@catalogue.table("spark/iceberg-compat", "IcebergCompatV2: mapped columns and materialized partition values")
def iceberg_compat(t):
    create(t, "id INT, part STRING", "part", **{"delta.columnMapping.mode": "name", "delta.feature.icebergCompatV2": "supported", "delta.enableIcebergCompatV2": "true"})
    insert(t, "(1, 'a'), (2, 'b')")
    catalogue.case("features", "feature-iceberg-compat", "partition columns that files hold as well count once", "Iceberg Compatibility V2", "spark/iceberg-compat",
                   [read(rows("id part", [1, "a"], [2, "b"])), read(rows("id part", [2, "b"]), where="part = 'b'")])


# ---------------------------------------------------------------- filters and statistics
@catalogue.table("spark/pruning", "six files with ranges of their own, nulls and NaN")
def pruning(t):
    create(t, "id INT, l BIGINT, d DOUBLE, text STRING, moment TIMESTAMP, p DECIMAL(20,2)")
    long = "prefix of more than thirty-two code points "
    for values in [f"(1, 1L, 1D, '{long}a', TIMESTAMP'2026-01-01T00:00:00.000999Z', 1.00)", f"(2, 2L, -0D, '{long}b', TIMESTAMP'2026-01-01T00:00:00.001Z', -1.00)",
                   "(3, 9007199254740993L, double('NaN'), '', TIMESTAMP'2026-06-01T00:00:00Z', 99999999999999999.99)",
                   "(4, NULL, NULL, NULL, NULL, NULL)", "(5, 5L, 5D, 'é', TIMESTAMP'1969-01-01T00:00:00Z', 5.00), (6, NULL, 0D, 'z', NULL, NULL)",
                   "(7, -5L, double('-Infinity'), '\U0010ffff', TIMESTAMP'2026-01-01T00:00:00Z', 0.00)"]:
        insert(t, values)
    where = lambda text, *ids: read(rows("id", *[[i] for i in ids]), where=text, columns=["id"])
    case = lambda id, title, *steps: catalogue.case("filters", f"where-{id}", title, "Per-file Statistics", "spark/pruning", list(steps), ["T5", "R8"])
    case("integers", "ranges of integers, exact beyond 2^53", where("l > 2", 3, 5), where("l = 9007199254740993", 3), where("l = 9007199254740992"),
         where("l IN (1, 5)", 1, 5), where("NOT (l > 1)", 1, 7))
    case("null", "null is neither equal nor unequal", where("l IS NULL", 4, 6), where("l IS NOT NULL", 1, 2, 3, 5, 7), where("l <> 1", 2, 3, 5, 7),
         where("NOT (l = 1)", 2, 3, 5, 7), where("l = 1 OR l IS NULL", 1, 4, 6))
    case("nan", "NaN equals itself and is above every number, though statistics leave it out", where("d > 4", 3, 5))
    case("zero", "zero and minus zero are equal", where("d = 0", 2, 6))
    case("text", "texts longer than their statistics", where(f"text = '{long}b'", 2), where(f"text > '{long}a'", 2, 5, 6, 7), where("text = ''", 3))
    case("unicode", "texts compare by code points", where("text >= 'z'", 5, 6, 7), where("text > 'é'", 7))
    case("timestamp", "statistics of timestamps are cut to milliseconds", where("moment = TIMESTAMP '2026-01-01 00:00:00.000999Z'", 1),
         where("moment > TIMESTAMP '2026-01-01 00:00:00.000500Z' AND moment < TIMESTAMP '2026-01-01 00:00:00.001000Z'", 1), where("moment < TIMESTAMP '1970-01-01 00:00:00Z'", 5))
    case("decimal", "decimals compare exactly", where("p = 99999999999999999.99", 3), where("p >= 5", 3, 5), where("p < 0", 2))
    case("columns", "a filter may use columns that are not asked for", read(rows("text", ["é"], ["z"]), where="id IN (5, 6)", columns=["text"]))


if __name__ == "__main__":
    catalogue.run()
    spark.stop()
