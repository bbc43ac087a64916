"""Lambda functions: update, delete, tags."""

import base64
import hashlib

import bootstrap
from judge import Group

check = Group("lambda")

NOBODY = "nobody-has-this-function"
INVALID = ("InvalidParameterValueException", "ValidationException")


@check("API UpdateFunctionCode; guide, Lambda function states; recorded")
def update_code_changes_it(c):
    """UpdateFunctionCode answers InProgress with the new hash and revision; then the new code runs."""
    made = c.create_function(bootstrap.says("old"))
    name = made["FunctionName"]
    before = c.settled(name)
    code = bootstrap.package(bootstrap.says("new"))
    answer = c.aws("lambda").update_function_code(FunctionName=name, ZipFile=code)
    c.equal("CodeSha256", answer["CodeSha256"], base64.b64encode(hashlib.sha256(code).digest()).decode())
    c.true("another RevisionId", answer["RevisionId"] != before["RevisionId"])
    c.equal("LastUpdateStatus", answer.get("LastUpdateStatus"), "InProgress")
    c.equal("LastUpdateStatus", c.settled(name)["LastUpdateStatus"], "Successful")
    c.equal("answer", c.invoke(name)["Payload"], "new")


@check("API UpdateFunctionCode, DryRun")
def update_code_dry_run_changes_nothing(c):
    """UpdateFunctionCode with DryRun answers as if, and leaves the code as it is."""
    name = c.function(bootstrap.says("old"))
    before = c.aws("lambda").get_function_configuration(FunctionName=name)
    code = bootstrap.package(bootstrap.says("new"))
    answer = c.aws("lambda").update_function_code(FunctionName=name, ZipFile=code, DryRun=True)
    c.equal("status", answer["ResponseMetadata"]["HTTPStatusCode"], 200)
    after = c.settled(name)
    c.equal("CodeSha256", after["CodeSha256"], before["CodeSha256"])
    c.equal("RevisionId", after["RevisionId"], before["RevisionId"])
    c.equal("answer", c.invoke(name)["Payload"], "old")


@check("API UpdateFunctionCode, Publish")
def update_code_with_publish(c):
    """UpdateFunctionCode with Publish makes a version of the new code."""
    name = c.function(bootstrap.says("old"))
    code = bootstrap.package(bootstrap.says("new"))
    answer = c.aws("lambda").update_function_code(FunctionName=name, ZipFile=code, Publish=True)
    c.equal("Version", answer["Version"], "1")
    c.settled(name)
    c.equal("answer", c.invoke(name, Qualifier="1")["Payload"], "new")


@check("API UpdateFunctionCode, Architectures")
def update_code_architecture(c):
    """UpdateFunctionCode can change the architecture."""
    name = c.function()
    code = bootstrap.package()
    c.aws("lambda").update_function_code(FunctionName=name, ZipFile=code, Architectures=["arm64"])
    c.equal("Architectures", c.settled(name)["Architectures"], ["arm64"])


@check("recorded: test_function_revisions_basic")
def update_with_wrong_revision_is_refused(c):
    """A RevisionId that is not the latest: PreconditionFailedException 412, for code and settings."""
    name = c.function()
    client, old = c.aws("lambda"), c.aws("lambda").get_function_configuration(FunctionName=name)["RevisionId"]
    client.update_function_configuration(FunctionName=name, Description="changed")
    c.settled(name)
    says = "The Revision Id provided does not match the latest Revision Id"
    code = bootstrap.package(bootstrap.says("new"))
    c.refused(
        "PreconditionFailedException",
        412,
        client.update_function_code,
        says=says,
        FunctionName=name,
        ZipFile=code,
        RevisionId=old,
    )
    c.refused(
        "PreconditionFailedException",
        412,
        client.update_function_configuration,
        says=says,
        FunctionName=name,
        Timeout=9,
        RevisionId=old,
    )
    c.equal("Timeout", client.get_function_configuration(FunctionName=name)["Timeout"], 3)


