"""Systems Manager: parameters."""

from judge import Group

check = Group("ssm")

GONE = ("ParameterNotFound", 400)
TAKEN = ("ParameterAlreadyExists", 400)
BAD = ("ValidationException", 400)


def store(c):
    return c.aws("ssm")


def path(c) -> str:
    return f"/{c.name('parameter')}"


def parameter(c, **more) -> str:
    """A parameter's name."""
    asked = {"Name": path(c), "Value": "one", "Type": "SecureString", **more}
    store(c).put_parameter(**asked)
    c.defer(store(c).delete_parameter, Name=asked["Name"])
    return asked["Name"]


def value(c, name: str, **more) -> str:
    return store(c).get_parameter(Name=name, WithDecryption=True, **more)["Parameter"]["Value"]


@check("API PutParameter, GetParameter")
def parameter_is_made_and_got(c):
    """A parameter has a version, and an ARN in which its name has one slash."""
    name = parameter(c)
    seen = store(c).get_parameter(Name=name, WithDecryption=True)["Parameter"]
    expected = {
        "Name": name,
        "Type": "SecureString",
        "Value": "one",
        "Version": 1,
        "ARN": f"arn:aws:ssm:{c.region}:{c.account}:parameter{name}",
        "DataType": "text",
    }
    c.has("parameter", seen, expected)


@check("API GetParameter, WithDecryption")
def secure_string_is_sealed(c):
    """A SecureString is told in clear only with WithDecryption; a String always."""
    name = parameter(c)
    c.true("sealed", store(c).get_parameter(Name=name)["Parameter"]["Value"] != "one")
    plain = parameter(c, Name=path(c), Type="String")
    c.equal("plain", store(c).get_parameter(Name=plain)["Parameter"]["Value"], "one")


@check("API GetParameter, Name: an ARN or a version behind a colon")
def parameter_has_several_names(c):
    """A parameter is found by ARN, and in its earlier versions."""
    name = parameter(c)
    store(c).put_parameter(Name=name, Value="two", Overwrite=True)
    arn = f"arn:aws:ssm:{c.region}:{c.account}:parameter{name}"
    c.equal("by ARN", value(c, arn), "two")
    c.equal("the first", value(c, f"{name}:1"), "one")
    c.refused("ParameterVersionNotFound", 400, store(c).get_parameter, Name=f"{name}:7")


@check("API PutParameter, Overwrite")
def parameter_again_exists(c):
    """Without Overwrite: ParameterAlreadyExists 400; with it, the next version, of the same type and description."""
    name = parameter(c, Description="for tests")
    c.refused(*TAKEN, store(c).put_parameter, Name=name, Value="two", Type="SecureString")
    answer = store(c).put_parameter(Name=name, Value="two", Overwrite=True)
    c.equal("Version", answer["Version"], 2)
    filters = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
    found = store(c).describe_parameters(ParameterFilters=filters)["Parameters"]
    c.equal("number", len(found), 1)
    expected = {"Name": name, "Type": "SecureString", "Version": 2, "Description": "for tests"}
    c.has("description", found[0], expected)
    c.true("no value", "Value" not in found[0])


@check("API PutParameter: the key of a SecureString")
def secure_string_has_the_services_key(c):
    """A SecureString without a key has alias/aws/ssm; a String has none."""
    name = parameter(c)
    filters = [{"Key": "Name", "Values": [name]}]
    found = store(c).describe_parameters(ParameterFilters=filters)["Parameters"]
    c.equal("KeyId", found[0].get("KeyId"), "alias/aws/ssm")
    plain = parameter(c, Name=path(c), Type="String")
    filters = [{"Key": "Name", "Values": [plain]}]
    found = store(c).describe_parameters(ParameterFilters=filters)["Parameters"]
    c.equal("KeyId of a String", found[0].get("KeyId"), None)


@check("API GetParameter, DeleteParameter, ListTagsForResource")
def parameter_missing(c):
    """A parameter that is not there: ParameterNotFound 400, InvalidResourceId 400 for its tags."""
    name = path(c)
    c.refused(*GONE, store(c).get_parameter, Name=name)
    c.refused(*GONE, store(c).delete_parameter, Name=name)
    call = store(c).list_tags_for_resource
    c.refused("InvalidResourceId", 400, call, ResourceType="Parameter", ResourceId=name)


@check("API GetParameters, DeleteParameters")
def several_parameters(c):
    """Several at once: those that are not there are named."""
    name, none = parameter(c), path(c)
    answer = store(c).get_parameters(Names=[name, none], WithDecryption=True)
    c.equal("values", [item["Value"] for item in answer["Parameters"]], ["one"])
    c.equal("missing", answer["InvalidParameters"], [none])
    other = path(c)
    store(c).put_parameter(Name=other, Value="x", Type="String")
    answer = store(c).delete_parameters(Names=[other, none])
    c.equal("deleted", answer["DeletedParameters"], [other])
    c.equal("not there", answer["InvalidParameters"], [none])


@check("API GetParametersByPath")
def parameters_by_path(c):
    """Of a path: what is directly below it, and with Recursive everything."""
    folder = path(c)
    near, far = parameter(c, Name=f"{folder}/a"), parameter(c, Name=f"{folder}/b/c")
    by_path = store(c).get_parameters_by_path
    c.equal("one level", [item["Name"] for item in by_path(Path=folder)["Parameters"]], [near])
    seen = sorted(item["Name"] for item in by_path(Path=folder, Recursive=True)["Parameters"])
    c.equal("all", seen, [near, far])


@check("API AddTagsToResource, RemoveTagsFromResource, ListTagsForResource")
def tags_come_and_go(c):
    """Tags are given at the creation or on their own, never together with Overwrite."""
    name = parameter(c, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    on = {"ResourceType": "Parameter", "ResourceId": name}
    store(c).add_tags_to_resource(**on, Tags=[{"Key": "b", "Value": "3"}])
    store(c).remove_tags_from_resource(**on, TagKeys=["a"])
    c.equal("tags", store(c).list_tags_for_resource(**on)["TagList"], [{"Key": "b", "Value": "3"}])
    c.refused(
        *BAD,
        store(c).put_parameter,
        says="tags and overwrite can't be used together",
        Name=name,
        Value="x",
        Overwrite=True,
        Tags=[{"Key": "c", "Value": "4"}],
    )


@check("API PutParameter: 4096 characters in the standard tier")
def value_too_long(c):
    """More than 4096 characters: ValidationException 400, and fine in the advanced tier."""
    long = "x" * 4097
    c.refused(*BAD, store(c).put_parameter, Name=path(c), Value=long, Type="SecureString")
    name = parameter(c, Value=long, Tier="Advanced")
    c.equal("length", len(value(c, name)), 4097)


@check.each(
    {
        "begins with ssm": "/ssm/x",
        "is a path without a slash": "a/b",
        "has a space": "a b",
    },
    "API PutParameter, Name",
)
def name_that(c, name):
    """A name that {case}: ValidationException 400."""
    c.refused(*BAD, store(c).put_parameter, Name=name, Value="x", Type="String")


@check("API PutParameter, Name: no aws at its beginning")
def reserved_name(c):
    """A path that begins with aws: AccessDeniedException 400."""
    call = store(c).put_parameter
    c.refused("AccessDeniedException", 400, call, says="No access to reserved parameter name", Name="/aws/x", Value="x", Type="String")


@check("API PutParameter, Type: required for a new parameter")
def type_is_needed(c):
    """A new parameter without a type: ValidationException 400."""
    c.refused(*BAD, store(c).put_parameter, Name=path(c), Value="x")
