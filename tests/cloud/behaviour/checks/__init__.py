"""The checks: every module of this folder registers its own when it is imported.

Sources are named shortly. "API X" is the reference page of operation X; "model X" is botocore's
service model; "guide" is the service's developer guide; "recorded" is an answer of AWS that
LocalStack's AWS-validated snapshot tests keep; "seen" is what users report that AWS answers.
"""

import importlib
import pkgutil

MODULES = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