@check("API UpdateFunctionCode, RevisionId")
def update_with_right_revision_is_taken(c):
    """The RevisionId that GetFunction shows lets an update through, which gives a new one."""
    name = c.function()
    client, now = c.aws("lambda"), c.settled(name)["RevisionId"]
    answer = client.update_function_configuration(FunctionName=name, Timeout=9, RevisionId=now)
    c.true("another RevisionId", answer["RevisionId"] != now)


@check("API UpdateFunctionConfiguration")
def update_configuration_leaves_the_rest(c):
    """UpdateFunctionConfiguration changes what it is given and leaves the rest as it was."""
    name = c.function(Description="before", Environment={"Variables": {"COLOUR": "blue"}}, Timeout=7)
    answer = c.aws("lambda").update_function_configuration(FunctionName=name, MemorySize=256, Timeout=8)
    c.equal("LastUpdateStatus", answer.get("LastUpdateStatus"), "InProgress")
    expected = {
        "MemorySize": 256,
        "Timeout": 8,
        "Description": "before",
        "Environment": {"Variables": {"COLOUR": "blue"}},
        "LastUpdateStatus": "Successful",
    }
    c.has("after", c.settled(name), expected)


@check("API UpdateFunctionConfiguration, Environment: replaced as a whole")
def update_configuration_replaces_the_environment(c):
    """New environment variables replace all of the old ones, and reach the function."""
    name = c.function(bootstrap.ENVIRONMENT, Environment={"Variables": {"COLOUR": "blue", "OTHER": "x"}})
    c.equal("COLOUR", c.invoke(name)["Payload"]["COLOUR"], "blue")
    c.aws("lambda").update_function_configuration(FunctionName=name, Environment={"Variables": {"COLOUR": "red"}})
    c.equal("Environment", c.settled(name)["Environment"], {"Variables": {"COLOUR": "red"}})
    c.equal("COLOUR", c.invoke(name)["Payload"]["COLOUR"], "red")


@check("guide, Lambda execution role")
def update_configuration_with_missing_role_is_refused(c):
    """UpdateFunctionConfiguration refuses a role that does not exist."""
    c.refused(
        "InvalidParameterValueException",
        400,
        c.aws("lambda").update_function_configuration,
        says="cannot be assumed by Lambda",
        FunctionName=c.function(),
        Role=f"arn:aws:iam::{c.account}:role/{c.name('no-such-role')}",
    )


@check.each(
    {"a timeout over 900 s": {"Timeout": 901}, "memory below 128": {"MemorySize": 127}},
    "model UpdateFunctionConfiguration: ranges",
)
def update_configuration_refuses(c, setting):
    """UpdateFunctionConfiguration refuses {case}."""
    call = c.raw("lambda").update_function_configuration
    c.refused(INVALID, 400, call, FunctionName=c.function(), **setting)


@check("recorded: test_lambda_concurrent_config_updates")
def update_during_update_conflicts(c):
    """While an update is in progress another is refused with 'An update is in progress', or it is over."""
    name = c.function()
    client = c.aws("lambda")
    first = client.update_function_configuration(FunctionName=name, Timeout=4)
    c.equal("LastUpdateStatus", first.get("LastUpdateStatus"), "InProgress")
    try:
        client.update_function_configuration(FunctionName=name, Timeout=5)
    except client.exceptions.ResourceConflictException as error:
        c.matches("message", error.response["Error"]["Message"], "An update is in progress for resource")
    c.settled(name)


@check("API UpdateFunctionCode, Errors")
def update_missing_is_not_found(c):
    """Updating a function that is not there: 404 ResourceNotFoundException."""
    client, code = c.aws("lambda"), bootstrap.package()
    c.refused("ResourceNotFoundException", 404, client.update_function_code, FunctionName=NOBODY, ZipFile=code)
    c.refused("ResourceNotFoundException", 404, client.update_function_configuration, FunctionName=NOBODY, Timeout=4)


