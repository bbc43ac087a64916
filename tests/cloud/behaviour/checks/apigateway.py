"""API Gateway v2, HTTP APIs: APIs, integrations, routes."""

from judge import Group

check = Group("apigateway")

GONE = ("NotFoundException", 404)
BAD = ("BadRequestException", 400)
TAKEN = ("ConflictException", 409)


def gateway(c):
    return c.aws("apigatewayv2")


def http(c, api_id: str, **changed) -> str:
    """An integration with some web server; its id."""
    arguments = {
        "ApiId": api_id,
        "IntegrationType": "HTTP_PROXY",
        "IntegrationMethod": "ANY",
        "IntegrationUri": "https://backend.example/",
        "PayloadFormatVersion": "1.0",
        **changed,
    }
    return gateway(c).create_integration(**arguments)["IntegrationId"]


@check("API CreateApi, Api; guide, HTTP APIs")
def api_is_made_and_read(c):
    """CreateApi answers 201 with id, endpoint and defaults, which GetApi shows too."""
    api = c.api(Description="for tests", Tags={"a": "b"})
    c.equal("status", api["ResponseMetadata"]["HTTPStatusCode"], 201)
    c.matches("ApiId", api["ApiId"], "^[a-z0-9]{8,}$")
    c.true("the id in the endpoint", api["ApiId"] in api["ApiEndpoint"], api["ApiEndpoint"])
    expected = {
        "Name": api["Name"],
        "ProtocolType": "HTTP",
        "ApiEndpoint": api["ApiEndpoint"],
        "Description": "for tests",
        "RouteSelectionExpression": "$request.method $request.path",
        "ApiKeySelectionExpression": "$request.header.x-api-key",
        "DisableExecuteApiEndpoint": False,
        "Tags": {"a": "b"},
    }
    c.has("GetApi", gateway(c).get_api(ApiId=api["ApiId"]), expected)
    c.true("a CreatedDate", api.get("CreatedDate"), api)


@check("API CreateApi: the name is no identity")
def api_names_can_repeat(c):
    """Two APIs can have the same name."""
    name = c.name("api")
    c.true("two ids", c.api(Name=name)["ApiId"] != c.api(Name=name)["ApiId"])


@check("seen: 'Invalid API identifier specified ACCOUNT:ID'")
def api_missing(c):
    """An API that is not there: NotFoundException 404 with account and id, in every operation."""
    client, none = gateway(c), "zzzzzzzzzz"
    says = f"Invalid API identifier specified {c.account}:{none}"
    calls = (
        (client.get_api, {}),
        (client.update_api, {"Description": "x"}),
        (client.delete_api, {}),
        (client.get_routes, {}),
        (client.get_integrations, {}),
        (client.get_stages, {}),
        (client.create_stage, {"StageName": "s"}),
        (client.create_route, {"RouteKey": "$default"}),
    )
    for call, more in calls:
        c.refused(*GONE, call, says=says, ApiId=none, **more)


@check("API UpdateApi")
def api_is_updated(c):
    """UpdateApi changes what it is given and leaves the rest."""
    api = c.api(Description="before", CorsConfiguration={"AllowOrigins": ["https://a.example"]})
    name = c.name("new")
    seen = gateway(c).update_api(ApiId=api["ApiId"], Name=name)
    expected = {"Name": name, "Description": "before", "CorsConfiguration": {"AllowOrigins": ["https://a.example"]}}
    c.has("UpdateApi", seen, expected)


@check("API DeleteApi")
def api_is_deleted_with_all_it_has(c):
    """DeleteApi answers 204 and takes routes, integrations and stages along."""
    client, api = gateway(c), c.api()["ApiId"]
    target = f"integrations/{http(c, api)}"
    client.create_route(ApiId=api, RouteKey="$default", Target=target)
    client.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    answer = client.delete_api(ApiId=api)
    c.equal("status", answer["ResponseMetadata"]["HTTPStatusCode"], 204)
    c.refused(*GONE, client.get_api, ApiId=api)
    c.refused(*GONE, client.get_routes, ApiId=api)


@check("API GetApis, maxResults and nextToken", alone=True)
def apis_page(c):
    """GetApis pages with MaxResults and NextToken, and the pages have each API once."""
    ids = {c.api()["ApiId"] for _ in range(3)}
    first = gateway(c).get_apis(MaxResults="1")
    c.equal("a page of 1", len(first["Items"]), 1)
    c.true("NextToken", first.get("NextToken"))
    pages = gateway(c).get_paginator("get_apis").paginate(PaginationConfig={"PageSize": 2})
    seen = [api["ApiId"] for page in pages for api in page["Items"]]
    c.same("ours in the pages", [api for api in seen if api in ids], ids)


