"""What a check is, what it may say about the cloud, and how it ends.

Owns the list of checks and the expectations they use. Knows no service and no emulator.
"""

import json
import re
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Optional

from botocore.exceptions import BotoCoreError, ClientError

CHECKS: "list[Check]" = []

OK, FAIL, ABSENT = "ok", "FAIL", "absent"

# How clouds say that they do not have an operation at all; AWS never says so of one that it has.
ABSENT_CODES = {
    "UnknownOperation",
    "UnknownOperationException",
    "InvalidAction",
    "UnsupportedOperation",
    "NotImplemented",
    "NotImplementedException",
    "501",
}


class Failed(Exception):
    """The cloud does not do what AWS does."""


class Absent(Exception):
    """The cloud says that it has no such operation."""


@dataclass(frozen=True)
class Check:
    id: str
    # One sentence about AWS, which the check holds the cloud to.
    says: str
    # Where that is written or was recorded.
    source: str
    run: Callable[[Any], None]
    # Why we may be wrong about AWS; such a check never makes the run fail.
    unsure: Optional[str] = None
    # Takes seconds by its nature, so it is started first.
    slow: bool = False
    # Lists what the whole account has, page by page, so nothing else may come and go meanwhile.
    alone: bool = False

    @property
    def group(self) -> str:
        return self.id.split(".", 1)[0]


@dataclass(frozen=True)
class Outcome:
    check: Check
    kind: str
    seconds: float
    why: str = ""


class Group:
    """Registers checks: `check = Group("lambda")`, then `@check("source")` on a function.

    The id is the group and the function's name; what it says is the function's docstring.
    """

    def __init__(self, name: str):
        self.name = name

    def __call__(self, source: str, **options):
        def register(function):
            self._add(function.__name__, function.__doc__, source, function, options)
            return function

        return register

    def each(self, cases: dict, source: str, **options):
        """One check for each case; the docstring says `{case}` where its name belongs."""

        def register(function):
            for case, value in cases.items():
                says = function.__doc__.replace("{case}", case)
                name = f"{function.__name__}.{case}"

                def run(c, value=value):
                    function(c, value)

                self._add(name, says, source, run, options)
            return function

        return register

    def _add(self, name, says, source, run, options):
        name = re.sub(r"[^a-z0-9.]+", "-", name.lower().replace("'", "")).strip("-").replace(".-", ".")
        check = Check(f"{self.name}.{name}", " ".join(says.split()), source, run, **options)
        assert all(check.id != other.id for other in CHECKS), f"two checks are called {check.id}"
        CHECKS.append(check)


def short(value: Any, limit: int = 300) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else text[:limit] + "…"


def absent(error: ClientError) -> bool:
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    # A router that knows no such path answers with a page; S3's HEAD has 404 for a code, but no page.
    page = code in ("404", "405") and "<!doctype" in error.response["Error"].get("Message", "").lower()
    return code in ABSENT_CODES or status == 501 or page


def describe(error: ClientError) -> str:
    said = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return f"{error.operation_name}: {status} {said.get('Code')}: {short(said.get('Message') or '')}"


class Expect:
    """What a check can demand. The first demand that is not met ends the check."""

    def equal(self, what: str, seen: Any, expected: Any) -> None:
        if seen != expected:
            raise Failed(f"{what}: expected {short(expected)}, saw {short(seen)}")

    def true(self, what: str, condition: Any, seen: Any = "") -> None:
        if not condition:
            raise Failed(f"expected {what}" + (f", saw {short(seen)}" if seen != "" else ""))

    def matches(self, what: str, seen: Any, pattern: str) -> None:
        if not isinstance(seen, str) or not re.search(pattern, seen):
            raise Failed(f"{what}: expected /{pattern}/, saw {short(seen)}")

    def has(self, what: str, seen: Any, expected: dict) -> None:
        """That `seen` holds these members, whatever else it holds."""
        for key, value in expected.items():
            if not isinstance(seen, dict) or key not in seen:
                raise Failed(f"{what}: expected {key}, saw {short(seen)}")
            self.equal(f"{what}.{key}", seen[key], value)

    def same(self, what: str, seen: Any, expected: Any) -> None:
        """That two collections hold the same, in whatever order."""
        key = lambda item: json.dumps(item, sort_keys=True, default=str)
        if sorted(seen, key=key) != sorted(expected, key=key):
            raise Failed(f"{what}: expected {short(expected)}, saw {short(seen)}")

    def refused(self, code, status: int, call, says: str = "", **arguments) -> dict:
        """That a call fails with this code (or one of these) and HTTP status; its error body.

        `says` is a regular expression that AWS's message matches. The call's own arguments follow.
        """
        codes = (code,) if isinstance(code, str) else code
        try:
            answer = call(**arguments)
        except ClientError as error:
            said = error.response.get("Error", {})
            if said.get("Code") not in codes and absent(error):
                raise Absent(describe(error)) from error
            expected = f"{status} {'|'.join(codes)}"
            if said.get("Code") not in codes:
                raise Failed(f"expected {expected}, saw {describe(error)}") from error
            seen = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if seen != status:
                raise Failed(f"expected {expected}, saw {describe(error)}") from error
            if says and not re.search(says, said.get("Message") or "", re.DOTALL):
                raise Failed(f"message: expected /{says}/, saw {describe(error)}") from error
            return error.response
        if isinstance(answer, dict):
            answer.pop("ResponseMetadata", None)
        raise Failed(f"expected {status} {'|'.join(codes)}, was accepted: {short(answer, 120)}")

    def eventually(self, what: str, probe: Callable[[], Any], within: float = 5.0) -> Any:
        """The first true value of `probe`; AWS settles some things after it has answered."""
        deadline, pause = time.monotonic() + within, 0.01
        while True:
            if value := probe():
                return value
            if time.monotonic() > deadline:
                raise Failed(f"{what}: not within {within:g} s")
            time.sleep(pause)
            pause = min(pause * 2, 0.5)


def judge(check: Check, case) -> Outcome:
    """Runs one check and cleans up after it."""
    start = time.monotonic()
    kind, why = OK, ""
    try:
        check.run(case)
    except Failed as failed:
        kind, why = FAIL, str(failed)
    except Absent as missing:
        kind, why = ABSENT, str(missing)
    except ClientError as error:
        kind = ABSENT if absent(error) else FAIL
        why = describe(error)
    except BotoCoreError as error:
        kind, why = FAIL, f"{type(error).__name__}: {short(str(error))}"
    except Exception as error:  # What the cloud sent broke the check: it is no answer of AWS's.
        ours = [
            frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent.name == "checks"
        ]
        where = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
        kind, why = FAIL, f"{type(error).__name__}{where}: {short(str(error))}"
    case.clean()
    return Outcome(check, kind, time.monotonic() - start, " ".join(why.split()))
