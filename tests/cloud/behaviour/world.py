"""The cloud under test: clients, resources that many checks share, and what a check makes itself.

A check gets a `Case`. Whatever it makes is named after it and removed when it ends.
"""

import json
import os
import threading
import time
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

import bootstrap
from judge import Expect, Failed
from web import Issuer, Web

LAMBDA_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
BASIC_EXECUTION = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"

# A fresh role reaches Lambda after a while.
ROLE_WITHIN = 60
SETTLED_WITHIN = 60


class World:
    """One run against one cloud. Safe to use from many threads."""

    def __init__(self, endpoint=None, region="us-east-1"):
        self.endpoint, self.region = endpoint, region
        self.run = uuid.uuid4().hex[:6]
        self.web = Web(endpoint)
        credentials = {}
        if endpoint and not os.environ.get("AWS_ACCESS_KEY_ID"):
            # A local cloud takes any; the user's own stay out of it.
            credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        self.session = boto3.session.Session(region_name=region, **credentials)
        self.lock = threading.Lock()
        self.clients: dict = {}
        self.locks: dict = {}
        self.shared: dict = {}
        self.cleaning: list = []

    def client(self, service: str, **options):
        """A client that never retries: what the cloud says first is what counts."""
        key = (service, json.dumps(options, sort_keys=True))
        with self.lock:
            if key not in self.clients:
                credentials = options.pop("credentials", {})
                config = Config(
                    retries={"total_max_attempts": 1},
                    s3={"addressing_style": "path"} if self.endpoint else {},
                    max_pool_connections=64,
                    connect_timeout=10,
                    read_timeout=90,
                    **options,
                )
                self.clients[key] = self.session.client(
                    service, endpoint_url=self.endpoint, config=config, **credentials
                )
            return self.clients[key]

    def share(self, name: str, make):
        """Made once, by whoever needs it first, removed at the end; its failure is everybody's."""
        with self.lock:
            lock = self.locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self.shared:
                case = Case(self, f"shared-{name}")
                with self.lock:
                    self.cleaning.append(case)
                try:
                    self.shared[name] = (make(case), None)
                except Exception as error:
                    self.shared[name] = (None, error)
            value, error = self.shared[name]
            if error:
                raise error
            return value

    def account(self) -> str:
        return self.share("account", lambda c: c.aws("sts").get_caller_identity()["Account"])

    def close(self) -> None:
        for case in reversed(self.cleaning):
            case.clean()