@check("API CreateApi: quick create; guide, Create an HTTP API")
def api_quick_create(c):
    """CreateApi with a Target makes an integration, a $default route and an auto-deployed $default stage."""
    client, api = gateway(c), c.api(Target="https://backend.example/")["ApiId"]
    routes = client.get_routes(ApiId=api)["Items"]
    c.equal("routes", [(route["RouteKey"], route.get("ApiGatewayManaged")) for route in routes], [("$default", True)])
    integrations = client.get_integrations(ApiId=api)["Items"]
    c.equal("integrations", [item["IntegrationUri"] for item in integrations], ["https://backend.example/"])
    c.equal("target", routes[0]["Target"], f"integrations/{integrations[0]['IntegrationId']}")
    stages = client.get_stages(ApiId=api)["Items"]
    c.equal("stages", [(stage["StageName"], stage["AutoDeploy"]) for stage in stages], [("$default", True)])


@check("guide, CORS for HTTP APIs: allow-credentials", unsure="reported by users, not documented")
def cors_with_credentials_needs_origins(c):
    """AllowCredentials with every origin allowed is refused: BadRequestException."""
    c.refused(*BAD, c.api, CorsConfiguration={"AllowOrigins": ["*"], "AllowCredentials": True})


@check("API DeleteCorsConfiguration")
def cors_is_deleted(c):
    """DeleteCorsConfiguration answers 204 and leaves none."""
    api = c.api(CorsConfiguration={"AllowOrigins": ["*"], "MaxAge": 60})
    c.equal("before", api["CorsConfiguration"], {"AllowOrigins": ["*"], "MaxAge": 60})
    gateway(c).delete_cors_configuration(ApiId=api["ApiId"])
    c.true("none", not gateway(c).get_api(ApiId=api["ApiId"]).get("CorsConfiguration"))


@check("API CreateIntegration, Integration")
def integration_is_made_and_read(c):
    """An integration with a function has the defaults: POST, INTERNET, 30 s."""
    api, arn = c.api()["ApiId"], c.function_arn(c.echo())
    answer = gateway(c).create_integration(
        ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
    )
    c.equal("status", answer["ResponseMetadata"]["HTTPStatusCode"], 201)
    expected = {
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": arn,
        "IntegrationMethod": "POST",
        "PayloadFormatVersion": "2.0",
        "ConnectionType": "INTERNET",
        "TimeoutInMillis": 30000,
    }
    c.has("GetIntegration", gateway(c).get_integration(ApiId=api, IntegrationId=answer["IntegrationId"]), expected)


INTEGRATIONS = {
    "a function without payload format": {"PayloadFormatVersion": None},
    "an unknown payload format": {"PayloadFormatVersion": "3.0"},
    "more than 30 s": {"TimeoutInMillis": 30001},
    "less than 50 ms": {"TimeoutInMillis": 49},
    "a mock": {"IntegrationType": "MOCK"},
    "no proxy": {"IntegrationType": "AWS"},
    "something that is no function": {"IntegrationUri": "not-an-arn"},
}


@check.each(
    INTEGRATIONS,
    "guide, AWS Lambda proxy integrations: payloadFormatVersion must be given; quotas: 50 ms to 30 s; "
    "seen: 'an API with a protocol type of HTTP may only be associated with proxy integrations'",
)
def integration_refuses(c, changed):
    """CreateIntegration of an HTTP API refuses {case}: BadRequestException."""
    arguments = {
        "ApiId": c.api()["ApiId"],
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": c.function_arn(c.echo()),
        "PayloadFormatVersion": "2.0",
        **changed,
    }
    arguments = {key: value for key, value in arguments.items() if value is not None}
    c.refused(*BAD, c.raw("apigatewayv2").create_integration, **arguments)


@check("API UpdateIntegration")
def integration_is_updated(c):
    """UpdateIntegration changes what it is given and leaves the rest."""
    client, api = gateway(c), c.api()["ApiId"]
    made = http(c, api)
    seen = client.update_integration(ApiId=api, IntegrationId=made, TimeoutInMillis=5000)
    expected = {"TimeoutInMillis": 5000, "IntegrationUri": "https://backend.example/", "IntegrationType": "HTTP_PROXY"}
    c.has("UpdateIntegration", seen, expected)


@check("API GetIntegration, NotFoundException")
def integration_missing(c):
    """An integration that is not there: NotFoundException 404."""
    client, api = gateway(c), c.api()["ApiId"]
    for call in (client.get_integration, client.delete_integration):
        c.refused(*GONE, call, ApiId=api, IntegrationId="none123")


@check("API DeleteIntegration; seen: 'Cannot delete Integration … referenced by Route'")
def integration_in_use_stays(c):
    """An integration that a route targets cannot be deleted: ConflictException 409; afterwards it can."""
    client, api = gateway(c), c.api()["ApiId"]
    made = http(c, api)
    route = client.create_route(ApiId=api, RouteKey="GET /x", Target=f"integrations/{made}")["RouteId"]
    c.refused(*TAKEN, client.delete_integration, ApiId=api, IntegrationId=made)
    client.delete_route(ApiId=api, RouteId=route)
    answer = client.delete_integration(ApiId=api, IntegrationId=made)
    c.equal("status", answer["ResponseMetadata"]["HTTPStatusCode"], 204)
    c.refused(*GONE, client.get_integration, ApiId=api, IntegrationId=made)


