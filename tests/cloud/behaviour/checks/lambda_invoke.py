"""Invoking Lambda functions, what they see, how they fail, what they log, and how many run."""

import base64
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import bootstrap
from judge import Group

check = Group("lambda")

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@check("API Invoke; recorded: test_invocation_type_request_response")
def invoke_answers_with_what_the_function_says(c):
    """Invoke gives the function's answer, status 200 and ExecutedVersion, and no FunctionError."""
    event = {"text": "grüße", "nested": [1, 2.5, None, True]}
    seen = c.invoke(c.echo(), event)
    c.equal("Payload", seen["Payload"], event)
    c.has("Invoke", seen, {"StatusCode": 200, "ExecutedVersion": "$LATEST"})
    c.true("no FunctionError", "FunctionError" not in seen, seen)


@check("API Invoke, InvocationType Event; recorded: test_invocation_type_event")
def invoke_event_is_accepted(c):
    """An Event answers 202 at once, with nothing in it."""
    seen = c.invoke(c.echo(), {}, InvocationType="Event")
    c.has("Invoke", seen, {"StatusCode": 202, "Payload": ""})


@check("API Invoke, InvocationType DryRun; recorded: test_invocation_type_dry_run")
def invoke_dry_run(c):
    """A DryRun answers 204 and runs nothing."""
    seen = c.invoke(c.echo(), {}, InvocationType="DryRun")
    c.has("Invoke", seen, {"StatusCode": 204, "Payload": ""})


@check("recorded: test_invoke_exceptions, test_lambda_alias_moving")
def invoke_missing_is_not_found(c):
    """Invoking a function or qualifier that is not there: 404 with its ARN, of any invocation type."""
    call, name, none = c.aws("lambda").invoke, c.echo(), c.name("none")
    says = f"Function not found: {c.function_arn(name, 'none')}"
    c.refused("ResourceNotFoundException", 404, call, says=says, FunctionName=name, Qualifier="none")
    for kind in ("RequestResponse", "Event", "DryRun"):
        says = f"Function not found: {c.function_arn(none)}"
        c.refused("ResourceNotFoundException", 404, call, says=says, FunctionName=none, InvocationType=kind)


@check("recorded: test_lambda_invoke_payload_encoding_error")
def invoke_with_something_else_than_json_is_refused(c):
    """A payload that is no JSON: InvalidRequestContentException 400."""
    call, says = c.aws("lambda").invoke, "Could not parse request body into json"
    c.refused("InvalidRequestContentException", 400, call, says=says, FunctionName=c.echo(), Payload=b"{no json")


@check("API Invoke, RequestTooLargeException; guide, Lambda quotas: 6 MB")
def invoke_with_too_much_is_refused(c):
    """A payload over 6 MB: RequestTooLargeException 413."""
    payload = json.dumps("x" * (6 * 1024 * 1024 + 1)).encode()
    call = c.aws("lambda").invoke
    c.refused(
        ("RequestTooLargeException", "RequestEntityTooLargeException"),
        413,
        call,
        FunctionName=c.echo(),
        Payload=payload,
    )


@check("guide, Lambda quotas: 6 MB; recorded: test_large_payloads")
def invoke_takes_a_megabyte(c):
    """A payload of a megabyte goes in and comes back."""
    event = {"text": "x" * 1_000_000}
    c.true("the same payload back", c.invoke(c.echo(), event)["Payload"] == event)


