"""Cognito user pools: users, sign-in, tokens."""

import base64
import time
from urllib.parse import urlencode

from checks.cognito import BAD, GONE, PASSWORD, USER_FLOWS, client, cognito, ground, pool
from judge import Group
from web import claims, verifies

check = Group("cognito")

DENIED = ("NotAuthorizedException", 400)
WEAK = ("InvalidPasswordException", 400)
NO_USER = ("UserNotFoundException", 400)


def user(c, pool_id: str, password=PASSWORD, **more) -> str:
    """A confirmed user with this password."""
    name = c.name("user")
    arguments = {"UserPoolId": pool_id, "Username": name, "MessageAction": "SUPPRESS", **more}
    cognito(c).admin_create_user(**arguments)
    cognito(c).admin_set_user_password(UserPoolId=pool_id, Username=name, Password=password, Permanent=True)
    return name


def sign_in(c, name: str, password=PASSWORD, client_id=None) -> dict:
    return cognito(c).initiate_auth(
        ClientId=client_id or ground(c).client,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": name, "PASSWORD": password},
    )


@check("API AdminCreateUser, AdminGetUser")
def user_starts_with_a_temporary_password(c):
    """A user whom an administrator made has to change the password; attributes and a sub are kept."""
    idp, made, name = cognito(c), ground(c).pool, c.name("user")
    attributes = [{"Name": "email", "Value": "a@example.com"}]
    arguments = {"UserPoolId": made, "Username": name, "TemporaryPassword": PASSWORD, "MessageAction": "SUPPRESS"}
    answer = idp.admin_create_user(**arguments, UserAttributes=attributes)["User"]
    c.has("user", answer, {"Username": name, "Enabled": True, "UserStatus": "FORCE_CHANGE_PASSWORD"})
    seen = idp.admin_get_user(UserPoolId=made, Username=name)
    found = {item["Name"]: item["Value"] for item in seen["UserAttributes"]}
    c.equal("email", found.get("email"), "a@example.com")
    c.matches("sub", found.get("sub"), "^[0-9a-f-]{36}$")


@check("API AdminCreateUser, UsernameExistsException")
def user_again_exists(c):
    """A user name that is taken: UsernameExistsException 400."""
    made = ground(c).pool
    name = user(c, made)
    c.refused("UsernameExistsException", 400, cognito(c).admin_create_user, UserPoolId=made, Username=name)


@check("API AdminGetUser, UserNotFoundException; seen: 'User does not exist.'")
def user_missing(c):
    """A user who is not there: UserNotFoundException 400."""
    idp, where = cognito(c), {"UserPoolId": ground(c).pool, "Username": c.name("none")}
    for call, more in (
        (idp.admin_get_user, {}),
        (idp.admin_delete_user, {}),
        (idp.admin_set_user_password, {"Password": PASSWORD}),
    ):
        c.refused(*NO_USER, call, says="User does not exist", **where, **more)


PASSWORDS = {
    "is short": "aB3$efg",
    "has no capital letter": "correct-horse-7",
    "has no small letter": "CORRECT-HORSE-7",
    "has no digit": "Correct-horse",
    "has no symbol": "CorrectHorse7",
}


@check.each(PASSWORDS, "guide, Password requirements; seen: 'did not conform with', 'does not conform to'")
def password_that(c, password):
    """A password that {case} is refused everywhere: InvalidPasswordException 400."""
    idp, made, name = cognito(c), ground(c), c.name("user")
    says = "(did|does) not conform (with|to) (password )?policy"
    arguments = {"UserPoolId": made.pool, "Username": name, "MessageAction": "SUPPRESS"}
    c.refused(*WEAK, idp.admin_create_user, says=says, TemporaryPassword=password, **arguments)
    c.refused(*WEAK, idp.sign_up, says=says, ClientId=made.client, Username=name, Password=password)
    where = {"UserPoolId": made.pool, "Username": user(c, made.pool)}
    c.refused(*WEAK, idp.admin_set_user_password, says=says, Password=password, Permanent=True, **where)


@check("API PasswordPolicyType")
def password_policy_of_the_pool_counts(c):
    """A pool's own policy takes and refuses by its own rules."""
    made = pool(
        c,
        Policies={
            "PasswordPolicy": {
                "MinimumLength": 12,
                "RequireSymbols": False,
                "RequireUppercase": False,
                "RequireNumbers": False,
                "RequireLowercase": True,
            }
        },
    )
    user(c, made, password="twelveletters")
    c.refused(*WEAK, user, c=c, pool_id=made, password="elevenlettr")