@check("API CreateRoute, Route")
def route_is_made_and_read(c):
    """CreateRoute answers 201 with id and defaults: no authorization, no API key."""
    client, api = gateway(c), c.api()["ApiId"]
    target = f"integrations/{http(c, api)}"
    made = client.create_route(ApiId=api, RouteKey="GET /pets/{id}", Target=target)
    c.equal("status", made["ResponseMetadata"]["HTTPStatusCode"], 201)
    expected = {"RouteKey": "GET /pets/{id}", "Target": target, "AuthorizationType": "NONE", "ApiKeyRequired": False}
    c.has("GetRoute", client.get_route(ApiId=api, RouteId=made["RouteId"]), expected)


@check("API CreateRoute, ConflictException; seen: 'Route with key X already exists for this API'")
def route_again_conflicts(c):
    """A route key that is taken: ConflictException 409."""
    client, api = gateway(c), c.api()["ApiId"]
    client.create_route(ApiId=api, RouteKey="GET /pets")
    says = "Route with key GET /pets already exists for this API"
    c.refused(*TAKEN, client.create_route, says=says, ApiId=api, RouteKey="GET /pets")
    client.create_route(ApiId=api, RouteKey="POST /pets")
    c.equal("routes", len(client.get_routes(ApiId=api)["Items"]), 2)


@check("API UpdateRoute, ConflictException")
def route_cannot_become_another(c):
    """UpdateRoute to a key that another route has: ConflictException 409."""
    client, api = gateway(c), c.api()["ApiId"]
    client.create_route(ApiId=api, RouteKey="GET /a")
    route = client.create_route(ApiId=api, RouteKey="GET /b")["RouteId"]
    c.refused(*TAKEN, client.update_route, ApiId=api, RouteId=route, RouteKey="GET /a")


KEYS = {
    "has no method": "/pets",
    "has an unknown method": "FETCH /pets",
    "has a path without slash": "GET pets",
    "has a greedy variable before the end": "GET /{proxy+}/x",
    "is some word": "pets",
}


@check.each(
    KEYS, "guide, Routes for HTTP APIs; seen: 'The provided route key is not formatted properly for HTTP protocol'"
)
def route_key_that(c, key):
    """A route key that {case} is refused: BadRequestException."""
    c.refused(*BAD, gateway(c).create_route, ApiId=c.api()["ApiId"], RouteKey=key)


@check("API CreateRoute, BadRequestException and NotFoundException")
def route_to_missing_integration_is_refused(c):
    """A route's target has to be an integration of the same API: refused with 400 or 404."""
    client, api = gateway(c), c.api()["ApiId"]
    other = http(c, c.api()["ApiId"])
    for target in ("integrations/none123", f"integrations/{other}"):
        try:
            client.create_route(ApiId=api, RouteKey="GET /x", Target=target)
        except (client.exceptions.BadRequestException, client.exceptions.NotFoundException):
            continue
        c.true(f"{target} refused", False)


@check("API CreateRoute, BadRequestException")
def route_with_missing_authorizer_is_refused(c):
    """A route with an authorizer that is not there: BadRequestException 400."""
    arguments = {"ApiId": c.api()["ApiId"], "RouteKey": "GET /x", "AuthorizationType": "JWT", "AuthorizerId": "none12"}
    c.refused(*BAD, gateway(c).create_route, **arguments)


@check("API CreateRoute, authorizerId: required for JWT and CUSTOM")
def route_with_jwt_needs_an_authorizer(c):
    """AuthorizationType JWT without AuthorizerId: BadRequestException 400."""
    arguments = {"ApiId": c.api()["ApiId"], "RouteKey": "GET /x", "AuthorizationType": "JWT"}
    c.refused(*BAD, gateway(c).create_route, **arguments)


@check("API UpdateRoute, DeleteRoute")
def route_is_updated_and_deleted(c):
    """UpdateRoute changes the target alone; DeleteRoute answers 204; then it is not found."""
    client, api = gateway(c), c.api()["ApiId"]
    one, two = http(c, api), http(c, api)
    route = client.create_route(ApiId=api, RouteKey="GET /x", Target=f"integrations/{one}")["RouteId"]
    seen = client.update_route(ApiId=api, RouteId=route, Target=f"integrations/{two}")
    c.has("UpdateRoute", seen, {"RouteKey": "GET /x", "Target": f"integrations/{two}"})
    answer = client.delete_route(ApiId=api, RouteId=route)
    c.equal("status", answer["ResponseMetadata"]["HTTPStatusCode"], 204)
    for call in (client.get_route, client.delete_route):
        c.refused(*GONE, call, ApiId=api, RouteId=route)


@check("API GetRoutes, maxResults and nextToken")
def routes_page(c):
    """GetRoutes pages with MaxResults and NextToken."""
    client, api = gateway(c), c.api()["ApiId"]
    keys = [f"GET /{number}" for number in range(5)]
    for key in keys:
        client.create_route(ApiId=api, RouteKey=key)
    c.equal("a page of 2", len(client.get_routes(ApiId=api, MaxResults="2")["Items"]), 2)
    pages = list(client.get_paginator("get_routes").paginate(ApiId=api, PaginationConfig={"PageSize": 2}))
    c.same("keys", [route["RouteKey"] for page in pages for route in page["Items"]], keys)