@check("API DeleteFunction; recorded: test_function_lifecycle")
def delete_removes_everything(c):
    """DeleteFunction removes versions and aliases too; then it is not found, nor deletable again."""
    name, one = c.versions("one")
    client = c.aws("lambda")
    client.create_alias(FunctionName=name, Name="live", FunctionVersion=one)
    answer = client.delete_function(FunctionName=name)
    c.true("a 2xx status", answer["ResponseMetadata"]["HTTPStatusCode"] in (200, 202, 204), answer)
    c.refused("ResourceNotFoundException", 404, client.get_function, FunctionName=name)
    c.refused("ResourceNotFoundException", 404, client.get_function, FunctionName=name, Qualifier=one)
    c.refused("ResourceNotFoundException", 404, client.get_alias, FunctionName=name, Name="live")
    says = "Function not found"
    c.refused("ResourceNotFoundException", 404, client.delete_function, says=says, FunctionName=name)


@check("recorded: test_delete_on_nonexisting_version, test_ops_with_arn_qualifier_mismatch")
def delete_latest_is_refused(c):
    """$LATEST alone cannot be deleted."""
    c.refused(
        "InvalidParameterValueException",
        400,
        c.aws("lambda").delete_function,
        says=r"\$LATEST version cannot be deleted without deleting the function",
        FunctionName=c.function(),
        Qualifier="$LATEST",
    )


@check("API TagResource, UntagResource, ListTags; recorded: test_tag_lifecycle")
def tags_come_and_go(c):
    """Tags given at creation and later are in ListTags and GetFunction; untagging removes them."""
    made = c.create_function(Tags={"team": "one", "keep": "yes"})
    client, arn = c.aws("lambda"), made["FunctionArn"]
    client.tag_resource(Resource=arn, Tags={"team": "two", "stage": "test"})
    expected = {"team": "two", "keep": "yes", "stage": "test"}
    c.equal("ListTags", client.list_tags(Resource=arn)["Tags"], expected)
    client.untag_resource(Resource=arn, TagKeys=["team", "nobody-has-it"])
    expected = {"keep": "yes", "stage": "test"}
    c.equal("GetFunction", client.get_function(FunctionName=arn).get("Tags"), expected)


@check("recorded: test_tag_exceptions")
def tags_on_a_version_are_refused(c):
    """Aliases and versions cannot be tagged."""
    c.refused(
        "InvalidParameterValueException",
        400,
        c.aws("lambda").tag_resource,
        says="Tags on function aliases and versions are not supported",
        Resource=c.function_arn(c.echo(), "1"),
        Tags={"a": "b"},
    )


@check("recorded: test_tag_exceptions")
def tags_of_missing_are_not_found(c):
    """Tags of a function that is not there: 404."""
    client, arn = c.aws("lambda"), c.function_arn(NOBODY)
    c.refused("ResourceNotFoundException", 404, client.list_tags, says="Function not found", Resource=arn)
    c.refused("ResourceNotFoundException", 404, client.tag_resource, Resource=arn, Tags={"a": "b"})


@check("recorded: test_tag_limits")
def tags_over_fifty_are_refused(c):
    """A function has 50 tags at most."""
    tags = {f"tag-{number}": "x" for number in range(51)}
    says = "Number of tags exceeds resource tag limit"
    c.refused("InvalidParameterValueException", 400, c.create_function, says=says, Tags=tags)


@check("API GetAccountSettings")
def account_settings_count_functions(c):
    """GetAccountSettings tells limits and how many functions there are."""
    c.echo()
    seen = c.aws("lambda").get_account_settings()
    c.true("ConcurrentExecutions", seen["AccountLimit"]["ConcurrentExecutions"] >= 10, seen)
    c.true("FunctionCount", seen["AccountUsage"]["FunctionCount"] >= 1, seen)
