"""Spark for tests: one in the whole run, small, interpreting rather than compiling what runs once."""

import shutil
from importlib.util import find_spec

import pytest

from features.engines.spark import SparkEngine

SMALL = {
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
"""What suits a hundred rows: compiled code and adaptive plans pay off from millions on."""

needs_spark = pytest.mark.skipif(
    find_spec("pyspark") is None or shutil.which("java") is None,
    reason="Spark is not here: pip install 'ebb[spark]' and a Java 17 (openjdk-17-jre-headless) make this run",
)


def small_spark() -> SparkEngine:
    """An engine with tables of its own in the one Spark of this process."""
    return SparkEngine(master="local[2]", options=SMALL)
