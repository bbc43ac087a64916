"""Cognito user pools: pools, clients, domains, resource servers."""

from judge import Group

check = Group("cognito")

GONE = ("ResourceNotFoundException", 400)
BAD = ("InvalidParameterException", 400)

PASSWORD = "Correct-horse-7-battery"
USER_FLOWS = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]


def cognito(c):
    return c.aws("cognito-idp")


def pool(c, **more) -> str:
    made = c.raw("cognito-idp").create_user_pool(**{"PoolName": c.name("pool"), **more})["UserPool"]["Id"]
    c.defer(cognito(c).delete_user_pool, UserPoolId=made)
    return made


def client(c, pool_id: str, **more) -> dict:
    arguments = {"UserPoolId": pool_id, "ClientName": c.name("client"), **more}
    return cognito(c).create_user_pool_client(**arguments)["UserPoolClient"]


def domain(c, pool_id: str) -> str:
    name = c.name("d")
    cognito(c).create_user_pool_domain(Domain=name, UserPoolId=pool_id)
    c.defer(cognito(c).delete_user_pool_domain, Domain=name, UserPoolId=pool_id)
    return name


class Ground:
    """A pool with everything to sign in to, shared by checks that make users of their own."""

    def __init__(self, case):
        self.pool = pool(case)
        self.client = client(case, self.pool, ExplicitAuthFlows=USER_FLOWS)["ClientId"]
        self.domain = domain(case, self.pool)
        self.server = f"https://{case.name('server')}.example/mcp"
        scopes = [{"ScopeName": name, "ScopeDescription": name} for name in ("read", "write")]
        cognito(case).create_resource_server(UserPoolId=self.pool, Identifier=self.server, Name="server", Scopes=scopes)
        self.machine = client(
            case,
            self.pool,
            GenerateSecret=True,
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthScopes=[f"{self.server}/read"],
        )


def ground(c) -> Ground:
    return c.world.share("cognito", Ground)


@check("API CreateUserPool, DescribeUserPool; guide, Password requirements")
def pool_is_made_and_described(c):
    """A pool's id begins with the region; by default passwords need eight characters of four kinds."""
    name = c.name("pool")
    made = pool(c, PoolName=name)
    c.matches("Id", made, f"^{c.region}_[A-Za-z0-9]{{9}}$")
    seen = cognito(c).describe_user_pool(UserPoolId=made)["UserPool"]
    c.has("pool", seen, {"Name": name, "Arn": f"arn:aws:cognito-idp:{c.region}:{c.account}:userpool/{made}"})
    expected = {
        "MinimumLength": 8,
        "RequireUppercase": True,
        "RequireLowercase": True,
        "RequireNumbers": True,
        "RequireSymbols": True,
    }
    c.has("password policy", seen["Policies"]["PasswordPolicy"], expected)


@check("API DescribeUserPool, ResourceNotFoundException; seen: 'User pool X does not exist.'")
def pool_missing(c):
    """A pool that is not there: ResourceNotFoundException 400."""
    idp, none = cognito(c), f"{c.region}_AAAAAAAAA"
    says = f"User pool {none} does not exist"
    for call, more in (
        (idp.describe_user_pool, {}),
        (idp.delete_user_pool, {}),
        (idp.create_user_pool_client, {"ClientName": "x"}),
        (idp.create_user_pool_domain, {"Domain": c.name("d")}),
        (idp.admin_create_user, {"Username": "x"}),
    ):
        c.refused(*GONE, call, says=says, UserPoolId=none, **more)


@check("API CreateUserPool, PasswordPolicyType, MinimumLength: 6 to 99")
def pool_password_length_has_limits(c):
    """A minimum length of 5 is refused: InvalidParameterException 400."""
    c.refused(*BAD, pool, c=c, Policies={"PasswordPolicy": {"MinimumLength": 5}})


@check(
    "API DeleteUserPool; seen: 'User pool cannot be deleted. It has a domain configured that should be deleted first.'"
)
def pool_with_domain_stays(c):
    """A pool with a domain cannot be deleted: InvalidParameterException 400; without it can."""
    idp, made = cognito(c), pool(c)
    name = domain(c, made)
    c.refused(*BAD, idp.delete_user_pool, says="domain", UserPoolId=made)
    idp.delete_user_pool_domain(Domain=name, UserPoolId=made)
    idp.delete_user_pool(UserPoolId=made)
    c.refused(*GONE, idp.describe_user_pool, UserPoolId=made)


