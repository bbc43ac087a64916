"""HTTP APIs with authorizers: JWT and Lambda.

The issuer is served on loopback by this program, so these checks are for clouds on this machine.
"""

import json

import bootstrap
from judge import Group

check = Group("gateway")

JWT = "guide, JWT authorizers for HTTP APIs"
TROUBLE = "guide, Troubleshooting HTTP API JWT authorizers"
LAMBDA = "guide, AWS Lambda authorizers for HTTP APIs"


def jwt_site(c):
    """Routes behind a JWT authorizer, with and without a scope, and one that is open; shared."""

    def make(case):
        client = case.aws("apigatewayv2")
        site = case.site(routes=("GET /open",))
        authorizer = client.create_authorizer(
            ApiId=site.id,
            Name="jwt",
            AuthorizerType="JWT",
            IdentitySource=["$request.header.Authorization"],
            JwtConfiguration={"Issuer": case.issuer().url, "Audience": ["tests", "others"]},
        )["AuthorizerId"]
        guarded = {"AuthorizationType": "JWT", "AuthorizerId": authorizer, "Target": site.target}
        client.create_route(ApiId=site.id, RouteKey="GET /closed", **guarded)
        client.create_route(ApiId=site.id, RouteKey="GET /scoped", AuthorizationScopes=["read", "write"], **guarded)
        site.ready("/open")
        case.eventually("the closed route deployed", lambda: site.get("/closed").status != 404)
        return site

    return c.world.share("jwt", make)


def with_token(c, token: str, path="/closed", prefix="Bearer "):
    return jwt_site(c).get(path, authorization=prefix + token)


@check(JWT)
def jwt_leaves_other_routes_open(c):
    """An authorizer guards only the routes that name it."""
    c.equal("status", jwt_site(c).get("/open").status, 200)


@check(TROUBLE)
def jwt_missing_is_unauthorized(c):
    """Without a token: 401 {"message":"Unauthorized"}."""
    c.gateway_says(jwt_site(c).get("/closed"), 401, "Unauthorized")


@check(TROUBLE)
def jwt_missing_is_challenged(c):
    """Without a token the answer has www-authenticate: Bearer."""
    c.matches("www-authenticate", jwt_site(c).get("/closed").header("www-authenticate"), "^Bearer")


@check(JWT)
def jwt_good_is_let_through(c):
    """A good token is let through, with `Bearer ` before it."""
    answer = with_token(c, c.issuer().token())
    c.equal("status", answer.status, 200)


@check(JWT, unsure="the guide calls the prefix optional; not recorded")
def jwt_needs_no_bearer(c):
    """A good token is let through without `Bearer ` too."""
    c.equal("status", with_token(c, c.issuer().token(), prefix="").status, 200)


@check("guide, AWS Lambda proxy integrations: requestContext.authorizer.jwt")
def jwt_claims_reach_the_function(c):
    """The claims are in requestContext.authorizer.jwt, every value as text."""
    token = c.issuer().token(sub="me", scope="read other")
    event = with_token(c, token).json()
    found = event["requestContext"].get("authorizer", {}).get("jwt", {})
    c.has("claims", found.get("claims"), {"sub": "me", "aud": "tests", "iss": c.issuer().url, "scope": "read other"})
    c.true("text only", all(isinstance(value, str) for value in found["claims"].values()), found["claims"])


@check("guide, JWT authorizers: scopes; seen: scopes is null on a route without")
def jwt_scopes_reach_the_function(c):
    """jwt.scopes is there, and null on a route that asks for none."""
    event = with_token(c, c.issuer().token(scope="read other")).json()
    found = event["requestContext"]["authorizer"]["jwt"]
    c.equal("scopes", found.get("scopes", "not there"), None)


# What a token has to be, and what in www-authenticate says why it is not.
TOKENS = {
    "is expired": lambda issuer: issuer.token(exp=1_600_000_000),
    "is of another issuer": lambda issuer: issuer.token(iss="https://other.example"),
    "is for another audience": lambda issuer: issuer.token(aud="somebody-else"),
    "has no audience": lambda issuer: issuer.token(aud=None),
    "is signed by another key": lambda issuer: issuer.token(forged=True),
    "names an unknown key": lambda issuer: issuer.token(kid="unknown"),
    "is not signed": lambda issuer: issuer.token(alg="none"),
    "is not valid yet": lambda issuer: issuer.token(nbf=4_000_000_000),
    "is issued in the future": lambda issuer: issuer.token(iat=4_000_000_000),
    "is no token": lambda issuer: "nonsense",
    "has its claims changed": lambda issuer: (
        (t := issuer.token().split("."))[0] + "." + issuer.token(sub="root").split(".")[1] + "." + t[2]
    ),
}


