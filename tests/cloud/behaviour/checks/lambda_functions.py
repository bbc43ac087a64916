"""Lambda functions: create, read, list."""

import base64
import hashlib
import json

import bootstrap
from judge import Group

check = Group("lambda")

NOBODY = "nobody-has-this-function"
INVALID = ("InvalidParameterValueException", "ValidationException")


@check("API CreateFunction, Response Syntax; recorded")
def create_describes_the_function(c):
    """CreateFunction answers 201 with the whole configuration and its defaults."""
    code = bootstrap.package()
    made = c.create_function(Code={"ZipFile": code})
    c.equal("HTTP status", made["ResponseMetadata"]["HTTPStatusCode"], 201)
    c.has(
        "CreateFunction",
        made,
        {
            "FunctionArn": c.function_arn(made["FunctionName"]),
            "Runtime": "provided.al2023",
            "Role": c.role(),
            "Handler": "bootstrap",
            "CodeSize": len(code),
            "CodeSha256": base64.b64encode(hashlib.sha256(code).digest()).decode(),
            "Description": "",
            "Timeout": 3,
            "MemorySize": 128,
            "Version": "$LATEST",
            "TracingConfig": {"Mode": "PassThrough"},
            "PackageType": "Zip",
            "Architectures": ["x86_64"],
            "EphemeralStorage": {"Size": 512},
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        },
    )
    c.matches("RevisionId", made.get("RevisionId"), r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    c.matches("LastModified", made.get("LastModified"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$")


@check("guide, Lambda function states; recorded")
def create_answers_pending(c):
    """CreateFunction answers before the function is ready: State Pending, reason Creating."""
    made = c.create_function()
    c.has("CreateFunction", made, {"State": "Pending", "StateReasonCode": "Creating"})
    c.equal("StateReason", made.get("StateReason"), "The function is being created.")


@check("guide, Lambda function states")
def create_becomes_active(c):
    """A new function becomes Active with LastUpdateStatus Successful, which GetFunction shows."""
    name = c.function()
    seen = c.aws("lambda").get_function(FunctionName=name)["Configuration"]
    c.has("GetFunction", seen, {"State": "Active", "LastUpdateStatus": "Successful"})
    c.true("no StateReason once active", "StateReason" not in seen, seen)


@check("botocore waiters-2: FunctionActiveV2, FunctionExists, FunctionUpdatedV2")
def waiters_end(c):
    """boto3's waiters for exists, active and updated end for a new function."""
    name = c.create_function()["FunctionName"]
    for waiter in ("function_exists", "function_active_v2", "function_updated_v2"):
        c.aws("lambda").get_waiter(waiter).wait(FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})


@check("API CreateFunction, LoggingConfig; recorded")
def create_names_the_log_group(c):
    """Without a LoggingConfig the function logs as text into /aws/lambda/ and its name."""
    made = c.create_function()
    expected = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{made['FunctionName']}"}
    c.has("LoggingConfig", made.get("LoggingConfig"), expected)


@check("API CreateFunction, Publish")
def create_with_publish(c):
    """CreateFunction with Publish makes version 1 at once."""
    made = c.create_function(Publish=True)
    c.equal("Version", made["Version"], "1")
    c.settled(made["FunctionName"])
    listed = c.aws("lambda").list_versions_by_function(FunctionName=made["FunctionName"])["Versions"]
    c.equal("versions", [version["Version"] for version in listed], ["$LATEST", "1"])


@check("API CreateFunction, FunctionCode S3Bucket")
def create_from_s3(c):
    """Code can be given as an object in S3."""
    s3, bucket = c.aws("s3"), c.name("code")
    s3.create_bucket(Bucket=bucket)
    c.defer(s3.delete_bucket, Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="code.zip", Body=bootstrap.package(bootstrap.says("from s3")))
    c.defer(s3.delete_object, Bucket=bucket, Key="code.zip")
    name = c.function(Code={"S3Bucket": bucket, "S3Key": "code.zip"})
    c.equal("answer", c.invoke(name)["Payload"], "from s3")


@check("recorded: test_lambda_code_location_s3_errors")
def create_from_missing_bucket_is_refused(c):
    """Code in a bucket that is not there: InvalidParameterValueException that quotes S3."""
    c.refused(
        "InvalidParameterValueException",
        400,
        c.create_function,
        says="GetObject.*NoSuchBucket",
        Code={"S3Bucket": c.name("none"), "S3Key": "code.zip"},
    )


@check("seen: InvalidParameterValueException, S3 Error Code: NoSuchKey")
def create_from_missing_key_is_refused(c):
    """Code under a key that is not there: InvalidParameterValueException that quotes S3."""
    s3, bucket = c.aws("s3"), c.name("code")
    s3.create_bucket(Bucket=bucket)
    c.defer(s3.delete_bucket, Bucket=bucket)
    c.refused(
        "InvalidParameterValueException",
        400,
        c.create_function,
        says="GetObject.*NoSuchKey",
        Code={"S3Bucket": bucket, "S3Key": "code.zip"},
    )


@check("API CreateFunction, Errors; seen: 'Function already exist: NAME'")
def create_again_conflicts(c):
    """A name that is taken: ResourceConflictException 409, 'Function already exist'."""
    name = c.function()
    c.refused("ResourceConflictException", 409, c.create_function, says="already exist", FunctionName=name)


@check("seen: 'The role defined for the function cannot be assumed by Lambda.'")
def create_with_missing_role_is_refused(c):
    """A role that does not exist is refused, as one that Lambda cannot assume."""
    name = c.name("fn")
    c.defer(c.aws("lambda").delete_function, FunctionName=name)
    c.refused(
        "InvalidParameterValueException",
        400,
        c.aws("lambda").create_function,
        says="The role defined for the function cannot be assumed by Lambda",
        FunctionName=name,
        Runtime="provided.al2023",
        Handler="bootstrap",
        Role=f"arn:aws:iam::{c.account}:role/{c.name('no-such-role')}",
        Code={"ZipFile": bootstrap.package()},
    )


def role_for(c, principal: dict, effect="Allow", action="sts:AssumeRole") -> str:
    statement = {"Effect": effect, "Principal": principal, "Action": action}
    return c.make_role(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))["Arn"]


@check("guide, Lambda execution role: trust policy")
def create_with_untrusting_role_is_refused(c):
    """A role whose trust policy names another service is refused."""
    name = c.name("fn")
    c.defer(c.aws("lambda").delete_function, FunctionName=name)
    c.refused(
        "InvalidParameterValueException",
        400,
        c.aws("lambda").create_function,
        says="cannot be assumed by Lambda",
        FunctionName=name,
        Runtime="provided.al2023",
        Handler="bootstrap",
        Role=role_for(c, {"Service": "ec2.amazonaws.com"}),
        Code={"ZipFile": bootstrap.package()},
    )


@check("guide, Lambda execution role: trust policy")
def create_accepts_role_with_several_services(c):
    """A role that trusts Lambda among other services will do."""
    role = role_for(c, {"Service": ["edgelambda.amazonaws.com", "lambda.amazonaws.com"]})
    c.equal("Role", c.create_function(Role=role)["Role"], role)


@check("model CreateFunction: Role pattern; recorded form of ValidationException")
def create_with_malformed_role_is_refused(c):
    """A role that is no ARN is a ValidationException."""
    c.refused("ValidationException", 400, c.create_function, says="'role' failed to satisfy", Role="just-a-name")


SETTINGS = {
    "a timeout over 900 s": ({"Timeout": 901}, "timeout|Timeout"),
    "a timeout of 0": ({"Timeout": 0}, "timeout|Timeout"),
    "memory below 128": ({"MemorySize": 127}, "emorySize"),
    "memory over 10240": ({"MemorySize": 10241}, "emorySize"),
    "an unknown runtime": ({"Runtime": "provided.al1999"}, "runtime"),
    "an unknown architecture": ({"Architectures": ["m68k"]}, "architectures"),
    "no handler for a zip": ({"Handler": None}, "Runtime and Handler are mandatory"),
    "a name with a space": ({"FunctionName": "two words"}, "functionName"),
    "a name of 65 characters": ({"FunctionName": "n" * 65}, "functionName"),
    "tmp below 512 MB": ({"EphemeralStorage": {"Size": 511}}, "ephemeralStorage|EphemeralStorage"),
    "a description of 257 characters": ({"Description": "d" * 257}, "description"),
}


@check.each(SETTINGS, "model CreateFunction: ranges, patterns, enumerations; API CreateFunction; recorded")
def create_refuses(c, setting):
    """CreateFunction refuses {case}."""
    changed, says = setting
    arguments = {
        "FunctionName": c.name("fn"),
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Role": c.role(),
        "Code": {"ZipFile": bootstrap.package()},
        **changed,
    }
    arguments = {key: value for key, value in arguments.items() if value is not None}
    c.defer(c.raw("lambda").delete_function, FunctionName=arguments["FunctionName"])
    c.refused(INVALID, 400, c.raw("lambda").create_function, says=says, **arguments)


@check("seen: 'Could not unzip uploaded file. Please check your file, then try to upload again.'")
def create_from_something_else_than_zip_is_refused(c):
    """Code that is no zip archive: InvalidParameterValueException."""
    c.refused(
        "InvalidParameterValueException",
        400,
        c.create_function,
        says="Could not unzip uploaded file",
        Code={"ZipFile": b"this is no archive"},
    )


@check("recorded: test_large_environment_variables_fails; guide, Lambda quotas: 4 KB")
def environment_over_4_kb_is_refused(c):
    """Environment variables of more than 4 KB together are refused."""
    c.refused(
        "InvalidParameterValueException",
        400,
        c.create_function,
        says="exceeded the 4KB limit",
        Environment={"Variables": {"LARGE": "x" * 4096}},
    )


@check("guide, Lambda quotas: 4 KB; recorded: test_large_environment_variables_succeeds")
def environment_just_below_4_kb_is_taken(c):
    """Environment variables that just fit are taken."""
    value = "x" * 4000
    made = c.create_function(Environment={"Variables": {"LARGE": value}})
    c.equal("Environment", made["Environment"]["Variables"], {"LARGE": value})


@check.each(
    {key: key for key in ("AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME", "AWS_ACCESS_KEY_ID", "_HANDLER")},
    "guide, Environment variables: reserved; seen: 'Reserved keys used in this request'",
)
def environment_refuses(c, key):
    """The reserved environment variable {case} is refused."""
    c.refused(
        INVALID,
        400,
        c.create_function,
        says="reserved keys|environment",
        Environment={"Variables": {key: "mine"}},
    )


@check("guide, Environment variables: names start with a letter, at least two characters")
def environment_name_must_be_a_word(c):
    """An environment variable's name with a dash is refused."""
    c.refused(INVALID, 400, c.create_function, Environment={"Variables": {"not-a-name": "x"}})


@check("API GetFunction; recorded: test_function_lifecycle")
def get_says_where_the_code_is(c):
    """GetFunction names an address from which the code can be fetched."""
    code = bootstrap.package(bootstrap.says("fetch me"))
    name = c.function(Code={"ZipFile": code})
    found = c.aws("lambda").get_function(FunctionName=name)["Code"]
    c.equal("RepositoryType", found.get("RepositoryType"), "S3")
    answer = c.world.web.send("GET", found["Location"])
    c.equal("status of Code.Location", answer.status, 200)
    c.true("the fetched code is the uploaded one", answer.body == code)


@check("recorded: test_ops_on_nonexisting_fn[get_function]")
def get_missing_is_not_found(c):
    """GetFunction of none: 404 ResourceNotFoundException with the ARN and Type User."""
    says = f"^Function not found: {c.function_arn(NOBODY)}$"
    call = c.aws("lambda").get_function
    c.refused("ResourceNotFoundException", 404, call, says=says, FunctionName=NOBODY)


@check("recorded: test_ops_on_nonexisting_fn, test_invoke_exceptions; model: Type of the exceptions")
def errors_have_a_type(c):
    """Lambda's errors say in the member Type whose fault they are: User."""
    client = c.aws("lambda")
    for call in (client.get_function, client.invoke, client.delete_function, client.publish_version):
        answer = c.refused("ResourceNotFoundException", 404, call, FunctionName=NOBODY)
        c.equal("Type", answer.get("Type"), "User")


@check("recorded: test_ops_on_nonexisting_fn[get_function_configuration]")
def get_configuration_of_missing_is_not_found(c):
    """GetFunctionConfiguration of none: 404 ResourceNotFoundException."""
    call = c.aws("lambda").get_function_configuration
    c.refused("ResourceNotFoundException", 404, call, says="Function not found", FunctionName=NOBODY)


@check("recorded: test_ops_on_nonexisting_version")
def get_missing_qualifier_is_not_found(c):
    """GetFunction of a version that is not there: 404, its ARN with the qualifier."""
    name = c.echo()
    call = c.aws("lambda").get_function
    says = f"Function not found: {c.function_arn(name, '1221')}"
    c.refused("ResourceNotFoundException", 404, call, says=says, FunctionName=name, Qualifier="1221")


@check("API GetFunction, FunctionName formats")
def get_takes_every_form_of_the_name(c):
    """A function can be named by name, partial ARN, ARN, and with a qualifier after a colon."""
    name = c.echo()
    forms = (name, f"{c.account}:function:{name}", c.function_arn(name), f"{name}:$LATEST")
    for form in forms:
        seen = c.aws("lambda").get_function(FunctionName=form)["Configuration"]
        c.equal(f"name of {form}", seen["FunctionName"], name)


@check("recorded: test_ops_with_arn_qualifier_mismatch")
def get_with_two_qualifiers_is_refused(c):
    """A qualifier in the name and another as argument do not go together."""
    c.refused(
        "InvalidParameterValueException",
        400,
        c.aws("lambda").get_function,
        says="does not match the specified qualifier",
        FunctionName=f"{c.echo()}:$LATEST",
        Qualifier="1",
    )


@check("API ListFunctions, MaxItems and Marker", alone=True)
def list_pages(c):
    """ListFunctions gives at most MaxItems and a NextMarker; the pages hold every function once."""
    names = {c.create_function()["FunctionName"] for _ in range(3)}
    first = c.aws("lambda").list_functions(MaxItems=1)
    c.equal("functions on a page of 1", len(first["Functions"]), 1)
    c.true("NextMarker", first.get("NextMarker"), first.get("NextMarker"))
    pages = c.aws("lambda").get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2})
    seen = [function["FunctionName"] for page in pages for function in page["Functions"]]
    c.same("ours in the pages", [name for name in seen if name in names], names)


@check("API ListFunctions, FunctionVersion", alone=True)
def list_all_versions(c):
    """ListFunctions with FunctionVersion ALL lists published versions too, otherwise it does not."""
    name, *_ = c.versions("one")
    paginator = c.aws("lambda").get_paginator("list_functions")
    for more, expected in (({"FunctionVersion": "ALL"}, ["$LATEST", "1"]), ({}, ["$LATEST"])):
        functions = [function for page in paginator.paginate(**more) for function in page["Functions"]]
        c.same("versions", [f["Version"] for f in functions if f["FunctionName"] == name], expected)
