"""Tables that other scripts made, then changed by hand: damaged, cut, misleading. Run it after spark_tables.py and delta_rs_tables.py."""
import base64, json, shutil
from catalogue import TABLES, Catalogue, actions, commit_file, fails, read, rows, write_commit

catalogue = Catalogue("derived_tables.py", "a table of another script, changed by hand")

ROWS = lambda n: rows("id name", *[[i, f"row {i}"] for i in range(n)])       # the tables that count up
TEXT = lambda *ids: rows("id text", *[[i, f"row {i}"] for i in ids])


def derived(name, source, shows, id, title, section, steps, group, invariants=(), placeholders=False):
    """Marks a function that gets a copy of another table and changes it."""
    def mark(change):
        @catalogue.table(f"derived/{name}", f"{source}, {shows}", placeholders, base=source)
        def make(folder):
            shutil.copytree(TABLES / source, folder)
            if source == GOOD:
                without_checkpoint(folder)
            change(folder)
            catalogue.case(group, id, title, section, f"derived/{name}", steps, invariants)
        return change
    return mark


def log(folder):
    return folder / "_delta_log"


def hint(folder, text):
    (log(folder) / "_last_checkpoint").write_text(text)


def drop_commits(folder, *versions):
    for v in versions:
        commit_file(folder, v).unlink()


def data_files(folder):
    return sorted(p for p in folder.rglob("*.parquet") if "_delta_log" not in p.parts)


def change_actions(folder, version, change):
    write_commit(folder, version, [change(action) for action in actions(folder, version)])


GOOD = "spark/history"                                      # versions 0 to 8; its checkpoint at 8 is taken away


def without_checkpoint(folder):
    for path in [*log(folder).glob("*.checkpoint.parquet"), log(folder) / "_last_checkpoint"]:
        path.unlink()


def without_checksums(folder):
    for path in log(folder).glob("*.crc"):
        path.unlink()


# ---------------------------------------------------------------- the hint
CLASSIC = "spark/checkpoint-classic"                       # a checkpoint at 3, versions 0 to 5
for name, text, title in [
    ("corrupt", "{not json", "that is no JSON"), ("empty", "", "that is empty"), ("dangling", '{"version":2,"size":5}', "to a checkpoint that is not there"),
    ("ahead", '{"version":99,"size":5}', "to a version that is not there"), ("wrong-parts", '{"version":3,"size":5,"parts":7}', "with another number of parts"),
    ("negative", '{"version":-1,"size":5}', "to a version below 0"), ("list", "[3]", "that is a list")]:
    derived(f"hint-{name}", CLASSIC, f"the hint {title}", f"hint-{name}", f"a hint {title} changes nothing", "Last Checkpoint File",
            [read(ROWS(5)), read(ROWS(1), version=1)], "hints", ["R1"])(lambda folder, text=text: hint(folder, text))
derived("hint-absent", CLASSIC, "without the hint", "hint-absent", "without a hint the log is listed", "Last Checkpoint File", [read(ROWS(5)), read(ROWS(3), version=3)], "hints", ["R1"])(
    lambda folder: (log(folder) / "_last_checkpoint").unlink())
derived("hint-stale", "delta-rs/two-checkpoints", "the hint to the first of two", "hint-stale", "a hint to an older checkpoint hides no commit", "Last Checkpoint File",
        [read(TEXT(1, 2, 3, 4)), read(TEXT(1, 2, 3), version=4)], "hints", ["R1"])(lambda folder: hint(folder, '{"version":2,"size":5}'))


# ---------------------------------------------------------------- checkpoints
MULTIPART, V2 = "spark/checkpoint-multipart", "spark/checkpoint-v2-json"
second_part = lambda folder: next(log(folder).glob("*.checkpoint.0000000002.*.parquet"))
classic = lambda folder: next(log(folder).glob("*.checkpoint.parquet"))


@derived("checkpoint-part-missing", MULTIPART, "without its second part", "checkpoint-part-missing", "an incomplete checkpoint is none", "Multi-part checkpoint",
         [read(ROWS(5)), read(ROWS(4), version=4)], "checkpoints-damaged", ["R2"])
def checkpoint_part_missing(folder):
    second_part(folder).unlink()


