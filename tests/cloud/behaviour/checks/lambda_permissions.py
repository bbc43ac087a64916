"""Resource policies of Lambda functions, aliases and versions."""

import json

from judge import Group

check = Group("lambda")

GATEWAY = {"Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"}
NONE = "The resource you requested does not exist."


def policy(c, name: str, **qualifier) -> list:
    answer = c.aws("lambda").get_policy(FunctionName=name, **qualifier)
    return json.loads(answer["Policy"])["Statement"]


@check("recorded: test_lambda_permission_fn_versioning")
def permission_is_a_statement(c):
    """AddPermission answers 201 with the statement, and GetPolicy has it in a whole policy."""
    name = c.function()
    source = f"arn:aws:execute-api:{c.region}:{c.account}:abc123/*/*"
    client = c.aws("lambda")
    answer = client.add_permission(FunctionName=name, StatementId="gateway", SourceArn=source, **GATEWAY)
    c.equal("status", answer["ResponseMetadata"]["HTTPStatusCode"], 201)
    expected = {
        "Sid": "gateway",
        "Effect": "Allow",
        "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": c.function_arn(name),
        "Condition": {"ArnLike": {"AWS:SourceArn": source}},
    }
    c.equal("Statement", json.loads(answer["Statement"]), expected)
    seen = client.get_policy(FunctionName=name)
    c.equal("Policy", json.loads(seen["Policy"]), {"Version": "2012-10-17", "Id": "default", "Statement": [expected]})
    c.true("a RevisionId", seen.get("RevisionId"), seen)


PRINCIPALS = {
    "anybody": ({"Principal": "*"}, "*", None),
    "a service for an account": (
        {"Principal": "s3.amazonaws.com", "SourceAccount": "123456789012"},
        {"Service": "s3.amazonaws.com"},
        {"StringEquals": {"AWS:SourceAccount": "123456789012"}},
    ),
}


@check.each(PRINCIPALS, "recorded: test_add_lambda_permission_fields")
def permission_for(c, case):
    """AddPermission writes the principal and condition for {case}."""
    arguments, principal, condition = case
    answer = c.aws("lambda").add_permission(
        FunctionName=c.function(), StatementId="s", Action="lambda:InvokeFunction", **arguments
    )
    statement = json.loads(answer["Statement"])
    c.equal("Principal", statement["Principal"], principal)
    c.equal("Condition", statement.get("Condition"), condition)


@check("recorded: test_add_lambda_permission_fields")
def permission_for_an_account(c):
    """AddPermission turns an account's number into the ARN of its root."""
    answer = c.aws("lambda").add_permission(
        FunctionName=c.function(), StatementId="s", Action="lambda:InvokeFunction", Principal=c.account
    )
    c.equal("Principal", json.loads(answer["Statement"])["Principal"], {"AWS": f"arn:aws:iam::{c.account}:root"})


@check("API AddPermission, ResourceConflictException; seen: 'The statement id (…) provided already exists.'")
def permission_again_conflicts(c):
    """A statement id that is taken: ResourceConflictException 409."""
    name, client = c.function(), c.aws("lambda")
    client.add_permission(FunctionName=name, StatementId="twice", **GATEWAY)
    says = r"The statement id \(twice\) provided already exists"
    call = client.add_permission
    c.refused("ResourceConflictException", 409, call, says=says, FunctionName=name, StatementId="twice", **GATEWAY)
    c.equal("statements", len(policy(c, name)), 1)


@check.each({"alias": "live", "version": "1"}, "API AddPermission, Qualifier")
def permission_on_qualifier(c, qualifier):
    """A permission on an {case} names its ARN and is in its policy alone, whence it can be removed."""
    name, one = c.versions("one")
    client = c.aws("lambda")
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=one)
    client.add_permission(FunctionName=name, Qualifier=qualifier, StatementId="s", **GATEWAY)
    statements = policy(c, name, Qualifier=qualifier)
    c.equal(
        "Sid and Resource", [(s["Sid"], s["Resource"]) for s in statements], [("s", c.function_arn(name, qualifier))]
    )
    c.refused("ResourceNotFoundException", 404, client.get_policy, FunctionName=name)
    other = one if qualifier == "live" else "live"
    c.refused("ResourceNotFoundException", 404, client.get_policy, FunctionName=name, Qualifier=other)
    client.remove_permission(FunctionName=name, Qualifier=qualifier, StatementId="s")
    c.refused("ResourceNotFoundException", 404, client.get_policy, FunctionName=name, Qualifier=qualifier)


@check("API AddPermission, Qualifier: each has its own policy")
def permission_ids_are_per_qualifier(c):
    """The same statement id can be used for the function and for its alias."""
    name, one = c.versions("one")
    client = c.aws("lambda")
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=one)
    client.add_permission(FunctionName=name, StatementId="s", **GATEWAY)
    client.add_permission(FunctionName=name, Qualifier="live", StatementId="s", **GATEWAY)
    c.equal("of the function", [s["Resource"] for s in policy(c, name)], [c.function_arn(name)])
    call = client.add_permission
    c.refused("ResourceConflictException", 409, call, FunctionName=name, Qualifier="live", StatementId="s", **GATEWAY)