@check("API CreateUserPool, DeletionProtection")
def pool_protected_stays(c):
    """A pool with deletion protection cannot be deleted: InvalidParameterException 400."""
    idp, made = cognito(c), pool(c, DeletionProtection="ACTIVE")
    c.defer(idp.update_user_pool, UserPoolId=made, DeletionProtection="INACTIVE")
    c.refused(*BAD, idp.delete_user_pool, says="deletion protection", UserPoolId=made)
    idp.update_user_pool(UserPoolId=made, DeletionProtection="INACTIVE")
    idp.delete_user_pool(UserPoolId=made)


@check("API TagResource, UntagResource, ListTagsForResource")
def pool_tags(c):
    """Tags from creation and later are listed; UntagResource removes them."""
    idp, made = cognito(c), pool(c, UserPoolTags={"a": "1"})
    arn = f"arn:aws:cognito-idp:{c.region}:{c.account}:userpool/{made}"
    idp.tag_resource(ResourceArn=arn, Tags={"a": "2", "b": "3"})
    c.equal("tags", idp.list_tags_for_resource(ResourceArn=arn)["Tags"], {"a": "2", "b": "3"})
    idp.untag_resource(ResourceArn=arn, TagKeys=["a"])
    c.equal("tags", idp.describe_user_pool(UserPoolId=made)["UserPool"].get("UserPoolTags"), {"b": "3"})


@check("API ListUserPools, MaxResults and NextToken", alone=True)
def pools_are_listed(c):
    """ListUserPools has every pool once, over its pages."""
    made = {pool(c) for _ in range(3)}
    pages = cognito(c).get_paginator("list_user_pools").paginate(MaxResults=2)
    c.same("ours", [item["Id"] for page in pages for item in page["UserPools"] if item["Id"] in made], made)


@check("API CreateUserPoolClient, DescribeUserPoolClient")
def client_is_made_and_described(c):
    """A client has an id, a secret only when asked for, and the flows for passwords by SRP by default."""
    made = pool(c)
    plain, secret = client(c, made), client(c, made, GenerateSecret=True)
    c.matches("ClientId", plain["ClientId"], "^[A-Za-z0-9]{20,}$")
    c.true("no secret", "ClientSecret" not in plain, plain)
    c.true("a secret of some length", len(secret.get("ClientSecret", "")) >= 40)
    seen = cognito(c).describe_user_pool_client(UserPoolId=made, ClientId=plain["ClientId"])["UserPoolClient"]
    expected = {"UserPoolId": made, "RefreshTokenValidity": 30, "AllowedOAuthFlowsUserPoolClient": False}
    c.has("client", seen, expected)


@check("API DescribeUserPoolClient, DeleteUserPoolClient")
def client_is_deleted(c):
    """A deleted client is not found: ResourceNotFoundException 400."""
    idp, made = cognito(c), pool(c)
    where = {"UserPoolId": made, "ClientId": client(c, made)["ClientId"]}
    idp.delete_user_pool_client(**where)
    for call in (idp.describe_user_pool_client, idp.delete_user_pool_client):
        c.refused(*GONE, call, says="User pool client .* does not exist", **where)


