"""HTTP APIs as their functions see them: events and answers."""

import base64
import time

import bootstrap
from judge import Group

check = Group("gateway")

# What the function behind the API looks like: guide, AWS Lambda proxy integrations for HTTP APIs.
EVENT = "guide, AWS Lambda proxy integrations for HTTP APIs: payload format 2.0"
ANSWER = "guide, AWS Lambda proxy integrations for HTTP APIs: Lambda function response, format 2.0"
ROUTES = "guide, Routes for HTTP APIs: Routing API requests"


@check(EVENT)
def event_of_a_plain_request(c):
    """A GET without anything gives an event with version, route, path and context, and no body."""
    site = c.open_site()
    event = site.event("/some/path", headers={"user-agent": "tests/1"})
    expected = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/some/path",
        "rawQueryString": "",
        "isBase64Encoded": False,
    }
    c.has("event", event, expected)
    for key in ("body", "cookies", "queryStringParameters", "pathParameters", "stageVariables"):
        c.true(f"no {key}", key not in event, event.get(key))


@check(EVENT)
def event_context(c):
    """The request context names account, API, domain, stage, route, time and the HTTP request."""
    site = c.open_site()
    context = site.event("/some/path", headers={"user-agent": "tests/1"})["requestContext"]
    host = site.url.split("//")[1]
    expected = {
        "accountId": c.account,
        "apiId": site.id,
        "domainPrefix": site.id,
        "stage": "$default",
        "routeKey": "$default",
    }
    c.has("requestContext", context, expected)
    c.true("the domain name", context.get("domainName") in (host, host.split(":")[0]), context.get("domainName"))
    http = {"method": "GET", "path": "/some/path", "protocol": "HTTP/1.1", "userAgent": "tests/1"}
    c.has("http", context["http"], http)
    c.true("a sourceIp", context["http"].get("sourceIp"), context["http"])
    c.true("a requestId", context.get("requestId"), context)
    c.matches("time", context.get("time"), r"^\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000$")
    # Milliseconds.
    c.true("timeEpoch about now", abs(context["timeEpoch"] / 1000 - time.time()) < 120, context["timeEpoch"])


@check(EVENT)
def event_headers(c):
    """Header names come in small letters, and values of repeated ones joined by commas."""
    headers = [("X-Colour", "blue"), ("X-MANY", "one"), ("x-many", "two"), ("X-Empty-After", "end")]
    seen = c.open_site().event("/", headers=headers)["headers"]
    c.has("headers", seen, {"x-colour": "blue", "x-many": "one,two", "x-empty-after": "end"})
    c.true("no capital letters", all(name == name.lower() for name in seen), seen)
    c.true("a host", seen.get("host"), seen)


@check(EVENT + "; recorded: test_lambda_url_echo_http_fixture_default")
def event_forwarding_headers(c):
    """The gateway adds x-forwarded-for, -port and -proto, and x-amzn-trace-id."""
    seen = c.open_site().event("/")["headers"]
    for name in ("x-forwarded-for", "x-forwarded-port", "x-forwarded-proto", "x-amzn-trace-id"):
        c.true(f"{name} in the headers", seen.get(name), seen)


@check(EVENT)
def event_query(c):
    """The raw query string is as sent; parameters are decoded, repeated ones joined by commas."""
    event = c.open_site().event("/?colour=light%20blue&many=one&many=two&empty=")
    c.equal("rawQueryString", event["rawQueryString"], "colour=light%20blue&many=one&many=two&empty=")
    expected = {"colour": "light blue", "many": "one,two", "empty": ""}
    c.equal("queryStringParameters", event.get("queryStringParameters"), expected)


@check(EVENT)
def event_cookies(c):
    """Cookies come as a list, and not among the headers."""
    event = c.open_site().event("/", headers={"Cookie": "a=1; b=2"})
    c.equal("cookies", event.get("cookies"), ["a=1", "b=2"])
    c.true("no cookie header", "cookie" not in event["headers"], event["headers"])


@check(EVENT)
def event_text_body(c):
    """A text or JSON body comes as it is."""
    site = c.open_site()
    for kind, body in (("text/plain", "grüße"), ("application/json", '{"a": "grüße"}')):
        event = site.event("/", "POST", {"content-type": kind}, body.encode())
        c.has(kind, event, {"body": body, "isBase64Encoded": False})


@check(EVENT)
def event_binary_body(c):
    """Any other body comes in base64."""
    body = bytes(range(256))
    event = c.open_site().event("/", "POST", {"content-type": "application/octet-stream"}, body)
    c.has("event", event, {"isBase64Encoded": True, "body": base64.b64encode(body).decode()})


