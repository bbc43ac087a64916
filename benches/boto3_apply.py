#!/usr/bin/env python3
"""The baseline for `mcpdeploy apply`: the calculator's stack, written by hand with boto3.

    boto3_apply.py --endpoint URL --zip FILE [--name calculator] [--alarm-email ADDRESS]
    boto3_apply.py --endpoint URL --destroy  [--name calculator]

Makes the same calls as our stack, each as soon as what it needs is there, in as many threads as
there is work; keeps no state, reads nothing, knows no second run. Prints one JSON line: `wall_ms`
from the first call to the last answer, `import_ms` and `clients_ms` apart, because they are
Python's and not the cloud's, and `calls`, each with when it started and how long it took.
"""

import argparse
import json
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor

BEGIN = time.perf_counter()
import boto3  # noqa: E402
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402

IMPORTED = time.perf_counter()
WORKERS = 32
SERVICES = ("iam", "lambda", "logs", "apigatewayv2", "cloudwatch", "sns")
XRAY = "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


class Script:
    """Runs calls when what they depend on is done, and remembers when each ran."""

    def __init__(self, endpoint: str, region: str):
        session = boto3.Session(region_name=region)
        config = Config(max_pool_connections=WORKERS, proxies={}, retries={"mode": "standard"})
        self.clients = {
            name: session.client(name, endpoint_url=endpoint, config=config) for name in SERVICES
        }
        self.pool = ThreadPoolExecutor(WORKERS)
        self.calls: list[dict] = []
        self.region = region

    def call(self, service: str, operation: str, **arguments):
        """One call, timed."""
        start = time.perf_counter()
        try:
            return getattr(self.clients[service], operation)(**arguments)
        finally:
            end = time.perf_counter()
            self.calls.append({"call": f"{service}:{operation}", "start": start, "end": end})

    def after(self, *needs: Future):
        """Starts the decorated function with the results of what it needs."""

        def start(work) -> Future:
            return self.pool.submit(lambda: work(*(need.result() for need in needs)))

        return start


def create_function(script: Script, name: str, role: str, code: bytes) -> str:
    """Tries until IAM has told Lambda of the role, then waits until the function is active."""
    wait = 0.25
    while True:
        try:
            script.call(
                "lambda",
                "create_function",
                FunctionName=name,
                Runtime="provided.al2023",
                Handler="bootstrap",
                Role=role,
                Code={"ZipFile": code},
                MemorySize=256,
                Timeout=30,
                Architectures=["x86_64"],
                Environment={"Variables": {"RUST_LOG": "info"}},
                TracingConfig={"Mode": "Active"},
                LoggingConfig={"LogFormat": "JSON", "LogGroup": f"/aws/lambda/{name}"},
            )
            break
        except ClientError as error:
            if "cannot be assumed" not in str(error):
                raise
            time.sleep(wait)
            wait = min(wait * 2, 2)
    wait = 0.04
    while script.call("lambda", "get_function_configuration", FunctionName=name)["State"] != "Active":
        time.sleep(wait)
        wait = min(wait * 1.5, 1)
    return script.call("lambda", "publish_version", FunctionName=name)["Version"]


def dashboard(name: str, region: str, api: str) -> str:
    def widget(title: str, y: int, metrics: list, **more) -> dict:
        properties = {"title": title, "region": region, "metrics": metrics, "period": 60} | more
        return {"type": "metric", "x": 0, "y": y, "width": 12, "height": 6, "properties": properties}

    function = ["FunctionName", name]
    return json.dumps(
        {
            "widgets": [
                widget("Requests", 0, [["AWS/Lambda", "Invocations", *function]], stat="Sum"),
                widget("Errors", 6, [["AWS/Lambda", "Errors", *function]], stat="Sum"),
                widget("Latency", 12, [["AWS/Lambda", "Duration", *function]], stat="p95"),
                widget("5xx", 18, [["AWS/ApiGateway", "5xx", "ApiId", api]], stat="Sum"),
            ]
        }
    )