@check("recorded: test_permission_exceptions")
def permission_on_latest_is_refused(c):
    """$LATEST as a qualifier cannot have a policy."""
    says = r"We currently do not support adding policies for \$LATEST"
    call = c.aws("lambda").add_permission
    arguments = {"FunctionName": c.function(), "Qualifier": "$LATEST", "StatementId": "s", **GATEWAY}
    c.refused("InvalidParameterValueException", 400, call, says=says, **arguments)


@check("recorded: test_permission_exceptions")
def permission_for_no_principal_is_refused(c):
    """A principal that cannot be one is refused."""
    says = "The provided principal was invalid"
    call = c.aws("lambda").add_permission
    arguments = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "invalid.nonaws.com"}
    c.refused("InvalidParameterValueException", 400, call, says=says, FunctionName=c.function(), **arguments)


@check.each(
    {"a statement id with a dot": {"StatementId": "example.com"}, "an action of another service": {"Action": "s3:Get"}},
    "recorded: test_permission_exceptions; model AddPermission: patterns",
)
def permission_refuses(c, changed):
    """AddPermission refuses {case}: ValidationException."""
    arguments = {"FunctionName": c.function(), "StatementId": "s", **GATEWAY, **changed}
    c.refused("ValidationException", 400, c.raw("lambda").add_permission, **arguments)


@check("recorded: test_permission_exceptions")
def permission_on_missing_is_not_found(c):
    """AddPermission on a function or alias that is not there: 404."""
    call, name = c.aws("lambda").add_permission, c.function()
    says = "Function not found"
    c.refused(
        "ResourceNotFoundException", 404, call, says=says, FunctionName=c.name("none"), StatementId="s", **GATEWAY
    )
    says = f"Cannot find alias arn: {c.function_arn(name, 'none')}"
    arguments = {"FunctionName": name, "Qualifier": "none", "StatementId": "s", **GATEWAY}
    c.refused("ResourceNotFoundException", 404, call, says=says, **arguments)


@check("recorded: test_remove_multi_permissions")
def permission_is_removed(c):
    """RemovePermission answers 204 and takes one statement; without any there is no policy: 404."""
    name, client = c.function(), c.aws("lambda")
    for sid in ("one", "two"):
        client.add_permission(FunctionName=name, StatementId=sid, **GATEWAY)
    answer = client.remove_permission(FunctionName=name, StatementId="one")
    c.equal("status", answer["ResponseMetadata"]["HTTPStatusCode"], 204)
    c.equal("left", [statement["Sid"] for statement in policy(c, name)], ["two"])
    client.remove_permission(FunctionName=name, StatementId="two")
    c.refused("ResourceNotFoundException", 404, client.get_policy, says=NONE, FunctionName=name)


@check("recorded: test_remove_multi_permissions, test_permission_exceptions")
def permission_missing_is_not_found(c):
    """Removing a statement that is not there: 404, with another text when there is no policy."""
    name, client = c.function(), c.aws("lambda")
    call = client.remove_permission
    says = "No policy is associated with the given resource"
    c.refused("ResourceNotFoundException", 404, call, says=says, FunctionName=name, StatementId="none")
    client.add_permission(FunctionName=name, StatementId="one", **GATEWAY)
    says = "Statement none is not found in resource policy"
    c.refused("ResourceNotFoundException", 404, call, says=says, FunctionName=name, StatementId="none")


@check("recorded: test_permission_exceptions, test_function_lifecycle")
def policy_missing_is_not_found(c):
    """GetPolicy without a policy, or without a function: 404 'The resource you requested does not exist.'"""
    call = c.aws("lambda").get_policy
    c.refused("ResourceNotFoundException", 404, call, says=NONE, FunctionName=c.function())
    c.refused("ResourceNotFoundException", 404, call, says=NONE, FunctionName=c.name("none"))


@check("recorded: test_function_revisions_permissions")
def permission_with_wrong_revision_is_refused(c):
    """AddPermission and RemovePermission with an old RevisionId: PreconditionFailedException 412."""
    name, client = c.function(), c.aws("lambda")
    client.add_permission(FunctionName=name, StatementId="one", **GATEWAY)
    old = client.get_policy(FunctionName=name)["RevisionId"]
    client.add_permission(FunctionName=name, StatementId="two", RevisionId=old, **GATEWAY)
    says = "The Revision Id provided does not match the latest Revision Id"
    arguments = {"FunctionName": name, "RevisionId": old}
    call = client.add_permission
    c.refused("PreconditionFailedException", 412, call, says=says, StatementId="three", **arguments, **GATEWAY)
    c.refused("PreconditionFailedException", 412, client.remove_permission, says=says, StatementId="one", **arguments)
    c.equal("statements", [statement["Sid"] for statement in policy(c, name)], ["one", "two"])