@derived("checkpoint-part-missing-cut", MULTIPART, "without its second part and the commits before", "checkpoint-part-missing-cut",
         "an incomplete checkpoint without the commits before it is an error", "Multi-part checkpoint", [fails("CORRUPT_LOG", "CORRUPT_CHECKPOINT", "NOT_A_TABLE")], "checkpoints-damaged", ["R2", "D1"])
def checkpoint_part_missing_cut(folder):
    second_part(folder).unlink()
    drop_commits(folder, 0, 1, 2, 3, 4)


for name, data, title in [("empty", b"", "empty"), ("garbage", b"PAR1" + bytes(range(256)) * 8 + b"PAR1", "garbage"), ("cut", None, "cut off")]:
    @derived(f"checkpoint-{name}", CLASSIC, f"its checkpoint {title}", f"checkpoint-{name}", f"a checkpoint that is {title} is survived by its commits", "Checkpoints",
             [read(ROWS(5)), read(ROWS(3), version=3)], "checkpoints-damaged", ["R2"])
    def checkpoint_unreadable(folder, data=data):
        path = classic(folder)
        path.write_bytes(path.read_bytes()[:-100] if data is None else data)


@derived("checkpoint-garbage-cut", CLASSIC, "its checkpoint garbage, the commits before it gone", "checkpoint-garbage-cut",
         "an unreadable checkpoint without the commits before it is an error", "Checkpoints", [fails("CORRUPT_LOG", "CORRUPT_CHECKPOINT")], "checkpoints-damaged", ["R2", "D1"])
def checkpoint_garbage_cut(folder):
    classic(folder).write_bytes(b"garbage" * 100)
    drop_commits(folder, 0, 1, 2, 3)


@derived("sidecar-missing", V2, "without one of its sidecars", "checkpoint-sidecar-missing", "a checkpoint that lacks a sidecar is survived by its commits", "Sidecar Files",
         [read(ROWS(5))], "checkpoints-damaged", ["R2"])
def sidecar_missing(folder):
    next((log(folder) / "_sidecars").iterdir()).unlink()


for name, source, title in [("classic", CLASSIC, "a classic checkpoint"), ("multipart", MULTIPART, "a checkpoint in parts"), ("v2", V2, "a V2 checkpoint"),
                            ("v2-parquet", "spark/checkpoint-v2-parquet", "a V2 checkpoint in Parquet")]:
    at = 3 if name == "classic" else 4

    @derived(f"truncated-{name}", source, "the commits before the checkpoint gone", f"truncated-{name}", f"a log cut before {title} reads from it", "Metadata Cleanup",
             [read(ROWS(5)), read(ROWS(at), version=at), fails("VERSION_NOT_FOUND", version=1)], "checkpoints-damaged", ["L1"])
    def truncated(folder, at=at):
        drop_commits(folder, *range(at))


@derived("v2-classic-name", "spark/checkpoint-v2-parquet", "its V2 checkpoint under a classic name, the commits before it gone", "checkpoint-v2-classic-name",
         "a V2 checkpoint may have a classic name", "Allowed combinations for checkpoint spec and checkpoint file naming",
         [read(ROWS(5)), read(ROWS(4), version=4)], "checkpoints-damaged", ["L1"])
def v2_classic_name(folder):
    next(log(folder).glob("*.checkpoint.*.parquet")).rename(log(folder) / f"{4:020d}.checkpoint.parquet")
    hint(folder, '{"version":4,"size":8}')
    drop_commits(folder, 0, 1, 2, 3)


derived("crc-garbage", CLASSIC, "its version checksum files garbage", "checksum-garbage", "a version checksum file that is no JSON fails no read", "Version Checksum File", [read(ROWS(5))], "hints", ["R7"])(
    lambda folder: [p.write_text("garbage") for p in log(folder).glob("*.crc")])


@derived("crc-lies", CLASSIC, "its version checksum files with other figures", "checksum-lies", "a version checksum file that lies changes no row", "Version Checksum File", [read(ROWS(5))], "hints", ["R7"])
def crc_lies(folder):
    for path in log(folder).glob("*.crc"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "numFiles": 0, "tableSizeBytes": 0, "allFiles": []}))


@derived("log-compacted-spark", CLASSIC, "commits 1 to 2 compacted, the checkpoint gone", "log-compacted-by-hand", "compacted commits count once", "Log Compaction Files",
         [read(ROWS(5)), read(ROWS(1), version=1)], "hints", ["R7"])