@check("API AdminSetUserPassword, Permanent; API InitiateAuth")
def sign_in_gives_tokens(c):
    """A confirmed user gets three tokens, of the kind Bearer and good for an hour."""
    name = user(c, ground(c).pool)
    seen = cognito(c).admin_get_user(UserPoolId=ground(c).pool, Username=name)
    c.equal("UserStatus", seen["UserStatus"], "CONFIRMED")
    result = sign_in(c, name)["AuthenticationResult"]
    c.has("result", result, {"TokenType": "Bearer", "ExpiresIn": 3600})
    c.true("three tokens", all(result.get(key) for key in ("AccessToken", "IdToken", "RefreshToken")), sorted(result))


@check("guide, Access tokens, ID tokens: claims")
def token_claims(c):
    """Access and ID token are for this user, client and pool, each saying which of the two it is."""
    made = ground(c)
    name = user(c, made.pool, UserAttributes=[{"Name": "email", "Value": "a@example.com"}])
    result = sign_in(c, name)["AuthenticationResult"]
    access, identity = claims(result["AccessToken"]), claims(result["IdToken"])
    expected = {
        "token_use": "access",
        "client_id": made.client,
        "username": name,
        "scope": "aws.cognito.signin.user.admin",
    }
    c.has("access token", access, expected)
    c.true("no aud in the access token", "aud" not in access, access)
    expected = {"token_use": "id", "aud": made.client, "cognito:username": name, "email": "a@example.com"}
    c.has("ID token", identity, {**expected, "sub": access["sub"]})
    for token in (access, identity):
        c.true("an issuer of this pool", token["iss"].endswith(f"/{made.pool}"), token["iss"])
        c.equal("seconds", token["exp"] - token["iat"], 3600)
        c.true("issued now", abs(token["iat"] - time.time()) < 120, token["iat"])
        c.true("auth_time, jti", token.get("auth_time") and token.get("jti"), token)


def discovery(c, issuer: str) -> dict:
    answer = c.world.web.send("GET", f"{issuer}/.well-known/openid-configuration")
    c.equal("status of the discovery document", answer.status, 200)
    return answer.json()


@check("guide, Verifying JSON web tokens: jwks.json")
def tokens_verify_by_the_key_set(c):
    """Both tokens are RS256 by a key of the pool's key set at the issuer."""
    result = sign_in(c, user(c, ground(c).pool))["AuthenticationResult"]
    issuer = claims(result["AccessToken"])["iss"]
    answer = c.world.web.send("GET", f"{issuer}/.well-known/jwks.json")
    c.equal("status of the key set", answer.status, 200)
    for key in answer.json()["keys"]:
        c.has("key", key, {"kty": "RSA", "alg": "RS256", "use": "sig"})
    for kind in ("AccessToken", "IdToken"):
        c.true(f"a {kind} that verifies", verifies(result[kind], answer.json()))


@check("OpenID Connect Discovery; guide, OpenID Connect endpoints")
def issuer_describes_itself(c):
    """The discovery document names the tokens' issuer and its key set."""
    token = sign_in(c, user(c, ground(c).pool))["AuthenticationResult"]["AccessToken"]
    issuer = claims(token)["iss"]
    seen = discovery(c, issuer)
    c.equal("issuer", seen["issuer"], issuer)
    c.equal("keys", seen["jwks_uri"], f"{issuer}/.well-known/jwks.json")
    c.true("RS256", "RS256" in seen["id_token_signing_alg_values_supported"], seen)


@check("API InitiateAuth, NotAuthorizedException; seen: 'Incorrect username or password.'")
def sign_in_with_wrong_password(c):
    """A wrong password: NotAuthorizedException 400."""
    name = user(c, ground(c).pool)
    c.refused(*DENIED, sign_in, says="Incorrect username or password", c=c, name=name, password="Wrong-password-1")


@check("guide, Managing user existence error responses")
def sign_in_of_nobody(c):
    """A user who is not there: UserNotFoundException, or like a wrong password where the client prevents it."""
    made, name = ground(c).pool, c.name("none")
    c.refused(*NO_USER, sign_in, c=c, name=name)
    careful = client(c, made, ExplicitAuthFlows=USER_FLOWS, PreventUserExistenceErrors="ENABLED")["ClientId"]
    c.refused(*DENIED, sign_in, says="Incorrect username or password", c=c, name=name, client_id=careful)