@check("seen: HTTP APIs send form bodies in base64", unsure="reported by users, not documented")
def event_form_body(c):
    """A form's body comes in base64."""
    kind = {"content-type": "application/x-www-form-urlencoded"}
    event = c.open_site().event("/", "POST", kind, b"a=1&b=2")
    c.has("event", event, {"isBase64Encoded": True, "body": base64.b64encode(b"a=1&b=2").decode()})


@check.each({method.lower(): method for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS")}, EVENT)
def event_method(c, method):
    """A {case} request reaches the function with its method."""
    event = c.open_site().event("/", method, {"content-type": "text/plain"}, b"x")
    c.equal("method", event["requestContext"]["http"]["method"], method)


@check("guide, Routes for HTTP APIs: parameters are decoded", unsure="reported of rawPath, documented of parameters")
def event_encoded_path(c):
    """Escapes in the path: rawPath decodes them."""
    event = c.open_site().event("/light%20blue/gr%C3%BC%C3%9Fe")
    c.equal("rawPath", event["rawPath"], "/light blue/grüße")


@check(EVENT + "; guide, Stages for HTTP APIs: stage variables")
def event_named_stage(c):
    """On a named stage, its name leads the path, also in rawPath, and its variables come along."""
    site = c.site(stage={"StageName": "prod", "StageVariables": {"colour": "blue"}}).ready("/prod/a/b")
    event = site.event("/prod/a/b")
    c.has("event", event, {"rawPath": "/prod/a/b", "stageVariables": {"colour": "blue"}})
    context = event["requestContext"]
    c.equal("stage and path", (context["stage"], context["http"]["path"]), ("prod", "/prod/a/b"))


@check(ROUTES)
def no_stage_is_not_found(c):
    """Without a $default stage the root is 404 {"message":"Not Found"}."""
    site = c.site(stage={"StageName": "prod"}).ready("/prod/")
    c.gateway_says(site.get("/"), 404, "Not Found")


@check(ANSWER + "; recorded: test_lambda_url_invocation[string]")
def answer_string(c):
    """A function that answers with a string: 200, application/json, the text itself."""
    answer = c.open_site().get("/", x_answer="answer-string")
    c.equal("status and body", (answer.status, answer.text()), (200, "just text"))
    c.equal("content-type", answer.header("content-type"), "application/json")


@check(ANSWER)
def answer_object(c):
    """A function that answers with an object without statusCode: 200, application/json, that object."""
    answer = c.open_site().get("/", x_answer="answer-object")
    c.equal("status and body", (answer.status, answer.json()), (200, {"colour": "blue"}))
    c.equal("content-type", answer.header("content-type"), "application/json")


@check(ANSWER)
def answer_structured(c):
    """A structured answer gives status, headers and body."""
    answer = c.open_site().get("/", x_answer="answer-structured")
    c.equal("status and body", (answer.status, answer.text()), (201, "made"))
    c.equal("headers", (answer.header("content-type"), answer.header("x-colour")), ("text/plain", "blue"))


@check(ANSWER)
def answer_cookies(c):
    """Each of the cookies of an answer becomes a set-cookie header of its own."""
    answer = c.open_site().get("/", x_answer="answer-cookies")
    c.equal("set-cookie", answer.all("set-cookie"), ["a=1; Secure", "b=2"])
    c.equal("x-colour", answer.header("x-colour"), "red")


@check(ANSWER)
def answer_binary(c):
    """A body in base64 is sent decoded."""
    answer = c.open_site().get("/", x_answer="answer-binary")
    c.equal("body", answer.body, b"\x00\x01\x02\xff")
    c.equal("content-type", answer.header("content-type"), "image/png")


@check(ANSWER)
def answer_without_body(c):
    """An answer of nothing but a status has no body."""
    answer = c.open_site().get("/", x_answer="answer-nobody")
    c.equal("status and body", (answer.status, answer.body), (204, b""))


@check(ANSWER, unsure="reported to work, not documented")
def answer_with_status_as_text(c):
    """A statusCode that is a number in a string will do."""
    answer = c.open_site().get("/", x_answer="answer-string-status")
    c.equal("status and body", (answer.status, answer.text()), (202, "taken"))


@check("guide, Troubleshooting HTTP API Lambda integrations: 500 Internal Server Error")
def answer_with_no_status(c):
    """A statusCode that is no number: 500 {"message":"Internal Server Error"}."""
    c.gateway_says(c.open_site().get("/", x_answer="answer-badstatus"), 500, "Internal Server Error")


@check(ANSWER, unsure="what AWS makes of a body that is no base64")
def answer_with_bad_base64(c):
    """A body that should be base64 and is not: 500 {"message":"Internal Server Error"}."""
    c.gateway_says(c.open_site().get("/", x_answer="answer-badbody"), 500, "Internal Server Error")


@check("guide, Troubleshooting HTTP API Lambda integrations: 500 Internal Server Error")
def function_error(c):
    """A function that fails: 500 {"message":"Internal Server Error"}."""
    c.gateway_says(c.open_site().get("/", x_answer="answer-exit"), 500, "Internal Server Error")


@check("guide, Troubleshooting HTTP API Lambda integrations: permission")
def no_permission(c):
    """Without permission to invoke the function: 500 {"message":"Internal Server Error"}."""
    site = c.site(permit=False)
    c.eventually("the route deployed", lambda: site.get("/").status != 404, 3)
    c.gateway_says(site.get("/"), 500, "Internal Server Error")


@check("guide, Lambda resource-based policies: SourceArn of an API's route")
def permission_of_another_path(c):
    """A permission whose source ARN is another API's does not help: 500."""
    site = c.site(permit=False)
    c.allow(c.mirror(), "otherapi00")
    c.eventually("the route deployed", lambda: site.get("/").status != 404, 3)
    c.gateway_says(site.get("/"), 500, "Internal Server Error")


@check("guide, AWS Lambda proxy integrations: integration with an alias; Lambda permissions on an alias")
def integration_with_an_alias(c):
    """An integration with an alias invokes its version; the permission is the alias's own."""
    lambda_, gateway = c.aws("lambda"), c.aws("apigatewayv2")
    name = c.function(bootstrap.says({"statusCode": 200, "body": "version one"}))
    lambda_.create_alias(FunctionName=name, Name="live", FunctionVersion=c.publish(name))
    c.new_code(name, bootstrap.says({"statusCode": 200, "body": "latest"}))
    site = c.site(routes=())
    target = c.integrate(site.id, c.function_arn(name, "live"))
    gateway.create_route(ApiId=site.id, RouteKey="$default", Target=target)
    c.eventually("the route deployed", lambda: site.get("/").status != 404, 3)
    c.equal("without permission", site.get("/").status, 500)
    lambda_.add_permission(
        FunctionName=name,
        Qualifier="live",
        StatementId="gateway",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{c.region}:{c.account}:{site.id}/*/*",
    )
    c.eventually("200 with permission", lambda: site.get("/").status == 200, 5)
    c.equal("body", site.get("/").text(), "version one")


@check("guide, Quotas: integration timeout; seen: 503 Service Unavailable")
def integration_timeout(c):
    """A function slower than the integration's timeout: 503 {"message":"Service Unavailable"}."""
    site = c.site(integration={"TimeoutInMillis": 500}).ready("/")
    c.gateway_says(site.get("/", x_answer="answer-slow"), 503, "Service Unavailable")


@check("seen: HTTP APIs answer 503 when Lambda throttles", unsure="reported by users, not documented")
def throttled_function(c):
    """A function that is throttled: 503 {"message":"Service Unavailable"}."""
    name = c.function()
    site = c.site(routes=())
    c.allow(name, site.id)
    target = c.integrate(site.id, c.function_arn(name))
    c.aws("apigatewayv2").create_route(ApiId=site.id, RouteKey="$default", Target=target)
    site.ready("/")
    c.aws("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    c.gateway_says(c.eventually("503", lambda: (a := site.get("/")).status == 503 and a, 3), 503, "Service Unavailable")


@check("guide, Customize HTTP API access logs: $context.requestId; seen in every answer")
def answers_have_a_request_id(c):
    """Every answer has the gateway's request id in apigw-requestid, the one of the event."""
    answer = c.open_site().get("/")
    c.equal("apigw-requestid", answer.header("apigw-requestid"), answer.json()["requestContext"]["requestId"])


@check("guide, AWS Lambda proxy integrations for HTTP APIs: payload format 1.0")
def payload_format_one(c):
    """Payload format 1.0 gives resource, method and path, and lists of repeated values."""
    site = c.site(routes=("GET /pets/{id}",), integration={"PayloadFormatVersion": "1.0"})
    wrapped = [("x-answer", "answer-wrapped"), ("x-many", "one"), ("x-many", "two")]

    def probe():
        answer = site.send("GET", "/pets/1?a=1&a=2", wrapped)
        return answer.json() if answer.status == 200 else None

    event = c.eventually("200", probe, 3)
    expected = {
        "version": "1.0",
        "resource": "/pets/{id}",
        "path": "/pets/1",
        "httpMethod": "GET",
        "queryStringParameters": {"a": "2"},
        "multiValueQueryStringParameters": {"a": ["1", "2"]},
        "pathParameters": {"id": "1"},
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
    }
    c.has("event", event, expected)
    many = {name.lower(): values for name, values in event["multiValueHeaders"].items()}["x-many"]
    c.equal("x-many", many, ["one", "two"])