def apply(script: Script, name: str, code: bytes, alarm_email: str | None) -> str:
    """Deploys; returns the API's endpoint."""
    call, region = script.call, script.region
    tags = {"mcpdeploy:deployment": name, "mcpdeploy:environment": "baseline"}
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    group = f"/aws/lambda/{name}"
    done: list[Future] = []

    @script.after()
    def log_group():
        call("logs", "create_log_group", logGroupName=group, tags=tags)
        call("logs", "put_retention_policy", logGroupName=group, retentionInDays=30)

    @script.after()
    def role():
        made = call(
            "iam",
            "create_role",
            RoleName=f"{name}-exec",
            AssumeRolePolicyDocument=json.dumps(TRUST),
            Tags=pairs,
        )
        return made["Role"]["Arn"]

    @script.after(role)
    def inline_policy(_):
        statement = {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": f"arn:aws:logs:{region}:*:log-group:{group}:*",
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        call("iam", "put_role_policy", RoleName=f"{name}-exec", PolicyName="exec", PolicyDocument=document)

    @script.after(role)
    def xray_policy(_):
        call("iam", "attach_role_policy", RoleName=f"{name}-exec", PolicyArn=XRAY)

    @script.after()
    def api():
        return call(
            "apigatewayv2",
            "create_api",
            Name=name,
            ProtocolType="HTTP",
            Tags=tags,
            CorsConfiguration={
                "AllowOrigins": ["*"],
                "AllowMethods": ["GET", "POST", "DELETE", "OPTIONS"],
                "AllowHeaders": [
                    "authorization",
                    "content-type",
                    "accept",
                    "mcp-protocol-version",
                    "mcp-method",
                    "mcp-name",
                    "mcp-session-id",
                    "last-event-id",
                ],
                "ExposeHeaders": ["mcp-session-id", "www-authenticate"],
                "MaxAge": 300,
            },
        )

    @script.after(role, log_group)
    def version(role, _):
        return create_function(script, name, role, code)

    @script.after(version)
    def alias(version):
        made = call("lambda", "create_alias", FunctionName=name, Name="live", FunctionVersion=version)
        return made["AliasArn"]

    @script.after(alias, api)
    def permission(alias, api):
        account = alias.split(":")[4]
        call(
            "lambda",
            "add_permission",
            FunctionName=name,
            Qualifier="live",
            StatementId="api",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:{region}:{account}:{api['ApiId']}/*/*",
        )

    # The service takes the changes of one API one at a time.
    @script.after(api)
    def stage(api):
        call(
            "apigatewayv2",
            "create_stage",
            ApiId=api["ApiId"],
            StageName="$default",
            AutoDeploy=True,
            Tags=tags,
            DefaultRouteSettings={"ThrottlingRateLimit": 1000.0, "ThrottlingBurstLimit": 2000},
        )

    @script.after(alias, api, stage)
    def routes(alias, api, _):
        made = call(
            "apigatewayv2",
            "create_integration",
            ApiId=api["ApiId"],
            IntegrationType="AWS_PROXY",
            IntegrationUri=alias,
            PayloadFormatVersion="2.0",
            TimeoutInMillis=30_000,
        )
        for key in ("ANY /mcp", "ANY /mcp/{proxy+}"):
            target = f"integrations/{made['IntegrationId']}"
            call("apigatewayv2", "create_route", ApiId=api["ApiId"], RouteKey=key, Target=target)

    @script.after()
    def topic():
        if not alarm_email:
            return []
        arn = call("sns", "create_topic", Name=f"{name}-alarms", Tags=pairs)["TopicArn"]
        call("sns", "subscribe", TopicArn=arn, Protocol="email", Endpoint=alarm_email)
        return [arn]

    def alarm(topic: list, what: str, namespace: str, dimensions: dict, metric: str, threshold: float, **stat):
        call(
            "cloudwatch",
            "put_metric_alarm",
            AlarmName=f"{name}-{what}",
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            Period=60,
            EvaluationPeriods=5,
            Threshold=threshold,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
            AlarmActions=topic,
            Tags=pairs,
            **stat,
        )

    function = {"FunctionName": name}
    for what, metric, threshold, stat in [
        ("errors", "Errors", 10, {"Statistic": "Sum"}),
        ("latency", "Duration", 5000, {"ExtendedStatistic": "p95"}),
        ("throttles", "Throttles", 1, {"Statistic": "Sum"}),
    ]:
        watch = lambda topic, w=what, m=metric, t=threshold, s=stat: alarm(  # noqa: E731
            topic, w, "AWS/Lambda", function, m, t, **s
        )
        done.append(script.after(topic)(watch))

    @script.after(topic, api)
    def server_errors(topic, api):
        alarm(topic, "5xx", "AWS/ApiGateway", {"ApiId": api["ApiId"]}, "5xx", 10, Statistic="Sum")

    @script.after(api)
    def board(api):
        body = dashboard(name, region, api["ApiId"])
        call("cloudwatch", "put_dashboard", DashboardName=name, DashboardBody=body)

    for each in [*done, inline_policy, xray_policy, permission, routes, server_errors, board]:
        each.result()
    return api.result()["ApiEndpoint"]


def destroy(script: Script, name: str) -> None:
    """Removes what `apply` made, one after the other; not measured."""
    call = script.call
    for api in call("apigatewayv2", "get_apis")["Items"]:
        if api["Name"] == name:
            call("apigatewayv2", "delete_api", ApiId=api["ApiId"])
    for topic in call("sns", "list_topics")["Topics"]:
        if topic["TopicArn"].endswith(f":{name}-alarms"):
            for each in call("sns", "list_subscriptions_by_topic", TopicArn=topic["TopicArn"])["Subscriptions"]:
                if each["SubscriptionArn"].startswith("arn:"):
                    call("sns", "unsubscribe", SubscriptionArn=each["SubscriptionArn"])
            call("sns", "delete_topic", TopicArn=topic["TopicArn"])
    call("cloudwatch", "delete_dashboards", DashboardNames=[name])
    alarms = [f"{name}-{what}" for what in ("errors", "latency", "throttles", "5xx")]
    call("cloudwatch", "delete_alarms", AlarmNames=alarms)
    call("lambda", "delete_function", FunctionName=name)
    call("iam", "delete_role_policy", RoleName=f"{name}-exec", PolicyName="exec")
    call("iam", "detach_role_policy", RoleName=f"{name}-exec", PolicyArn=XRAY)
    call("iam", "delete_role", RoleName=f"{name}-exec")
    call("logs", "delete_log_group", logGroupName=f"/aws/lambda/{name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--endpoint", help="where the cloud answers; AWS itself without it")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--name", default="calculator")
    parser.add_argument("--zip", help="the function's code")
    parser.add_argument("--alarm-email")
    parser.add_argument("--destroy", action="store_true")
    options = parser.parse_args()
    before = time.perf_counter()
    script = Script(options.endpoint, options.region)
    ready = time.perf_counter()
    told = {}
    if options.destroy:
        destroy(script, options.name)
    else:
        if not options.zip:
            parser.error("--zip is needed")
        with open(options.zip, "rb") as file:
            code = file.read()
        told["url"] = apply(script, options.name, code, options.alarm_email) + "/mcp"
    first = min(each["start"] for each in script.calls)
    told |= {
        "wall_ms": round((max(each["end"] for each in script.calls) - first) * 1000, 1),
        "import_ms": round((IMPORTED - BEGIN) * 1000, 1),
        "clients_ms": round((ready - before) * 1000, 1),
        "calls": [
            {
                "call": each["call"],
                "at_ms": round((each["start"] - first) * 1000, 1),
                "took_ms": round((each["end"] - each["start"]) * 1000, 1),
            }
            for each in sorted(script.calls, key=lambda each: each["start"])
        ],
    }
    json.dump(told, sys.stdout)
    print()


if __name__ == "__main__":
    main()
