"""API Gateway v2, HTTP APIs: stages, deployments, authorizers, tags."""

from checks.apigateway import BAD, GONE, TAKEN, gateway, http
from judge import Group

check = Group("apigateway")


@check("API CreateStage, Stage")
def stage_is_made_and_read(c):
    """CreateStage answers 201; variables, throttling and auto-deploy are in GetStage."""
    client, api = gateway(c), c.api()["ApiId"]
    settings = {
        "StageVariables": {"colour": "blue"},
        "DefaultRouteSettings": {
            "ThrottlingBurstLimit": 5,
            "ThrottlingRateLimit": 10.0,
            "DetailedMetricsEnabled": True,
        },
        "AutoDeploy": True,
        "Description": "for tests",
    }
    made = client.create_stage(ApiId=api, StageName="prod", **settings)
    c.equal("status", made["ResponseMetadata"]["HTTPStatusCode"], 201)
    seen = client.get_stage(ApiId=api, StageName="prod")
    c.has("GetStage", seen, {key: settings[key] for key in ("StageVariables", "AutoDeploy", "Description")})
    c.has("DefaultRouteSettings", seen["DefaultRouteSettings"], settings["DefaultRouteSettings"])


@check("API CreateStage, ConflictException; seen: 'Stage already exists'")
def stage_again_conflicts(c):
    """A stage name that is taken: ConflictException 409."""
    client, api = gateway(c), c.api()["ApiId"]
    client.create_stage(ApiId=api, StageName="prod")
    c.refused(*TAKEN, client.create_stage, says="Stage already exists", ApiId=api, StageName="prod")


@check("guide, Stages for HTTP APIs: letters, digits, hyphens, underscores, or $default")
def stage_name_is_a_word(c):
    """A stage name with a slash or a space: BadRequestException 400."""
    for name in ("a/b", "two words"):
        c.refused(*BAD, gateway(c).create_stage, ApiId=c.api()["ApiId"], StageName=name)


@check("API UpdateStage, DeleteStage, GetStage")
def stage_is_updated_and_deleted(c):
    """UpdateStage changes what it is given; DeleteStage answers 204; then it is not found."""
    client, api = gateway(c), c.api()["ApiId"]
    client.create_stage(ApiId=api, StageName="prod", Description="before", StageVariables={"a": "b"})
    seen = client.update_stage(ApiId=api, StageName="prod", Description="after")
    c.has("UpdateStage", seen, {"Description": "after", "StageVariables": {"a": "b"}})
    answer = client.delete_stage(ApiId=api, StageName="prod")
    c.equal("status", answer["ResponseMetadata"]["HTTPStatusCode"], 204)
    for call in (client.get_stage, client.delete_stage):
        c.refused(*GONE, call, ApiId=api, StageName="prod")


@check("API CreateStage, DeploymentId")
def stage_with_missing_deployment_is_refused(c):
    """A stage's deployment has to be there: refused with 400 or 404."""
    client, api = gateway(c), c.api()["ApiId"]
    try:
        client.create_stage(ApiId=api, StageName="prod", DeploymentId="none12")
    except (client.exceptions.BadRequestException, client.exceptions.NotFoundException):
        return
    c.true("the stage refused", False)


@check("guide, Stages: automatic deployments; API Stage, deploymentId")
def auto_deploy_deploys(c):
    """A stage with AutoDeploy gets a deployment of its own after a change of the routes."""
    client, api = gateway(c), c.api()["ApiId"]
    client.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    client.create_route(ApiId=api, RouteKey="$default", Target=f"integrations/{http(c, api)}")

    def probe():
        return client.get_stage(ApiId=api, StageName="$default").get("DeploymentId")

    deployment = c.eventually("a DeploymentId", probe, within=3 if c.world.endpoint else 30)
    seen = client.get_deployment(ApiId=api, DeploymentId=deployment)
    c.has("GetDeployment", seen, {"AutoDeployed": True, "DeploymentStatus": "DEPLOYED"})


@check("API CreateDeployment, Deployment")
def deployment_is_made(c):
    """CreateDeployment answers 201, is DEPLOYED, and moves the stage it names."""
    client, api = gateway(c), c.api()["ApiId"]
    client.create_route(ApiId=api, RouteKey="$default", Target=f"integrations/{http(c, api)}")
    client.create_stage(ApiId=api, StageName="prod")
    made = client.create_deployment(ApiId=api, StageName="prod", Description="first")
    c.equal("status", made["ResponseMetadata"]["HTTPStatusCode"], 201)
    deployment = made["DeploymentId"]

    def probe():
        seen = client.get_deployment(ApiId=api, DeploymentId=deployment)
        return seen["DeploymentStatus"] == "DEPLOYED" and seen

    c.has("GetDeployment", c.eventually("DEPLOYED", probe), {"Description": "first"})
    c.equal("the stage's", client.get_stage(ApiId=api, StageName="prod").get("DeploymentId"), deployment)


@check("API DeleteDeployment")
def deployment_in_use_stays(c):
    """A deployment that a stage uses cannot be deleted: refused with 400 or 409."""
    client, api = gateway(c), c.api()["ApiId"]
    client.create_route(ApiId=api, RouteKey="$default", Target=f"integrations/{http(c, api)}")
    client.create_stage(ApiId=api, StageName="prod")
    deployment = client.create_deployment(ApiId=api, StageName="prod")["DeploymentId"]
    try:
        client.delete_deployment(ApiId=api, DeploymentId=deployment)
    except client.exceptions.ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        c.true("400 or 409", status in (400, 409), status)
        return
    c.true("the deletion refused", False)