@check.each(TOKENS, f"{JWT}: Authorizing API requests; {TROUBLE}")
def jwt_that(c, make):
    """A token that {case}: 401 {"message":"Unauthorized"}."""
    c.gateway_says(with_token(c, make(c.issuer())), 401, "Unauthorized")


@check(TROUBLE)
def jwt_expired_is_explained(c):
    """That a token is no good stands in www-authenticate: error="invalid_token"."""
    answer = with_token(c, c.issuer().token(exp=1_600_000_000))
    c.matches("www-authenticate", answer.header("www-authenticate"), '^Bearer .*error="invalid_token"')


@check(TROUBLE)
def jwt_audience_is_explained(c):
    """Why an audience is wrong stands in www-authenticate as AWS words it."""
    answer = with_token(c, c.issuer().token(aud="somebody-else"))
    expected = 'Bearer scope="" error="invalid_token" error_description="the token does not have a valid audience"'
    c.equal("www-authenticate", answer.header("www-authenticate"), expected)


AUDIENCES = {
    "aud as a list": {"aud": ["x", "others"]},
    "client_id where there is no aud": {"aud": None, "client_id": "tests"},
}


@check.each(AUDIENCES, f"{JWT}: aud or client_id")
def jwt_audience_by(c, changed):
    """The audience can be given by {case}."""
    c.equal("status", with_token(c, c.issuer().token(**changed)).status, 200)


SCOPES = {
    "scope with one of them": {"scope": "other read"},
    "scp with one of them": {"scp": "write"},
}


@check.each(SCOPES, f"{JWT}: scope or scp")
def jwt_scope_by(c, changed):
    """A route with scopes lets a token through whose {case}."""
    c.equal("status", with_token(c, c.issuer().token(**changed), "/scoped").status, 200)


@check(f"{JWT}: at least one of the scopes; seen: 403 Forbidden")
def jwt_without_scope_is_forbidden(c):
    """A good token without any of the route's scopes: 403 {"message":"Forbidden"}."""
    for more in ({}, {"scope": "other reading"}):
        c.gateway_says(with_token(c, c.issuer().token(**more), "/scoped"), 403, "Forbidden")


@check(f"{TROUBLE}; RFC 6750, insufficient_scope", unsure="the guide shows the header for 401 only")
def jwt_without_scope_is_explained(c):
    """That a scope is missing stands in www-authenticate: error="insufficient_scope"."""
    answer = with_token(c, c.issuer().token(), "/scoped")
    c.matches("www-authenticate", answer.header("www-authenticate"), 'error="insufficient_scope"')


@check(f"{JWT}: identity source")
def jwt_from_the_query(c):
    """The token can be taken from a query parameter."""
    client = c.aws("apigatewayv2")
    site = c.site(routes=("GET /open",))
    authorizer = client.create_authorizer(
        ApiId=site.id,
        Name="jwt",
        AuthorizerType="JWT",
        IdentitySource=["$request.querystring.token"],
        JwtConfiguration={"Issuer": c.issuer().url, "Audience": ["tests"]},
    )["AuthorizerId"]
    guarded = {"AuthorizationType": "JWT", "AuthorizerId": authorizer, "Target": site.target}
    client.create_route(ApiId=site.id, RouteKey="GET /closed", **guarded)
    site.ready(f"/closed?token={c.issuer().token()}")
    c.gateway_says(site.get("/closed"), 401, "Unauthorized")
    c.gateway_says(site.get("/closed", authorization=f"Bearer {c.issuer().token()}"), 401, "Unauthorized")


@check("guide, CORS for HTTP APIs: preflight needs no authorization")
def jwt_does_not_stop_preflight(c):
    """With CORS configured, preflight of a guarded route of another method needs no token."""
    client = c.aws("apigatewayv2")
    site = c.site(routes=("GET /open",), CorsConfiguration={"AllowOrigins": ["*"], "AllowHeaders": ["authorization"]})
    authorizer = client.create_authorizer(
        ApiId=site.id,
        Name="jwt",
        AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": c.issuer().url, "Audience": ["tests"]},
    )["AuthorizerId"]
    guarded = {"AuthorizationType": "JWT", "AuthorizerId": authorizer, "Target": site.target}
    client.create_route(ApiId=site.id, RouteKey="GET /closed", **guarded)
    c.eventually("the closed route deployed", lambda: site.get("/closed").status == 401)
    headers = {"origin": "https://page.example", "access-control-request-method": "GET"}
    c.equal("status", site.send("OPTIONS", "/closed", headers).status, 204)