@check("API Invoke, Qualifier and ExecutedVersion; recorded: test_lambda_alias_moving")
def invoke_by_qualifier(c):
    """Version, alias, both kinds of ARN: the right code answers, and ExecutedVersion names it."""
    name, one, two = c.versions("one", "two")
    c.aws("lambda").create_alias(FunctionName=name, Name="live", FunctionVersion=one)
    c.new_code(name, bootstrap.says("latest"))
    cases = (
        (name, {}, "latest", "$LATEST"),
        (name, {"Qualifier": "$LATEST"}, "latest", "$LATEST"),
        (name, {"Qualifier": one}, "one", "1"),
        (name, {"Qualifier": two}, "two", "2"),
        (name, {"Qualifier": "live"}, "one", "1"),
        (f"{name}:live", {}, "one", "1"),
        (c.function_arn(name), {}, "latest", "$LATEST"),
        (c.function_arn(name, two), {}, "two", "2"),
        (f"{c.account}:function:{name}:live", {}, "one", "1"),
    )
    for function, qualifier, text, version in cases:
        seen = c.invoke(function, **qualifier)
        c.equal(f"{function} {qualifier}", (seen["Payload"], seen["ExecutedVersion"]), (text, version))


@check("recorded: test_lambda_runtime_exit, test_lambda_runtime_wrapper_not_found")
def exit_is_a_function_error(c):
    """A process that exits during an event: FunctionError Unhandled, Runtime.ExitError, status 200."""
    seen = c.invoke(c.function(bootstrap.EXIT))
    c.has("Invoke", seen, {"StatusCode": 200, "FunctionError": "Unhandled"})
    c.equal("errorType", seen["Payload"]["errorType"], "Runtime.ExitError")
    c.matches(
        "errorMessage",
        seen["Payload"]["errorMessage"],
        f"^RequestId: {UUID} Error: Runtime exited with error: exit status 3$",
    )


@check("guide, Lambda execution environment lifecycle: reset after a failure")
def function_works_again_after_exit(c):
    """After a process exited the next event gets a new one."""
    name = c.function(bootstrap.loop('case $(cat "$work/event") in *die*) exit 1 ;; esac; reply="$work/event"'))
    c.equal("first", c.invoke(name, "fine")["Payload"], "fine")
    c.equal("second", c.invoke(name, "die").get("FunctionError"), "Unhandled")
    c.equal("third", c.invoke(name, "fine again")["Payload"], "fine again")


@check("recorded: test_lambda_invoke_with_timeout")
def timeout_is_a_function_error(c):
    """A function over its time: FunctionError Unhandled, 'Task timed out after 1.00 seconds'."""
    seen = c.invoke(c.function(bootstrap.SLEEP, Timeout=1))
    c.has("Invoke", seen, {"StatusCode": 200, "FunctionError": "Unhandled"})
    c.matches("errorMessage", seen["Payload"]["errorMessage"], r"Task timed out after 1\.00 seconds")
    c.equal("errorType", seen["Payload"].get("errorType"), "Sandbox.Timedout")


@check("guide, Custom runtimes; seen: Runtime.InvalidEntrypoint")
def missing_bootstrap_is_a_function_error(c):
    """A package without bootstrap: FunctionError Unhandled, Runtime.InvalidEntrypoint."""
    seen = c.invoke(c.function(bootstrap.NO_BOOTSTRAP))
    c.equal("FunctionError", seen.get("FunctionError"), "Unhandled")
    c.equal("errorType", seen["Payload"]["errorType"], "Runtime.InvalidEntrypoint")
    c.matches("errorMessage", seen["Payload"]["errorMessage"], "Couldn't find valid bootstrap")


@check("guide, Custom runtimes; seen: 'fork/exec /var/task/bootstrap: exec format error', Runtime.InvalidEntrypoint")
def wrong_bootstrap_is_a_function_error(c):
    """A bootstrap that is no program: FunctionError Unhandled, Runtime.InvalidEntrypoint."""
    seen = c.invoke(c.function(bootstrap.NOT_A_PROGRAM))
    c.equal("FunctionError", seen.get("FunctionError"), "Unhandled")
    c.equal("errorType", seen["Payload"]["errorType"], "Runtime.InvalidEntrypoint")


@check("guide, Runtime API: invocation error; recorded: test_uncaught_exception_invoke[provided.al2023]")
def reported_error_is_a_function_error(c):
    """An error that the runtime reports: FunctionError Unhandled and the reported payload."""
    seen = c.invoke(c.function(bootstrap.ERROR))
    c.has("Invoke", seen, {"StatusCode": 200, "FunctionError": "Unhandled"})
    c.equal("Payload", seen["Payload"], {"errorType": "Test.Broken", "errorMessage": "as asked"})


