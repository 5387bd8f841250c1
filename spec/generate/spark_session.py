"""A Spark session with Delta Lake that starts without a download: Delta's jars are in a folder (ALLUVIUM_SPARK_JARS, or
`jars` in ALLUVIUM_PEERS_DIR, default ~/.cache/alluvium-peers)."""
import os, sys, tempfile
from pathlib import Path


def jars_folder():
    home = os.environ.get("ALLUVIUM_PEERS_DIR") or Path.home() / ".cache" / "alluvium-peers"
    return Path(os.environ.get("ALLUVIUM_SPARK_JARS") or Path(home) / "jars")


def start():
    jars = sorted(str(jar) for jar in jars_folder().glob("*.jar"))
    if not jars:
        raise RuntimeError(f"no Delta jars in {jars_folder()}")
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    scratch = tempfile.mkdtemp(prefix="alluvium-spec-spark-")
    from pyspark.sql import SparkSession
    builder = SparkSession.builder.master("local[2]").appName("alluvium-spec")
    for key, value in {
        "spark.jars": ",".join(jars),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "2g",
        "spark.driver.extraJavaOptions": "-Duser.timezone=UTC -XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.warehouse.dir": f"{scratch}/warehouse",
        "spark.local.dir": scratch,
        "spark.sql.execution.arrow.pyspark.enabled": "true",
    }.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session
