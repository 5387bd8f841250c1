// node scripts/run.mjs test/interleavings/spark-check.ts [PATTERN…]
// Asks Spark itself, where it is installed (ALLUVIUM_PEERS), what spark.ts says of it: for every cell a transaction of Spark is begun on
// the base table, reads what the operation reads, the winner's commit is put into the log as this library wrote it, and then the
// transaction commits the actions that this library staged for the operation. RESTORE is left out as the current one: it does not
// go through `commit`; and the protocol that a property needs is left to Spark, which adds it by itself. Half an hour; with patterns
// only the cells whose name (VARIANT CURRENT WINNER) one of them matches.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { peersFolder, python } from '../interop/peers.js'
import { BASE_FILES, BASE_VERSION, commitPathOf } from './base-table.js'
import { OPERATIONS, type OperationName } from './operations.js'
import { sceneOf } from './scene.js'
import { runSchedule } from './schedule.js'
import { sparkVerdict } from './spark.js'
import { LAYOUTS, nameOf, RELATIONS, type Variant, variantName, type Who, whereOf } from './variant.js'

const PROGRAM = `
import contextlib, os
with contextlib.redirect_stdout(sys.stderr):
    sys.path.insert(0, input["peers"])
    from spark import session
    spark = session(spark__sql__shuffle__partitions=1, spark__databricks__delta__snapshotPartitions=1)
    jvm = spark._jvm
    delta = jvm.org.apache.spark.sql.delta
    manual = getattr(getattr(delta, "DeltaOperations$ManualUpdate$"), "MODULE$")
    parser = spark._jsparkSession.sessionState().sqlParser()
    def seq(items):
        listed = jvm.java.util.ArrayList()
        for item in items: listed.add(item)
        return jvm.scala.jdk.javaapi.CollectionConverters.asScala(listed).toSeq()
    answers = []
    for n, cell in enumerate(json.load(open(input["cells"]))):
        folder = os.path.join(input["folder"], str(n))
        log = os.path.join(folder, "_delta_log")
        os.makedirs(log)
        for version, text in enumerate(cell["base"]):
            open(os.path.join(log, "%020d.json" % version), "w").write(text)
        for name in cell["files"]:
            open(os.path.join(folder, name), "w").close()
        try:
            transaction = delta.DeltaLog.forTable(spark._jsparkSession, folder).startTransaction()
            if cell["reads"] == "table": transaction.filterFiles()
            elif cell["reads"] == "files":
                files = [line for text in cell["base"] for line in text.split("\\n") if line.startswith('{"add"')]
                taken = [json.loads(line)["remove"]["path"] for line in cell["mine"].strip().split("\\n") if line.startswith('{"remove"')]
                transaction.trackFilesRead(seq([delta.actions.Action.fromJson(line) for line in files if json.loads(line)["add"]["path"] in taken]))
            elif cell["reads"] == "part": transaction.filterFiles(seq([parser.parseExpression(cell["where"])]), False)
            elif cell["reads"] == "position": transaction.txnVersion(cell["app"])
            lines = [line for line in cell["mine"].strip().split("\\n") if not line.startswith(('{"commitInfo"', '{"protocol"'))]
            actions = seq([delta.actions.Action.fromJson(line) for line in lines])
            open(os.path.join(log, "%020d.json" % len(cell["base"])), "w").write(cell["theirs"])
            transaction.commit(actions, manual)
            answers.append("ok")
        except Exception as error:
            first = str(getattr(error, "java_exception", error)).split("\\n")[0]
            answers.append("conflict" if ".Concurrent" in first or ".MetadataChanged" in first or ".ProtocolChanged" in first else first)
    version = spark.version
    spark.stop()
print(json.dumps({"spark": version, "answers": answers}))`

const READS: Partial<Record<OperationName, 'table' | 'part' | 'files' | 'position'>> = {
  overwrite: 'table',
  'sum-table': 'table',
  delete: 'part',
  'sum-part': 'part',
  // OPTIMIZE names the files that it rewrites.
  compact: 'files',
  stream: 'position',
}

interface Cell {
  readonly name: string
  readonly current: OperationName
  readonly winner: OperationName
  readonly expected: string
}

const patterns = process.argv.slice(2).map((text) => new RegExp(text))
const folder = mkdtempSync(join(tmpdir(), 'alluvium-spark-cells-'))
try {
  const cells: Cell[] = []
  for (const isolation of ['Serializable', 'WriteSerializable'] as const)
    for (const layout of LAYOUTS)
      for (const relation of RELATIONS) {
        const variant: Variant = { isolation, layout, relation, features: 'plain', start: 'handle', patience: 'patient' }
        const asked = ({ name, current, winner }: Cell): boolean =>
          patterns.length === 0 || patterns.some((pattern) => pattern.test(`${name} ${current} ${winner}`))
        cells.push(...(await cellsOf(variant)).filter(asked))
      }
  writeFileSync(join(folder, 'cells.json'), JSON.stringify(cells))
  const started = performance.now()
  const { spark, answers } = await python<{ spark: string; answers: string[] }>(PROGRAM, {
    peers: peersFolder,
    folder,
    cells: join(folder, 'cells.json'),
  })
  const wrong = cells.filter(({ expected }, n) => answers[n] !== expected)
  for (const cell of wrong)
    console.error(
      `${cell.name}: ${cell.current} after ${cell.winner} is typed as ${cell.expected}, Spark says ${answers[cells.indexOf(cell)]}`,
    )
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  console.log(`spark-check: Spark ${spark}: ${cells.length} cells, ${wrong.length} other than typed, ${seconds} s`)
  process.exitCode = wrong.length === 0 ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function cellsOf(variant: Variant): Promise<Cell[]> {
  const { objects } = sceneOf(variant, 'append', 'append')
  const base = Array.from({ length: BASE_VERSION + 1 }, (_, version) => new TextDecoder().decode(objects.get(commitPathOf(version))))
  const cells: (Cell & Record<string, unknown>)[] = []
  for (const current of OPERATIONS) {
    if (current === 'restore') continue
    const mine = await alone(variant, current, 'A')
    for (const winner of OPERATIONS) {
      cells.push({
        name: variantName(variant),
        current,
        winner,
        expected: sparkVerdict(variant, current, winner),
        base,
        files: Object.values(BASE_FILES).map(({ path }) => path),
        reads: READS[current] ?? '',
        where: whereOf(variant, 'A'),
        app: nameOf(variant, 'A', 'app'),
        mine,
        theirs: await alone(variant, winner, 'B'),
      })
    }
  }
  return cells
}

// The commit of one actor when the other ends before its first step.
async function alone(variant: Variant, operation: OperationName, who: Who): Promise<string> {
  const run = await runSchedule(sceneOf(variant, operation, operation), 1, (_, ways) => {
    const crash = ways.findIndex(({ actor, fault }) => actor?.who !== who && fault === 'crash')
    return crash >= 0 ? crash : ways.findIndex(({ actor }) => actor?.who === who)
  })
  return new TextDecoder().decode(run.disk.objects.get(commitPathOf(BASE_VERSION + 1)))
}