@check("guide, Runtime API: initialization error; recorded: test_lambda_runtime_error")
def reported_init_error_is_a_function_error(c):
    """An error that the runtime reports from its start: FunctionError Unhandled and the reported payload."""
    seen = c.invoke(c.function(bootstrap.INIT_ERROR))
    c.equal("FunctionError", seen.get("FunctionError"), "Unhandled")
    c.equal("errorType", seen["Payload"].get("errorType"), "Test.NoStart")


@check("recorded: test_introspection_invoke[provided.al2023]; guide, Environment variables")
def environment_tells_the_function_about_itself(c):
    """A function finds its name, version, memory, region, log group, handler and credentials."""
    name = c.function(
        bootstrap.ENVIRONMENT, MemorySize=256, Handler="some.handler", Environment={"Variables": {"COLOUR": "blue"}}
    )
    seen = c.invoke(name)["Payload"]
    expected = {
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_REGION": c.region,
        "AWS_DEFAULT_REGION": c.region,
        "_HANDLER": "some.handler",
        "TZ": ":UTC",
        "COLOUR": "blue",
    }
    c.has("environment", seen, expected)
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_LOG_STREAM_NAME"):
        c.true(f"{key} in the environment", seen[key], seen)
    c.matches("log stream", seen["AWS_LAMBDA_LOG_STREAM_NAME"], r"^\d{4}/\d\d/\d\d/.*\[\$LATEST\][0-9a-f]{32}$")


@check("guide, Runtime API: next invocation, headers")
def event_comes_with_headers(c):
    """An event comes with request id, deadline, the invoked ARN with its qualifier, and a trace id."""
    name = c.function(bootstrap.ENVIRONMENT, Timeout=20)
    c.aws("lambda").create_alias(FunctionName=name, Name="live", FunctionVersion=c.publish(name))
    before = time.time()
    answer = c.invoke(name, Qualifier="live")
    seen = answer["Payload"]
    c.equal("request id", seen["head.lambda-runtime-aws-request-id"], answer["ResponseMetadata"]["RequestId"])
    c.equal("invoked ARN", seen["head.lambda-runtime-invoked-function-arn"], c.function_arn(name, "live"))
    c.equal("version", seen["AWS_LAMBDA_FUNCTION_VERSION"], "1")
    c.matches("trace id", seen.get("head.lambda-runtime-trace-id"), "^Root=1-")
    left = int(seen["head.lambda-runtime-deadline-ms"]) / 1000 - before
    c.true("a deadline about 20 s away", 15 < left < 60, left)


@check("guide, Lambda execution environment: code in /var/task")
def code_is_the_working_directory(c):
    """A function starts where its code is, which LAMBDA_TASK_ROOT names."""
    seen = c.invoke(c.function(bootstrap.ENVIRONMENT))["Payload"]
    c.true("LAMBDA_TASK_ROOT", seen["LAMBDA_TASK_ROOT"], seen)
    c.equal("working directory", seen["pwd"], seen["LAMBDA_TASK_ROOT"])


@check("API Invoke, LogType Tail; recorded: test_invocation_with_logs")
def log_tail_has_what_it_said(c):
    """LogType Tail gives START, the output of both kinds, END and REPORT with this request's id."""
    answer = c.invoke(c.function(bootstrap.TALK), LogType="Tail")
    log = base64.b64decode(answer["LogResult"]).decode()
    request = answer["ResponseMetadata"]["RequestId"]
    for line in (
        rf"START RequestId: {request} Version: \$LATEST\n",
        rf"to stdout: {request}\n",
        r"to stderr\n",
        rf"END RequestId: {request}\n",
        rf"REPORT RequestId: {request}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\t",
        r"\tMemory Size: 128 MB\tMax Memory Used: \d+ MB",
    ):
        c.matches("log", log, line)