class Case(Expect):
    """What one check works with."""

    def __init__(self, world: World, owner: str):
        self.world = world
        self.owner = "".join(part[0] for part in owner.replace(".", "-").split("-") if part)
        self.deferred: list = []

    # Clients.

    def aws(self, service: str):
        return self.world.client(service)

    def raw(self, service: str):
        """A client that sends what boto3 itself would refuse."""
        return self.world.client(service, parameter_validation=False)

    @property
    def account(self) -> str:
        return self.world.account()

    @property
    def region(self) -> str:
        return self.world.region

    # Names and cleaning up.

    def name(self, what: str = "x") -> str:
        return f"bhv-{self.world.run}-{self.owner[:12]}-{what}-{uuid.uuid4().hex[:6]}"

    def defer(self, call, **arguments) -> None:
        """To be called at the end, last one first, whatever it answers."""
        self.deferred.append((call, arguments))

    def clean(self) -> None:
        while self.deferred:
            call, arguments = self.deferred.pop()
            try:
                call(**arguments)
            except (ClientError, BotoCoreError, Failed):
                pass

    # IAM and Lambda.

    def make_role(self, trust: str = LAMBDA_TRUST, **more) -> dict:
        iam = self.aws("iam")
        name = more.pop("RoleName", None) or self.name("role")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **more)["Role"]
        self.defer(iam.delete_role, RoleName=name)
        return role

    def role(self) -> str:
        """The ARN of a role that Lambda can assume, shared."""

        def make(case):
            role = case.make_role()
            iam = case.aws("iam")
            try:
                iam.attach_role_policy(RoleName=role["RoleName"], PolicyArn=BASIC_EXECUTION)
                case.defer(iam.detach_role_policy, RoleName=role["RoleName"], PolicyArn=BASIC_EXECUTION)
            except ClientError:
                pass  # A cloud without AWS's policies fails the checks that are about them.
            return role["Arn"]

        return self.world.share("role", make)

    def create_function(self, code=bootstrap.ECHO, **changed) -> dict:
        """CreateFunction as it answers, once the role has reached Lambda."""
        client = self.aws("lambda")
        arguments = {
            "FunctionName": self.name("fn"),
            "Runtime": "provided.al2023",
            "Handler": "bootstrap",
            "Role": changed.get("Role") or self.role(),
            "Code": {"ZipFile": bootstrap.package(code)},
        }
        arguments.update(changed)
        deadline = time.monotonic() + ROLE_WITHIN
        while True:
            try:
                made = client.create_function(**arguments)
                break
            except ClientError as error:
                late = time.monotonic() > deadline
                if late or "cannot be assumed by Lambda" not in error.response["Error"].get("Message", ""):
                    raise
                time.sleep(0.25)
        self.defer(self.aws("logs").delete_log_group, logGroupName=f"/aws/lambda/{arguments['FunctionName']}")
        self.defer(client.delete_function, FunctionName=arguments["FunctionName"])
        return made

    def function(self, code=bootstrap.ECHO, **changed) -> str:
        """The name of a function that is ready."""
        name = self.create_function(code, **changed)["FunctionName"]
        self.settled(name)
        return name

    def echo(self) -> str:
        """The name of a function that answers with its event, shared and not to be changed."""
        return self.world.share("echo", lambda case: case.function(bootstrap.ECHO, Timeout=10))

    def settled(self, name: str, **qualifier) -> dict:
        """The function's configuration, once it is active and not being updated."""

        def probe():
            seen = self.aws("lambda").get_function_configuration(FunctionName=name, **qualifier)
            ready = seen.get("State", "Active") == "Active"
            return seen if ready and seen.get("LastUpdateStatus", "Successful") != "InProgress" else None

        return self.eventually(f"function {name} settles", probe, SETTLED_WITHIN)

    def new_code(self, name: str, code: str) -> dict:
        self.aws("lambda").update_function_code(FunctionName=name, ZipFile=bootstrap.package(code))
        return self.settled(name)

    def publish(self, name: str, code=None) -> str:
        """Publishes a version, of new code when some is given; its number."""
        if code:
            self.new_code(name, code)
        return self.aws("lambda").publish_version(FunctionName=name)["Version"]

    def versions(self, *texts) -> tuple:
        """A function with one published version for each text, which is what the version answers."""
        name = self.function(bootstrap.says(texts[0]))
        numbers = [self.publish(name)]
        numbers += [self.publish(name, bootstrap.says(text)) for text in texts[1:]]
        return (name, *numbers)

    def invoke(self, name: str, payload=None, **more) -> dict:
        """Invokes and reads the payload, as JSON where it is some."""
        body = json.dumps({} if payload is None else payload).encode()
        answer = self.aws("lambda").invoke(FunctionName=name, Payload=body, **more)
        text = answer["Payload"].read().decode()
        try:
            answer["Payload"] = json.loads(text)
        except ValueError:
            answer["Payload"] = text
        return answer

    # HTTP APIs.

    def api(self, **changed) -> dict:
        client = self.aws("apigatewayv2")
        api = client.create_api(**{"Name": self.name("api"), "ProtocolType": "HTTP", **changed})
        self.defer(client.delete_api, ApiId=api["ApiId"])
        return api

    def integrate(self, api_id: str, function_arn: str, **changed) -> str:
        """An integration with a function, which allows it; the target of routes."""
        arguments = {
            "ApiId": api_id,
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": function_arn,
            "PayloadFormatVersion": "2.0",
        }
        made = self.aws("apigatewayv2").create_integration(**{**arguments, **changed})
        return f"integrations/{made['IntegrationId']}"

    def allow(self, function: str, api_id: str, path: str = "*/*") -> None:
        """Lets an API invoke a function; the shared ones too, so the statement goes when we do."""
        client, sid = self.aws("lambda"), f"api-{uuid.uuid4().hex[:12]}"
        client.add_permission(
            FunctionName=function,
            StatementId=sid,
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:{self.region}:{self.account}:{api_id}/{path}",
        )
        self.defer(client.remove_permission, FunctionName=function, StatementId=sid)

    def function_arn(self, name: str, qualifier: str = "") -> str:
        arn = f"arn:aws:lambda:{self.region}:{self.account}:function:{name}"
        return f"{arn}:{qualifier}" if qualifier else arn

    def mirror(self) -> str:
        """The function behind the gateways, shared."""

        def make(case):
            package = bootstrap.package(bootstrap.MIRROR, **bootstrap.ANSWERS)
            return case.function(Code={"ZipFile": package}, Timeout=10)

        return self.world.share("mirror", make)

    def site(self, routes=("$default",), stage=None, integration=None, permit=True, **changed) -> "Site":
        """An HTTP API with the mirror behind these routes, on a stage that deploys by itself.

        A route is a key, or a key and more arguments of CreateRoute.
        """
        client, mirror = self.aws("apigatewayv2"), self.mirror()
        api = self.api(**changed)
        if permit:
            self.allow(mirror, api["ApiId"])
        target = self.integrate(api["ApiId"], self.function_arn(mirror), **(integration or {}))
        for route in routes:
            key, more = route if isinstance(route, tuple) else (route, {})
            client.create_route(ApiId=api["ApiId"], RouteKey=key, Target=target, **more)
        client.create_stage(ApiId=api["ApiId"], **{"StageName": "$default", "AutoDeploy": True, **(stage or {})})
        return Site(self, api, target)

    def open_site(self) -> "Site":
        """A shared site with only a default route, known to answer."""

        def make(case):
            site = case.site()
            site.ready("/")
            return site

        return self.world.share("site", make)

    def gateway_says(self, answer, status: int, text: str) -> None:
        """That the gateway itself answered, in its own words."""
        try:
            said = answer.json()
        except ValueError:
            said = answer.text()
        self.equal("status and body", (answer.status, said), (status, {"message": text}))

    def issuer(self) -> Issuer:
        def make(case):
            issuer = Issuer()
            case.defer(issuer.close)
            return issuer

        return self.world.share("issuer", make)


