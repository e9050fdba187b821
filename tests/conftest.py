"""What every test runs under: no library reports home, and small machines are not overrun."""

import os

os.environ.update(DO_NOT_TRACK="true", MLFLOW_DISABLE_TELEMETRY="true", BENTOML_DO_NOT_TRACK="true")
os.environ.setdefault("OMP_NUM_THREADS", "2")