@check("API Invoke, LogResult: the last 4 KB")
def log_tail_is_four_kilobytes(c):
    """LogResult holds the last 4 KB."""
    line = "a line of sixty characters or so, which comes two hundred times"
    talk = f'i=0; while [ $i -lt 200 ]; do echo "{line}"; i=$((i+1)); done\n'
    name = c.function(bootstrap.loop(talk + '  echo the very last; reply="$work/event"'))
    log = base64.b64decode(c.invoke(name, LogType="Tail")["LogResult"])
    c.true("at most 4 KB", 0 < len(log) <= 4096, len(log))
    c.matches("log", log.decode(), "the very last")


@check("API Invoke, LogType")
def log_tail_only_when_asked(c):
    """Without LogType there is no LogResult."""
    seen = c.invoke(c.echo())
    c.true("no LogResult", "LogResult" not in seen, seen)


@check("guide, CloudWatch Logs for Lambda; recorded: test_invocation_with_logs")
def log_group_gets_the_output(c):
    """Output goes to CloudWatch Logs: the function's group, a stream for the version, START to REPORT."""
    name = c.function(bootstrap.TALK)
    request = c.invoke(name)["ResponseMetadata"]["RequestId"]
    logs, group = c.aws("logs"), f"/aws/lambda/{name}"

    def probe():
        try:
            events = logs.filter_log_events(logGroupName=group)["events"]
        except logs.exceptions.ResourceNotFoundException:
            return None
        return events if any("REPORT" in event["message"] for event in events) else None

    events = c.eventually("REPORT in the log group", probe, within=20 if c.world.endpoint is None else 5)
    text = "".join(event["message"] for event in events)
    for part in (f"START RequestId: {request}", f"to stdout: {request}", "to stderr", f"END RequestId: {request}"):
        c.true(f"{part} in the log", part in text, text)
    stream = events[0]["logStreamName"]
    c.matches("stream", stream, r"^\d{4}/\d\d/\d\d/.*\[\$LATEST\][0-9a-f]{32}$")


@check("API Invoke, InvocationType Event: asynchronous")
def invoke_event_runs_the_function(c):
    """An Event does run the function, as its log shows."""
    name = c.function(bootstrap.loop('cat "$work/event"; echo; reply="$work/event"'))
    c.invoke(name, {"marker": "seen-by-the-function"}, InvocationType="Event")
    logs = c.aws("logs")

    def probe():
        try:
            events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return None
        return any("seen-by-the-function" in event["message"] for event in events)

    c.eventually("the event's text in the log", probe, within=30 if c.world.endpoint is None else 5)


@check("recorded: test_lambda_too_large_response", slow=True)
def answer_over_six_megabytes_is_a_function_error(c):
    """An answer over 6 MB: FunctionError Unhandled, Function.ResponseSizeTooLarge."""
    big = "{ printf '\"'; head -c 6500000 /dev/zero | tr '\\0' x; printf '\"'; } >\"$reply\""
    seen = c.invoke(c.function(bootstrap.loop(big), Timeout=20))
    c.equal("FunctionError", seen.get("FunctionError"), "Unhandled")
    c.equal("errorType", seen["Payload"].get("errorType"), "Function.ResponseSizeTooLarge")


@check("guide, Understanding concurrency: one event at a time in each environment", slow=True)
def events_run_side_by_side(c):
    """Events that come together do not wait for each other."""
    name = c.function(bootstrap.loop('sleep 1; reply="$work/event"'), Timeout=10)
    start = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        seen = [answer["Payload"] for answer in pool.map(lambda number: c.invoke(name, number), range(4))]
    c.equal("answers", seen, [0, 1, 2, 3])
    # One after another they would sleep for four seconds.
    c.true("less than 3.5 s for four sleeps of 1 s", time.monotonic() - start < 3.5, time.monotonic() - start)