class Site:
    """An HTTP API as its clients see it."""

    def __init__(self, case: Case, api: dict, target: str = ""):
        self.case, self.api, self.id, self.target = case, api, api["ApiId"], target
        self.url = api["ApiEndpoint"].rstrip("/")

    def send(self, method: str, path: str, headers=(), body=None):
        return self.case.world.web.send(method, self.url + path, headers, body)

    def get(self, path: str, **headers):
        return self.send("GET", path, {name.replace("_", "-"): value for name, value in headers.items()})

    def event(self, path: str, method="GET", headers=(), body=None) -> dict:
        """The event that the function got, which the mirror sends back."""
        answer = self.send(method, path, headers, body)
        if answer.status != 200:
            raise Failed(f"{method} {path}: expected the event, saw {answer.status} {answer.text()[:200]}")
        return answer.json()

    def ready(self, path: str, within: float = 5) -> "Site":
        """Waits until a path answers 200: a deployment reaches the data plane after a while."""
        seen = {}

        def probe():
            seen["last"] = self.get(path)
            return seen["last"].status == 200

        try:
            self.case.eventually("", probe, within)
        except Failed:
            last = seen["last"]
            raise Failed(f"GET {self.url}{path}: expected 200, saw {last.status} {last.text()[:200]}") from None
        return self