OAUTH = {"AllowedOAuthFlowsUserPoolClient": True, "GenerateSecret": True}
WEB = {**OAUTH, "AllowedOAuthFlows": ["code"], "AllowedOAuthScopes": ["openid"]}
CLIENTS = {
    "a scope that is not there": (
        {**WEB, "AllowedOAuthScopes": ["https://none.example/read"], "CallbackURLs": ["https://a.example/cb"]},
        ("ScopeDoesNotExistException", "InvalidParameterException"),
    ),
    "a callback by plain http": ({**WEB, "CallbackURLs": ["http://a.example/cb"]}, "InvalidParameterException"),
    "a callback that is no address": ({**WEB, "CallbackURLs": ["nowhere"]}, "InvalidParameterException"),
    "machine and code flow together": (
        {**WEB, "AllowedOAuthFlows": ["code", "client_credentials"], "CallbackURLs": ["https://a.example/cb"]},
        "InvalidOAuthFlowException",
    ),
    "machine flow without a secret": (
        {**OAUTH, "GenerateSecret": False, "AllowedOAuthFlows": ["client_credentials"]},
        ("InvalidOAuthFlowException", "InvalidParameterException"),
    ),
    "an unknown auth flow": ({"ExplicitAuthFlows": ["ALLOW_EVERYTHING"]}, "InvalidParameterException"),
    "old and new names of flows": (
        {"ExplicitAuthFlows": ["USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]},
        "InvalidParameterException",
    ),
}


@check.each(
    CLIENTS, "API CreateUserPoolClient: ScopeDoesNotExistException, InvalidOAuthFlowException; guide, App clients"
)
def client_refuses(c, case):
    """CreateUserPoolClient refuses {case}: 400."""
    arguments, codes = case
    c.refused(codes, 400, client, c=c, pool_id=pool(c), **arguments)


@check("guide, App clients: http only for localhost")
def client_takes_loopback_callbacks(c):
    """http://localhost with a port, custom schemes and https are lawful callbacks."""
    addresses = ["http://localhost:8085/cb", "myapp://cb", "https://a.example/cb"]
    made = client(c, pool(c), **WEB, CallbackURLs=addresses)
    c.same("callbacks", made["CallbackURLs"], addresses)


@check("API UpdateUserPoolClient: what is not given falls back to its default")
def client_update_forgets_what_it_is_not_given(c):
    """UpdateUserPoolClient sets what it is not given back to the defaults."""
    idp, made = cognito(c), pool(c)
    one = client(c, made, ExplicitAuthFlows=USER_FLOWS, RefreshTokenValidity=7)
    where = {"UserPoolId": made, "ClientId": one["ClientId"]}
    seen = idp.update_user_pool_client(**where, ClientName="renamed", ExplicitAuthFlows=USER_FLOWS)
    c.has("client", seen["UserPoolClient"], {"ClientName": "renamed", "RefreshTokenValidity": 30})


@check("API CreateUserPoolDomain, DescribeUserPoolDomain, DeleteUserPoolDomain")
def domain_comes_and_goes(c):
    """A domain is described with its pool; a name that is not there is described as nothing."""
    idp, made = cognito(c), pool(c)
    name = domain(c, made)

    def probe():
        seen = idp.describe_user_pool_domain(Domain=name)["DomainDescription"]
        return seen if seen.get("Status") == "ACTIVE" else None

    c.has("domain", c.eventually("ACTIVE", probe, 60), {"UserPoolId": made, "Domain": name})
    c.equal("the pool's", idp.describe_user_pool(UserPoolId=made)["UserPool"].get("Domain"), name)
    idp.delete_user_pool_domain(Domain=name, UserPoolId=made)
    gone = lambda: not idp.describe_user_pool_domain(Domain=name)["DomainDescription"].get("UserPoolId")
    c.eventually("nothing described", gone, 1 if c.world.endpoint else 60)


@check("API CreateUserPoolDomain; seen: 'Domain already associated with another user pool.'")
def domain_is_taken(c):
    """A domain that another pool has, or a second for one pool: InvalidParameterException 400."""
    idp, one, two = cognito(c), pool(c), pool(c)
    name = domain(c, one)
    says = "already associated with another user pool"
    c.refused(*BAD, idp.create_user_pool_domain, says=says, Domain=name, UserPoolId=two)
    c.refused(*BAD, idp.create_user_pool_domain, Domain=c.name("d"), UserPoolId=one)


@check.each(
    {"capital letters": "Bhv-Capital", "a dot": "a.b", "a reserved word": "bhv-cognito-test"},
    "guide, Prefix domains: lower-case letters, digits, hyphens; not aws, amazon, cognito",
)
def domain_with(c, name):
    """A domain with {case} is refused: InvalidParameterException 400."""
    made = pool(c)
    c.defer(cognito(c).delete_user_pool_domain, Domain=name, UserPoolId=made)
    c.refused(*BAD, c.raw("cognito-idp").create_user_pool_domain, Domain=name, UserPoolId=made)


@check("API CreateResourceServer, DescribeResourceServer, UpdateResourceServer, DeleteResourceServer")
def resource_server_comes_and_goes(c):
    """A resource server is made once, described, given other scopes, and deleted."""
    idp, made = cognito(c), pool(c)
    where = {"UserPoolId": made, "Identifier": "https://a.example/mcp"}
    scopes = [{"ScopeName": "read", "ScopeDescription": "to read"}]
    idp.create_resource_server(**where, Name="server", Scopes=scopes)
    c.has(
        "server", idp.describe_resource_server(**where)["ResourceServer"], {**where, "Name": "server", "Scopes": scopes}
    )
    c.refused(*BAD, idp.create_resource_server, says="already", **where, Name="again")
    more = [*scopes, {"ScopeName": "write", "ScopeDescription": "to write"}]
    idp.update_resource_server(**where, Name="renamed", Scopes=more)
    seen = idp.describe_resource_server(**where)["ResourceServer"]
    c.equal("name", seen["Name"], "renamed")
    c.same("scopes", seen["Scopes"], more)
    idp.delete_resource_server(**where)
    c.refused(*GONE, idp.describe_resource_server, **where)