@check("API PutFunctionConcurrency; recorded: test_lambda_concurrency_crud")
def concurrency_is_kept(c):
    """Reserved concurrency is none at first, can be put, is in GetFunction, and can be deleted."""
    name, client = c.function(), c.aws("lambda")
    seen = client.get_function_concurrency(FunctionName=name)
    c.true("none at first", "ReservedConcurrentExecutions" not in seen, seen)
    answer = client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=5)
    c.equal("put", answer["ReservedConcurrentExecutions"], 5)
    c.equal("get", client.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"], 5)
    c.equal(
        "GetFunction", client.get_function(FunctionName=name).get("Concurrency"), {"ReservedConcurrentExecutions": 5}
    )
    answer = client.delete_function_concurrency(FunctionName=name)
    c.equal("status of delete", answer["ResponseMetadata"]["HTTPStatusCode"], 204)
    seen = client.get_function_concurrency(FunctionName=name)
    c.true("none at the end", "ReservedConcurrentExecutions" not in seen, seen)


@check("recorded: test_lambda_concurrency_block, test_reserved_concurrency")
def concurrency_zero_blocks(c):
    """A reserved concurrency of 0: TooManyRequestsException 429 with its Reason; until it is deleted."""
    name, client = c.function(), c.aws("lambda")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    answer = c.refused("TooManyRequestsException", 429, client.invoke, says="Rate Exceeded", FunctionName=name)
    c.has("error", answer, {"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "Type": "User"})
    client.delete_function_concurrency(FunctionName=name)
    c.equal("afterwards", c.invoke(name, "x")["Payload"], "x")


@check("recorded: test_reserved_concurrency", slow=True)
def concurrency_one_runs_one(c):
    """With a reserved concurrency of 1 a second event at the same time is refused with 429."""
    name, client = c.function(bootstrap.loop('sleep 2; reply="$work/event"'), Timeout=10), c.aws("lambda")
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    first = threading.Thread(target=lambda: c.invoke(name))
    first.start()
    time.sleep(0.8)
    try:
        c.refused("TooManyRequestsException", 429, client.invoke, FunctionName=name)
    finally:
        first.join()


@check("recorded: test_function_concurrency_limits")
def concurrency_over_the_account_is_refused(c):
    """More than the account leaves is refused: InvalidParameterValueException."""
    says = "decreases account's UnreservedConcurrentExecution below its minimum value"
    call = c.aws("lambda").put_function_concurrency
    arguments = {"FunctionName": c.function(), "ReservedConcurrentExecutions": 1_000_000}
    c.refused("InvalidParameterValueException", 400, call, says=says, **arguments)


@check("recorded: test_function_concurrency_exceptions")
def concurrency_of_missing_is_not_found(c):
    """Concurrency of no function: 404; of a version: refused."""
    client, none = c.aws("lambda"), c.name("none")
    put = client.put_function_concurrency
    c.refused("ResourceNotFoundException", 404, client.get_function_concurrency, FunctionName=none)
    c.refused("ResourceNotFoundException", 404, put, FunctionName=none, ReservedConcurrentExecutions=1)
    says = "permitted on Lambda functions only"
    arn = c.function_arn(c.echo(), "1")
    c.refused("InvalidParameterValueException", 400, put, says=says, FunctionName=arn, ReservedConcurrentExecutions=1)


@check("recorded: test_lambda_eventinvokeconfig_lifecycle, test_lambda_eventinvokeconfig_exceptions")
def event_invoke_config_is_kept(c):
    """Retries and age for events are none at first (404), can be put, read and deleted."""
    name, client = c.function(), c.aws("lambda")
    says = "doesn't have an EventInvokeConfig"
    c.refused("ResourceNotFoundException", 404, client.get_function_event_invoke_config, says=says, FunctionName=name)
    settings = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    client.put_function_event_invoke_config(FunctionName=name, **settings)
    c.has("get", client.get_function_event_invoke_config(FunctionName=name), settings)
    client.delete_function_event_invoke_config(FunctionName=name)
    c.refused("ResourceNotFoundException", 404, client.get_function_event_invoke_config, FunctionName=name)