@check("API InitiateAuth; seen: 'USER_PASSWORD_AUTH flow not enabled for this client'")
def sign_in_by_a_flow_that_is_off(c):
    """A flow that the client does not allow: InvalidParameterException 400."""
    made = ground(c).pool
    other = client(c, made, ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"])["ClientId"]
    says = "USER_PASSWORD_AUTH flow not enabled for this client"
    c.refused(*BAD, sign_in, says=says, c=c, name=user(c, made), client_id=other)


@check("guide, SECRET_HASH; seen: 'Client X is configured with secret but SECRET_HASH was not received'")
def sign_in_needs_the_secret_hash(c):
    """A client with a secret needs SECRET_HASH: NotAuthorizedException 400."""
    made = ground(c).pool
    other = client(c, made, GenerateSecret=True, ExplicitAuthFlows=USER_FLOWS)["ClientId"]
    says = "configured with secret but SECRET_HASH was not received"
    c.refused(*DENIED, sign_in, says=says, c=c, name=user(c, made), client_id=other)


@check("API InitiateAuth, ResourceNotFoundException")
def sign_in_by_no_client(c):
    """A client that is not there: ResourceNotFoundException 400."""
    name = user(c, ground(c).pool)
    says = "User pool client .* does not exist"
    c.refused(*GONE, sign_in, says=says, c=c, name=name, client_id="a" * 26)


@check("API RespondToAuthChallenge, NEW_PASSWORD_REQUIRED")
def temporary_password_has_to_be_changed(c):
    """With a temporary password sign-in asks for a new one, and gives tokens once it has it."""
    idp, made, name = cognito(c), ground(c), c.name("user")
    arguments = {"UserPoolId": made.pool, "Username": name, "TemporaryPassword": PASSWORD, "MessageAction": "SUPPRESS"}
    idp.admin_create_user(**arguments)
    seen = sign_in(c, name)
    c.equal("challenge", seen.get("ChallengeName"), "NEW_PASSWORD_REQUIRED")
    c.true("no tokens yet", not seen.get("AuthenticationResult"), seen)
    answer = {"USERNAME": name, "NEW_PASSWORD": PASSWORD + "-new"}
    challenge = {"ClientId": made.client, "ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": seen["Session"]}
    result = idp.respond_to_auth_challenge(**challenge, ChallengeResponses=answer)["AuthenticationResult"]
    c.true("tokens", result.get("AccessToken"))
    c.equal("status", idp.admin_get_user(UserPoolId=made.pool, Username=name)["UserStatus"], "CONFIRMED")


@check("guide, Refresh tokens")
def refresh_gives_new_tokens(c):
    """A refresh token gives new access and ID tokens, and no new refresh token."""
    made = ground(c)
    result = sign_in(c, user(c, made.pool))["AuthenticationResult"]
    arguments = {"ClientId": made.client, "AuthFlow": "REFRESH_TOKEN_AUTH"}
    parameters = {"REFRESH_TOKEN": result["RefreshToken"]}
    new = cognito(c).initiate_auth(**arguments, AuthParameters=parameters)["AuthenticationResult"]
    c.equal("sub", claims(new["AccessToken"])["sub"], claims(result["AccessToken"])["sub"])
    c.true("an ID token and no refresh token", new.get("IdToken") and "RefreshToken" not in new, sorted(new))
    call = cognito(c).initiate_auth
    c.refused(*DENIED, call, says="Invalid Refresh Token", **arguments, AuthParameters={"REFRESH_TOKEN": "nonsense"})


@check("API GetUser")
def access_token_speaks_for_its_user(c):
    """GetUser tells the user by the access token; something else: NotAuthorizedException 400."""
    name = user(c, ground(c).pool)
    token = sign_in(c, name)["AuthenticationResult"]["AccessToken"]
    c.equal("Username", cognito(c).get_user(AccessToken=token)["Username"], name)
    c.refused(*DENIED, cognito(c).get_user, AccessToken="nonsense")


@check("API AdminDisableUser; seen: 'User is disabled.'")
def disabled_user_cannot_sign_in(c):
    """A disabled user cannot sign in: NotAuthorizedException 400; enabled again, can."""
    made = ground(c).pool
    name = user(c, made)
    cognito(c).admin_disable_user(UserPoolId=made, Username=name)
    c.refused(*DENIED, sign_in, says="disabled", c=c, name=name)
    cognito(c).admin_enable_user(UserPoolId=made, Username=name)
    sign_in(c, name)


@check("API AdminDeleteUser")
def deleted_user_is_gone(c):
    """A deleted user is not found and cannot sign in."""
    made = ground(c).pool
    name = user(c, made)
    cognito(c).admin_delete_user(UserPoolId=made, Username=name)
    c.refused(*NO_USER, cognito(c).admin_get_user, UserPoolId=made, Username=name)
    c.refused(*NO_USER, sign_in, c=c, name=name)


@check("API CreateGroup, AdminAddUserToGroup; guide, cognito:groups")
def groups_are_in_the_tokens(c):
    """A user's groups are in cognito:groups of both tokens."""
    idp, made = cognito(c), pool(c)
    own = client(c, made, ExplicitAuthFlows=USER_FLOWS)["ClientId"]
    idp.create_group(UserPoolId=made, GroupName="readers")
    name = user(c, made)
    idp.admin_add_user_to_group(UserPoolId=made, Username=name, GroupName="readers")
    result = sign_in(c, name, client_id=own)["AuthenticationResult"]
    for kind in ("AccessToken", "IdToken"):
        c.equal(f"groups in {kind}", claims(result[kind]).get("cognito:groups"), ["readers"])


def token(c, secret=None, **form):
    """Asks the token endpoint for a token for the machine client."""
    made = ground(c)
    issuer = f"https://cognito-idp.{c.region}.amazonaws.com/{made.pool}"
    # A cloud of its own address says so in its discovery document.
    found = c.world.web.send("GET", f"{issuer}/.well-known/openid-configuration")
    where = f"https://{made.domain}.auth.{c.region}.amazoncognito.com/oauth2/token"
    if found.status == 200:
        where = found.json().get("token_endpoint", where)
    keys = f"{made.machine['ClientId']}:{secret or made.machine['ClientSecret']}"
    headers = {
        "authorization": "Basic " + base64.b64encode(keys.encode()).decode(),
        "content-type": "application/x-www-form-urlencoded",
    }
    body = urlencode({"grant_type": "client_credentials", **form}).encode()
    return c.world.web.send("POST", where, headers, body)


@check("guide, Token endpoint: client_credentials")
def machine_gets_a_token(c):
    """Client credentials give an access token with the client's scopes, for the client itself."""
    made = ground(c)
    answer = token(c, scope=f"{made.server}/read")
    c.equal("status", answer.status, 200)
    said = answer.json()
    c.has("answer", said, {"token_type": "Bearer", "expires_in": 3600})
    c.true("no other tokens", not {"id_token", "refresh_token"} & set(said), sorted(said))
    claimed = claims(said["access_token"])
    client_id = made.machine["ClientId"]
    expected = {"token_use": "access", "client_id": client_id, "sub": client_id, "scope": f"{made.server}/read"}
    c.has("claims", claimed, expected)
    c.true("an issuer of this pool", claimed["iss"].endswith(f"/{made.pool}"), claimed["iss"])


@check("guide, Token endpoint: scope, all of the client's when left out")
def machine_gets_all_its_scopes(c):
    """Without a scope the token has all that the client is allowed."""
    answer = token(c)
    c.equal("status", answer.status, 200)
    c.equal("scope", claims(answer.json()["access_token"]).get("scope"), f"{ground(c).server}/read")


REFUSED = {
    "a scope it is not allowed": ({"scope": "SERVER/write"}, "invalid_scope"),
    "a scope that is not there": ({"scope": "nothing/none"}, "invalid_scope"),
    "a wrong secret": ({"secret": "wrong"}, "invalid_client"),
    "a grant that is none": ({"grant_type": "wish"}, "unsupported_grant_type"),
}


@check.each(REFUSED, "guide, Token endpoint: negative responses; RFC 6749, 5.2")
def machine_is_refused(c, case):
    """The token endpoint refuses {case}: 400 or 401 with the error's name."""
    form, error = case
    form = {name: value.replace("SERVER", ground(c).server) for name, value in form.items()}
    answer = token(c, **form)
    c.true("status 400 or 401", answer.status in (400, 401), f"{answer.status} {answer.text()[:100]}")
    c.equal("error", answer.json().get("error"), error)
