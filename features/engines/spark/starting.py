"""Starting Spark: its one session in this process, in UTC, quiet, and without a word to anybody outside.

Java and PySpark (the extra `spark`) are looked for only here, when somebody asks for Spark.
"""

import os
import shutil
import subprocess
import warnings
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import IO, TYPE_CHECKING, Final

from features.errors import SettingsError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JAVA: Final = 17
"""The oldest Java that Spark 4 runs on."""

ALWAYS: Final[Mapping[str, str]] = {
    "spark.app.name": "ebb",
    "spark.log.level": "ERROR",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.ansi.enabled": "true",
    # The result is one row a snapshot; whoever asks for it has room for it.
    "spark.driver.maxResultSize": "0",
    # Nobody reads the text of a plan of hundreds of columns, and to write it takes longer than to run it.
    "spark.sql.maxPlanStringLength": "1000",
    # A formula of formulas must not be written out wherever it is used: the plan would grow without bound.
    "spark.sql.optimizer.excludedRules": "org.apache.spark.sql.catalyst.optimizer.CollapseProject",
    # A column that only some files have must not depend on which file is looked at first.
    "spark.sql.parquet.mergeSchema": "true",
}

LOCAL: Final[Mapping[str, str]] = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "4g",
    # Nothing is written there, but Spark makes the folder, else where the command was started.
    "spark.sql.warehouse.dir": str(Path(gettempdir()) / "ebb-spark-warehouse"),
    # Spark's default of 200 is for clusters.
    "spark.sql.shuffle.partitions": "16",
}
"""In one process of this machine nothing need be reachable from outside."""


def session(master: str, options: Mapping[str, str]) -> "SparkSession":
    """A session of its own in the Spark of this process, which is started when it does not run yet.

    Raises SettingsError in one line when PySpark or Java is not there, or Spark does not start.
    """
    with warnings.catch_warnings():
        # PySpark warns of pandas 3 although nothing here goes through pandas: rows come and go as Arrow.
        warnings.simplefilter("ignore", FutureWarning)
        try:
            from pyspark.sql import SparkSession
        except ModuleNotFoundError:
            raise SettingsError("[engine] kind = \"spark\" needs PySpark: pip install 'ebb[spark]'") from None
        running = SparkSession.getActiveSession()
        if running is None:
            look_for_java()
            running = _started(master, tuple(options.items()))
        own = running.newSession()
    for name, value in ALWAYS.items():
        # A notebook's Spark was started by somebody else.
        if name.startswith("spark.sql."):
            own.conf.set(name, value)
    return own


def look_for_java() -> None:
    """SettingsError in one line where there is no Java, or one that is too old."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if java is None:
        where = f"JAVA_HOME ({home})" if home else "the PATH"
        raise SettingsError(
            f'[engine] kind = "spark" needs Java {JAVA} or newer, and there is no java in {where}: '
            f"install openjdk-{JAVA}-jre-headless (Debian) or set JAVA_HOME"
        )
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603  found above
    version = told.split('"')[1].split(".")[0] if told.count('"') > 1 else ""
    if version.isdigit() and int(version) < JAVA:
        raise SettingsError(f'[engine] kind = "spark" needs Java {JAVA} or newer, and {java} is Java {version}')


@cache
def _started(master: str, options: tuple[tuple[str, str], ...]) -> "SparkSession":
    from py4j.protocol import Py4JError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    every = {**ALWAYS, **(LOCAL if master.startswith("local") else {}), **dict(options)}
    conf = SparkConf(loadDefaults=False).setMaster(master).setAll(list(every.items()))
    # What Java says while it starts is told only if it does not.
    with TemporaryFile("w+", encoding="utf-8") as said:
        try:
            gateway = launch_gateway(conf, popen_kwargs={"stdout": said, "stderr": said})  # type: ignore[no-untyped-call]
            return SparkSession(SparkContext(gateway=gateway, conf=conf))
        except (PySparkException, Py4JError, ValueError, OSError) as fault:
            reason = _reason(fault, said)
            raise SettingsError(f"Spark does not start with master {master}: {reason}") from None


def _reason(fault: Exception, said: IO[str]) -> str:
    """The line that tells most: the exception Java names, else the last thing it said, else Python's."""
    said.seek(0)
    lines = [line.strip() for line in said.read().splitlines() if line.strip()]
    telling = [line for line in lines if "Exception" in line or "Error" in line]
    return [*str(fault).strip().splitlines()[:1], *lines[-1:], *telling[:1]][-1]
