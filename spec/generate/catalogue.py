"""Where generated tables and their cases go.

A script declares a table, makes it, and writes down beside it the rows it must have: expected rows are literals of the
script, or computed from its literal inputs, never what a reader said. `catalog.json` says which engine made a table, how,
and what it shows. One script owns its tables and its case files; run again, it replaces them.
"""
import argparse, json, os, shutil, sys, traceback
from pathlib import Path

SPEC = Path(__file__).resolve().parent.parent
TABLES = SPEC / "tables"


class Catalogue:
    def __init__(self, script, engine):
        self.script, self.engine = script, engine
        self.entries, self.cases, self.makers = {}, {}, []

    def table(self, name, shows, placeholders=False, base=None):
        """Marks a function as the maker of a table; it gets the table's folder, which does not exist yet. Of a table made from
        another (`base`), only what differs is kept: its folder holds the files that are new, the catalogue names those that went."""
        def mark(make):
            self.makers.append((name, shows, placeholders, base, make))
            return make
        return mark

    def case(self, group, id, title, section, table, steps, invariants=(), commit_times=None, folder=None):
        one = {"id": id, "title": title, "section": section, "invariants": list(invariants)}
        if table is not None:
            one["table"] = table
        if folder is not None:
            one["folder"] = folder
        if commit_times is not None:
            one["commitTimes"] = commit_times
        self.cases.setdefault(group, []).append({**one, "steps": steps})

    def run(self):
        options = argparse.ArgumentParser()
        options.add_argument("--only", action="append", help="make these tables alone and leave the rest as it is")
        only = options.parse_args().only
        failed = []
        for name, shows, placeholders, base, make in self.makers:
            if only is not None and name not in only:
                continue
            folder = TABLES / name
            shutil.rmtree(folder, ignore_errors=True)
            try:
                make(folder)
            except Exception:
                failed.append(name)
                traceback.print_exc()
                continue
            clean(folder)
            self.entries[name] = {"engine": self.engine, "script": f"spec/generate/{self.script}", "shows": shows,
                                  **({} if base is None else {"base": base, "without": keep_difference(folder, TABLES / base)}),
                                  **({"placeholders": True} if placeholders else {})}
            print(f"made {name}", flush=True)
        self.write(whole=only is None)
        if failed:
            sys.exit(f"not made: {', '.join(failed)}")

    def write(self, whole):
        path = TABLES / "catalog.json"
        old = json.loads(path.read_text()) if path.exists() else {}
        mine = f"spec/generate/{self.script}"
        kept = {k: v for k, v in old.items() if not (whole and v["script"] == mine)}
        entries = {**kept, **self.entries}
        lines = [f"  {json.dumps(k)}: {json.dumps(entries[k], ensure_ascii=False)}" for k in sorted(entries)]
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
        for group, cases in self.cases.items():
            file = SPEC / "cases" / f"{group}.json"
            if not whole and file.exists():
                new = {c["id"]: c for c in cases}
                before = json.loads(file.read_text())
                cases = [new.pop(c["id"], c) for c in before] + list(new.values())
            file.write_text("[\n" + ",\n".join(map(case_text, cases)) + "\n]\n")


def case_text(case):
    """One line a step and one line a row, so that a case can be read."""
    fields = [f"  {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in case.items() if k != "steps"]
    steps = ",\n".join(f"    {step_text(s)}" for s in case["steps"])
    return "{\n" + ",\n".join([*fields, f'  "steps": [\n{steps}\n  ]']) + "\n}"


def step_text(step):
    return json.dumps(step, ensure_ascii=False)


def clean(folder):
    """Hadoop's checksum files (`.name.crc`) say nothing; Delta's own (`N.crc`) stay."""
    if not folder.exists():
        return
    for path in folder.rglob(".*.crc"):
        path.unlink()
    for path in folder.rglob("_SUCCESS"):
        path.unlink()


def keep_difference(folder, base):
    """Drops the files that are as in `base`, and answers which files of `base` there are none of."""
    gone = []
    for theirs in sorted(p for p in base.rglob("*") if p.is_file()):
        mine = folder / theirs.relative_to(base)
        if not mine.exists():
            gone.append(theirs.relative_to(base).as_posix())
        elif mine.read_bytes() == theirs.read_bytes():
            mine.unlink()
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    return gone


def rows(names, *values):
    names = names.split()
    for v in values:
        assert len(v) == len(names), (names, v)
    return [dict(zip(names, v)) for v in values]


def read(expected, **how):
    """A step that reads. `how`: version, timestamp, where, columns."""
    return {"op": "read", **how, "expect": {"rows": expected}}


def fails(*codes, names=(), **how):
    """A step that reads and must be refused."""
    return {"op": "read", **how, "expect": {"error": {"codes": list(codes), **({"names": list(names)} if names else {})}}}


def changes(first, last, expected):
    return {"op": "changes", "from": first, "to": last, "expect": {"rows": expected}}


def commit_file(folder, version):
    return Path(folder) / "_delta_log" / f"{version:020d}.json"


def actions(folder, version):
    return [json.loads(line) for line in commit_file(folder, version).read_text().splitlines() if line]


def write_commit(folder, version, lines):
    path = commit_file(folder, version)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines))