def log_compacted(folder):
    without_checkpoint(folder)
    adds = [a for v in (1, 2) for a in actions(folder, v) if "add" in a]
    path = log(folder) / f"{1:020d}.{2:020d}.compacted.json"
    path.write_text("".join(json.dumps(a) + "\n" for a in adds))


# ---------------------------------------------------------------- columns of checkpoints
STRUCT = "spark/checkpoint-struct-stats"
STRUCT_ROWS = rows("part id amount moment", ["2026-01-01", 1, "1.50", "2026-01-01T00:00:00.000500Z"], ["2026-01-02", 2, "2.50", "2026-01-02T00:00:00.000000Z"],
                   [None, 3, None, None])


def checkpoint_alone(folder, *without):
    """Leaves the checkpoint and its own commit, and takes columns of its adds away."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    drop_commits(folder, 0, 1, 2)
    without_checksums(folder)
    path = classic(folder)
    table = pq.read_table(path)
    add = table.column("add").combine_chunks()
    fields = [f for f in add.type if f.name not in without]
    slim = pa.StructArray.from_arrays([add.field(f.name) for f in fields], fields=fields, mask=add.is_null())
    at = table.schema.get_field_index("add")
    pq.write_table(table.set_column(at, pa.field("add", slim.type), slim), path)
    hint(folder, '{"version":3,"size":5}')


@derived("checkpoint-without-stats", STRUCT, "its checkpoint without statistics of any kind", "checkpoint-without-stats", "files of a checkpoint without statistics are all read", "Checkpoint Schema",
         [read(STRUCT_ROWS), read(STRUCT_ROWS[1:2], where="id = 2"), read(STRUCT_ROWS[:1], where="part < DATE '2026-01-02'"), read(STRUCT_ROWS[2:], where="amount IS NULL")],
         "checkpoints-damaged", ["R7", "R8"])
def checkpoint_without_stats(folder):
    checkpoint_alone(folder, "stats", "stats_parsed")


@derived("checkpoint-parsed-partitions", STRUCT, "its checkpoint without partitionValues, which partitionValues_parsed has as well", "checkpoint-parsed-partitions",
         "partition values that a checkpoint has as columns alone are right, or an error; never nulls", "Checkpoint Schema",
         [{"op": "read", "expect": {"rowsOrError": STRUCT_ROWS}}, {"op": "read", "where": "part = DATE '2026-01-02'", "expect": {"rowsOrError": STRUCT_ROWS[1:2]}}],
         "checkpoints-damaged", ["R5"])
def checkpoint_parsed_partitions(folder):
    checkpoint_alone(folder, "partitionValues")


# ---------------------------------------------------------------- damaged logs
def older(version, expected):
    """Many engines look at the newest version first, whatever is asked for."""
    return {"op": "read", "version": version, "expect": {"rowsOrError": expected}}


V1, V2_ROWS = rows("id text", [1, "a"], [2, "b"], [3, "c"]), rows("id text", [2, "b"], [3, "c"])


@derived("gap", GOOD, "without commit 4", "log-gap", "a log with a gap is refused; a version before it is right or refused", "Delta Log Entries",
         [fails("CORRUPT_LOG", names=["00000000000000000004.json"]), older(1, V1), fails("CORRUPT_LOG", version=6)], "damaged", ["L1", "D1"])
def gap(folder):
    drop_commits(folder, 4)


LATER = "a version before a commit that {} is read, and the newest refused by name"


@derived("newest-torn", GOOD, "its last commit cut in the middle of an action, older versions wanted", "older-than-torn", LATER.format("is cut"), "Delta Log Entries",
         [read(V1, version=1), read(V2_ROWS, version=2), fails("CORRUPT_LOG", names=["00000000000000000008.json"])], "damaged", ["D1"])
def newest_torn(folder):
    without_checksums(folder)
    path = commit_file(folder, 8)
    path.write_bytes(path.read_bytes()[:-40])


@derived("newest-unknown", GOOD, "its last commit with a reader feature that nobody knows", "older-than-unknown", LATER.format("needs an unknown feature"), "Table Features",
         [read(V1, version=1), read(V2_ROWS, version=2), fails("UNSUPPORTED_FEATURE", names=["quantumRows"])], "damaged", ["L4"])
def newest_unknown(folder):
    without_checksums(folder)                                           # they still have the protocol of before
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["quantumRows"], "writerFeatures": ["quantumRows"]}
    write_commit(folder, 8, [{"protocol": protocol} if "protocol" in action else action for action in actions(folder, 8)])


@derived("no-first-commit", GOOD, "without commit 0", "log-without-beginning", "a log without its beginning and without a checkpoint is refused", "Delta Log Entries",
         [fails("CORRUPT_LOG", "NOT_A_TABLE")], "damaged", ["L1", "D1"])
def no_first_commit(folder):
    drop_commits(folder, 0)


@derived("torn", GOOD, "its last commit cut in the middle of an action", "log-torn", "a commit cut in the middle is refused; a version before it is right or refused", "Delta Log Entries",
         [fails("CORRUPT_LOG"), older(2, V2_ROWS)], "damaged", ["D1"])
def torn(folder):
    path = commit_file(folder, 8)
    text = path.read_bytes()
    path.write_bytes(text[:-40])


@derived("not-json", GOOD, "its last commit binary", "log-not-json", "a commit that is no JSON is refused", "Delta Log Entries", [fails("CORRUPT_LOG")], "damaged", ["D1"])
def not_json(folder):
    commit_file(folder, 8).write_bytes(bytes(range(256)))


@derived("empty-commit", GOOD, "a commit 9 without a byte", "log-empty-commit", "a commit without a byte is an error or no change, never other rows", "Delta Log Entries",
         [{"op": "read", "expect": {"rowsOrError": V2_ROWS}}], "damaged", ["D1"])
def empty_commit(folder):
    commit_file(folder, 9).write_bytes(b"")


for kind in ("protocol", "metaData"):
    @derived(f"no-{kind.lower()}", GOOD, f"without a {kind} action", f"log-without-{kind.lower()}", f"a log without {kind} is refused", "Action Reconciliation",
             [fails("CORRUPT_LOG")], "damaged", ["D1"])
    def without(folder, kind=kind):
        without_checksums(folder)                           # which hold both as well
        for v in range(9):                                  # a restore writes them again
            write_commit(folder, v, [a for a in actions(folder, v) if kind not in a])


@derived("schema-garbage", GOOD, "its schema no JSON", "log-schema-garbage", "a schema that is no JSON is refused", "Schema Serialization Format", [fails("CORRUPT_LOG")], "damaged", ["D1"])
def schema_garbage(folder):
    without_checksums(folder)
    for v in range(9):
        change_actions(folder, v, lambda a: {"metaData": {**a["metaData"], "schemaString": "{"}} if "metaData" in a else a)


@derived("data-missing", CLASSIC, "without its data files", "data-missing", "a missing data file is an error that names it", "Data Files", [fails("MISSING_FILE", names=[".parquet"])], "damaged", ["D1"])
def data_missing(folder):
    for path in data_files(folder):
        path.unlink()


for name, spoil, title in [("empty", lambda b: b"", "empty"), ("cut", lambda b: b[:len(b) // 2], "cut in half"), ("garbage", lambda b: b"\x00" * len(b), "zeros")]:
    @derived(f"data-{name}", CLASSIC, f"its data files {title}", f"data-{name}", f"data files that are {title} are an error, not fewer rows", "Data Files",
             [fails("CORRUPT_DATA", "MISSING_FILE")], "damaged", ["D1"])
    def data_spoilt(folder, spoil=spoil):
        for path in data_files(folder):
            path.write_bytes(spoil(path.read_bytes()))


for name, prefix in [("plain", "../elsewhere/"), ("encoded", "%2e%2e/elsewhere/"), ("twice", "%252e%252e%252felsewhere/"), ("inner", "a/../../elsewhere/")]:
    @derived(f"escape-{name}", CLASSIC, f"a data file below {prefix}", f"path-escape-{name}", f"a path out of the table ({prefix}) is not followed", "Add File and Remove File",
             [fails("PATH_OUTSIDE_TABLE")], "damaged", ["S5"])
    def escape(folder, prefix=prefix):
        change_actions(folder, 5, lambda a: {"add": {**a["add"], "path": prefix + "x.parquet"}} if "add" in a else a)


# ---------------------------------------------------------------- deletion vectors of other kinds
VECTORS = "spark/deletion-vectors"
VECTOR_ROWS = [r for r in TEXT(*range(10)) if r["id"] not in (0, 3, 9)]
Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
B85 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"


def keep_versions(folder, last):
    for path in log(folder).glob("*.json"):
        if int(path.name[:20]) > last:
            path.unlink()
    without_checksums(folder)


def vector_of(folder, version):
    return next(a["add"]["deletionVector"] for a in actions(folder, version) if a.get("add", {}).get("deletionVector"))


def vector_file(folder, vector):
    text = vector["pathOrInlineDv"]
    raw = base64.b85decode(text[-20:].translate(str.maketrans(Z85, B85)))
    h = raw.hex()
    return folder / text[:-20] / f"deletion_vector_{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}.bin"


def set_vector(folder, version, vector):
    change_actions(folder, version, lambda a: {"add": {**a["add"], "deletionVector": vector}} if a.get("add", {}).get("deletionVector") else a)


@derived("vector-inline", VECTORS, "its first deletion vector put into the log", "deletion-vector-inline", "a deletion vector in the log itself", "Deletion Vector Descriptor Schema",
         [read(VECTOR_ROWS)], "deletion-vectors-derived", ["R3"])
def vector_inline(folder):
    keep_versions(folder, 2)
    vector = vector_of(folder, 2)
    data = vector_file(folder, vector).read_bytes()[vector.get("offset", 1) + 4:][:vector["sizeInBytes"]]
    text = base64.b85encode(data + b"\0" * (-len(data) % 4)).decode().translate(str.maketrans(B85, Z85))
    set_vector(folder, 2, {"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": len(data), "cardinality": vector["cardinality"]})


@derived("vector-absolute", VECTORS, "its first deletion vector named by its whole path", "deletion-vector-absolute", "a deletion vector named by its whole path, inside the table",
         "Deletion Vector Descriptor Schema", [read(VECTOR_ROWS)], "deletion-vectors-derived", ["R3"], placeholders=True)
def vector_absolute(folder):
    keep_versions(folder, 2)
    vector = vector_of(folder, 2)
    set_vector(folder, 2, {**vector, "storageType": "p", "pathOrInlineDv": f"@TABLE_URL@/{vector_file(folder, vector).name}"})


@derived("vector-missing", VECTORS, "without the files of its deletion vectors", "deletion-vector-missing", "a missing deletion vector is an error, not rows that were deleted",
         "Deletion Vectors", [fails("MISSING_FILE", "CORRUPT_DATA"), read(TEXT(*range(10)), version=1)], "deletion-vectors-derived", ["R3", "D1"])
def vector_missing(folder):
    for path in folder.glob("deletion_vector_*.bin"):
        path.unlink()


for name, at, title in [("checksum", -1, "a checksum that does not match"), ("magic", 5, "another magic number")]:
    @derived(f"vector-{name}", VECTORS, f"its first deletion vector with {title}", f"deletion-vector-{name}", f"a deletion vector with {title} is an error",
             "Deletion Vector File Storage Format", [fails("CORRUPT_DATA")], "deletion-vectors-derived", ["R3", "D1"])
    def vector_spoilt(folder, at=at):
        keep_versions(folder, 2)
        vector = vector_of(folder, 2)
        path = vector_file(folder, vector)
        data = bytearray(path.read_bytes())
        start = vector.get("offset", 1)
        data[start + 4 + vector["sizeInBytes"] + 3 if at == -1 else start + 4] ^= 0xFF
        path.write_bytes(bytes(data))


@derived("vector-kind-unknown", VECTORS, "its deletion vector of a kind that nobody knows", "deletion-vector-kind-unknown", "a deletion vector of an unknown kind is refused",
         "Deletion Vector Descriptor Schema", [fails("CORRUPT_LOG", "CORRUPT_DATA", "UNSUPPORTED_FEATURE")], "deletion-vectors-derived", ["R3", "D1"])
def vector_kind(folder):
    keep_versions(folder, 2)
    set_vector(folder, 2, {**vector_of(folder, 2), "storageType": "q"})


@derived("vector-cardinality", VECTORS, "its deletion vector with another count than it holds", "deletion-vector-cardinality", "a deletion vector that holds another count than the log says",
         "Deletion Vector Descriptor Schema", [{"op": "read", "expect": {"rowsOrError": VECTOR_ROWS}}], "deletion-vectors-derived", ["R3"])
def vector_cardinality(folder):
    keep_versions(folder, 2)
    set_vector(folder, 2, {**vector_of(folder, 2), "cardinality": 7})


if __name__ == "__main__":
    catalogue.run()