def jwt(c, api: str, **changed) -> dict:
    arguments = {
        "ApiId": api,
        "Name": "jwt",
        "AuthorizerType": "JWT",
        "IdentitySource": ["$request.header.Authorization"],
        "JwtConfiguration": {"Issuer": c.issuer().url, "Audience": ["tests"]},
        **changed,
    }
    arguments = {key: value for key, value in arguments.items() if value is not None}
    return gateway(c).create_authorizer(**arguments)


@check("API CreateAuthorizer, Authorizer")
def authorizer_is_made_and_read(c):
    """A JWT authorizer is made, read, and renamed."""
    client, api = gateway(c), c.api()["ApiId"]
    made = jwt(c, api)
    c.equal("status", made["ResponseMetadata"]["HTTPStatusCode"], 201)
    expected = {
        "Name": "jwt",
        "AuthorizerType": "JWT",
        "IdentitySource": ["$request.header.Authorization"],
        "JwtConfiguration": {"Issuer": c.issuer().url, "Audience": ["tests"]},
    }
    c.has("GetAuthorizer", client.get_authorizer(ApiId=api, AuthorizerId=made["AuthorizerId"]), expected)
    seen = client.update_authorizer(ApiId=api, AuthorizerId=made["AuthorizerId"], Name="renamed")
    c.has("UpdateAuthorizer", seen, {**expected, "Name": "renamed"})


JWT = {
    "has no configuration": {"JwtConfiguration": None},
    "has no issuer": {"JwtConfiguration": {"Audience": ["tests"]}},
    "has an issuer that is no URL": {"JwtConfiguration": {"Issuer": "somebody", "Audience": ["tests"]}},
    "has no identity source": {"IdentitySource": []},
    "is of an unknown kind": {"AuthorizerType": "COOKIE"},
}


@check.each(JWT, "API CreateAuthorizer; guide, JWT authorizers")
def jwt_authorizer_that(c, changed):
    """A JWT authorizer that {case} is refused: BadRequestException 400."""
    c.refused(*BAD, jwt, c=c, api=c.api()["ApiId"], **changed)


@check("guide, Lambda authorizers for HTTP APIs: authorizerPayloadFormatVersion is required")
def lambda_authorizer_needs_a_payload_format(c):
    """A Lambda authorizer without a payload format is refused: BadRequestException 400."""
    uri = f"arn:aws:apigateway:{c.region}:lambda:path/2015-03-31/functions/{c.function_arn(c.echo())}/invocations"
    arguments = {"ApiId": c.api()["ApiId"], "Name": "l", "AuthorizerType": "REQUEST", "AuthorizerUri": uri}
    source = ["$request.header.Authorization"]
    c.refused(*BAD, gateway(c).create_authorizer, IdentitySource=source, **arguments)


@check("API DeleteAuthorizer, NotFoundException")
def authorizer_is_deleted(c):
    """DeleteAuthorizer answers 204; then it is not found."""
    client, api = gateway(c), c.api()["ApiId"]
    made = jwt(c, api)["AuthorizerId"]
    answer = client.delete_authorizer(ApiId=api, AuthorizerId=made)
    c.equal("status", answer["ResponseMetadata"]["HTTPStatusCode"], 204)
    for call in (client.get_authorizer, client.delete_authorizer):
        c.refused(*GONE, call, ApiId=api, AuthorizerId=made)


@check("API DeleteAuthorizer", unsure="REST APIs refuse it with ConflictException; not documented for HTTP APIs")
def authorizer_in_use_stays(c):
    """An authorizer that a route uses cannot be deleted: ConflictException 409."""
    client, api = gateway(c), c.api()["ApiId"]
    made = jwt(c, api)["AuthorizerId"]
    client.create_route(ApiId=api, RouteKey="GET /x", AuthorizationType="JWT", AuthorizerId=made)
    c.refused(*TAKEN, client.delete_authorizer, ApiId=api, AuthorizerId=made)


@check("API TagResource, GetTags, UntagResource: arn:aws:apigateway:REGION::/apis/ID")
def tags_come_and_go(c):
    """APIs and stages are tagged by ARN; GetApi shows the tags; untagging removes them."""
    client, api = gateway(c), c.api(Tags={"a": "1"})["ApiId"]
    arn = f"arn:aws:apigateway:{c.region}::/apis/{api}"
    client.tag_resource(ResourceArn=arn, Tags={"a": "2", "b": "3"})
    c.equal("GetTags", client.get_tags(ResourceArn=arn)["Tags"], {"a": "2", "b": "3"})
    client.untag_resource(ResourceArn=arn, TagKeys=["a"])
    c.equal("GetApi", client.get_api(ApiId=api).get("Tags"), {"b": "3"})
    client.create_stage(ApiId=api, StageName="prod", Tags={"c": "4"})
    client.tag_resource(ResourceArn=f"{arn}/stages/prod", Tags={"d": "5"})
    c.equal("GetStage", client.get_stage(ApiId=api, StageName="prod").get("Tags"), {"c": "4", "d": "5"})