def lambda_site(c):
    """A route behind a Lambda authorizer that does what the request's x-answer asks for; shared."""

    def make(case):
        client = case.aws("apigatewayv2")
        site = case.site(routes=("GET /open",))
        mirror = case.mirror()
        case.allow(mirror, site.id, "authorizers/*")
        arn = case.function_arn(mirror)
        authorizer = client.create_authorizer(
            ApiId=site.id,
            Name="lambda",
            AuthorizerType="REQUEST",
            AuthorizerUri=f"arn:aws:apigateway:{case.region}:lambda:path/2015-03-31/functions/{arn}/invocations",
            AuthorizerPayloadFormatVersion="2.0",
            EnableSimpleResponses=True,
            AuthorizerResultTtlInSeconds=0,
            IdentitySource=["$request.header.x-identity"],
        )["AuthorizerId"]
        # The mirror answers the integration too, so its own x-answer would be used twice.
        echo = case.function(bootstrap.ECHO)
        case.allow(echo, site.id)
        target = case.integrate(site.id, case.function_arn(echo))
        guarded = {"AuthorizationType": "CUSTOM", "AuthorizerId": authorizer, "Target": target}
        client.create_route(ApiId=site.id, RouteKey="GET /closed", **guarded)
        site.ready("/open")
        case.eventually("the closed route deployed", lambda: site.get("/closed").status != 404)
        return site

    return c.world.share("lambda-authorizer", make)


@check(LAMBDA)
def lambda_authorizer_lets_through(c):
    """isAuthorized true lets the request through, its context in requestContext.authorizer.lambda."""
    answer = lambda_site(c).get("/closed", x_identity="me", x_answer="answer-allow")
    c.equal("status", answer.status, 200)
    found = answer.json()["requestContext"].get("authorizer", {}).get("lambda")
    c.equal("context", found, {"colour": "blue", "number": 7})


@check(LAMBDA)
def lambda_authorizer_refuses(c):
    """isAuthorized false: 403 {"message":"Forbidden"}."""
    c.gateway_says(lambda_site(c).get("/closed", x_identity="me", x_answer="answer-deny"), 403, "Forbidden")


@check(f"{LAMBDA}: identity sources")
def lambda_authorizer_needs_its_identity_source(c):
    """Without the identity source the function is not asked: 401 {"message":"Unauthorized"}."""
    c.gateway_says(lambda_site(c).get("/closed", x_answer="answer-allow"), 401, "Unauthorized")


@check(f"{LAMBDA}: errors; guide, Troubleshooting")
def lambda_authorizer_failing(c):
    """An authorizer that fails: 500 {"message":"Internal Server Error"}."""
    answer = lambda_site(c).get("/closed", x_identity="me", x_answer="answer-exit")
    c.gateway_says(answer, 500, "Internal Server Error")


@check(f"{LAMBDA}: payload format 2.0")
def lambda_authorizer_event(c):
    """The authorizer's event is of version 2.0, type REQUEST, with route, identity source and headers."""
    client = c.aws("apigatewayv2")
    # Logs the event, so that it can be read.
    talk = 'cat "$work/event"; echo; printf \'{"isAuthorized":true}\' >"$reply"'
    name = c.function(bootstrap.loop(talk))
    site = c.site(routes=("GET /open",))
    c.allow(name, site.id, "authorizers/*")
    arn = c.function_arn(name)
    authorizer = client.create_authorizer(
        ApiId=site.id,
        Name="lambda",
        AuthorizerType="REQUEST",
        AuthorizerUri=f"arn:aws:apigateway:{c.region}:lambda:path/2015-03-31/functions/{arn}/invocations",
        AuthorizerPayloadFormatVersion="2.0",
        EnableSimpleResponses=True,
        AuthorizerResultTtlInSeconds=0,
        IdentitySource=["$request.header.x-identity"],
    )["AuthorizerId"]
    guarded = {"AuthorizationType": "CUSTOM", "AuthorizerId": authorizer, "Target": site.target}
    client.create_route(ApiId=site.id, RouteKey="GET /closed", **guarded)
    c.eventually("200", lambda: site.get("/closed", x_identity="me").status == 200)
    logs = c.aws("logs")

    def probe():
        try:
            events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return None
        return next((e["message"] for e in events if e["message"].startswith("{")), None)

    event = json.loads(c.eventually("the event in the log", probe, 5))
    expected = {
        "version": "2.0",
        "type": "REQUEST",
        "routeKey": "GET /closed",
        "rawPath": "/closed",
        "identitySource": ["me"],
    }
    c.has("event", event, expected)
    pattern = f"^arn:aws:execute-api:{c.region}:{c.account}:{site.id}/\\$default/GET/closed$"
    c.matches("routeArn", event.get("routeArn"), pattern)
    c.equal("x-identity", event["headers"].get("x-identity"), "me")
