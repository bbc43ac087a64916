"""Secrets Manager."""

import uuid
from datetime import datetime, timezone

from judge import Group

check = Group("secrets")

GONE = ("ResourceNotFoundException", 400)
TAKEN = ("ResourceExistsException", 400)
BAD = ("InvalidParameterException", 400)
STATE = ("InvalidRequestException", 400)


def manager(c):
    return c.aws("secretsmanager")


def secret(c, **more) -> dict:
    made = manager(c).create_secret(**{"Name": c.name("secret"), "SecretString": "one", **more})
    c.defer(manager(c).delete_secret, SecretId=made["ARN"], ForceDeleteWithoutRecovery=True)
    return made


def value(c, name: str, **more) -> str:
    return manager(c).get_secret_value(SecretId=name, **more)["SecretString"]


def stages(c, name: str) -> dict:
    """Version id to its stages, of versions that have any."""
    versions = manager(c).list_secret_version_ids(SecretId=name)["Versions"]
    return {item["VersionId"]: sorted(item["VersionStages"]) for item in versions if item.get("VersionStages")}


@check("API CreateSecret, GetSecretValue")
def secret_is_made_and_got(c):
    """A secret's ARN ends in six random characters; its value is AWSCURRENT."""
    name = c.name("secret")
    made = secret(c, Name=name, Description="for tests")
    c.matches("ARN", made["ARN"], f"^arn:aws:secretsmanager:{c.region}:{c.account}:secret:{name}-[A-Za-z0-9]{{6}}$")
    seen = manager(c).get_secret_value(SecretId=name)
    expected = {"ARN": made["ARN"], "Name": name, "VersionId": made["VersionId"], "SecretString": "one"}
    c.has("value", seen, {**expected, "VersionStages": ["AWSCURRENT"]})
    described = manager(c).describe_secret(SecretId=name)
    c.has(
        "description",
        described,
        {"Description": "for tests", "VersionIdsToStages": {made["VersionId"]: ["AWSCURRENT"]}},
    )


@check("API GetSecretValue, SecretId: ARN or name")
def secret_has_several_names(c):
    """A secret is found by name, by ARN, and by ARN without the six characters."""
    made = secret(c)
    for form in (made["Name"], made["ARN"], made["ARN"][:-7]):
        c.equal(f"value by {form}", value(c, form), "one")


@check("API CreateSecret, ResourceExistsException")
def secret_again_exists(c):
    """A name that is taken: ResourceExistsException 400."""
    name = secret(c)["Name"]
    c.refused(*TAKEN, manager(c).create_secret, says="already exists", Name=name, SecretString="two")


@check("recorded: test_invalid_secret_name")
def secret_name_that_is_none(c):
    """A name with a space or a star: ValidationException 400."""
    for name in ("Inv Name", "Inv*Name"):
        c.refused("ValidationException", 400, secret, says="Invalid name", c=c, Name=name)


@check("recorded: test_secret_not_found")
def secret_missing(c):
    """A secret that is not there: ResourceNotFoundException 400."""
    client, name = manager(c), c.name("none")
    says = "Secrets Manager can't find the specified secret"
    for call, more in (
        (client.get_secret_value, {}),
        (client.describe_secret, {}),
        (client.put_secret_value, {"SecretString": "x"}),
        (client.update_secret, {"Description": "x"}),
        (client.list_secret_version_ids, {}),
        (client.tag_resource, {"Tags": [{"Key": "a", "Value": "b"}]}),
        (client.delete_secret, {}),
    ):
        c.refused(*GONE, call, says=says, SecretId=name, **more)


@check("API DeleteSecret, ForceDeleteWithoutRecovery: a missing secret is no error")
def secret_missing_can_be_forced_away(c):
    """Deleting with force a secret that is not there is no error."""
    name = c.name("none")
    answer = manager(c).delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    c.equal("Name", answer.get("Name"), name)


@check("API CreateSecret: a secret without value")
def secret_without_value(c):
    """A secret can be made without value; getting it: ResourceNotFoundException that names the stage."""
    made = manager(c).create_secret(Name=c.name("secret"))
    c.defer(manager(c).delete_secret, SecretId=made["ARN"], ForceDeleteWithoutRecovery=True)
    says = "can't find the specified secret value for staging label: AWSCURRENT"
    c.refused(*GONE, manager(c).get_secret_value, says=says, SecretId=made["ARN"])


@check("API CreateSecret, SecretBinary")
def secret_of_bytes(c):
    """A secret can be bytes, and then has no SecretString."""
    made = manager(c).create_secret(Name=c.name("secret"), SecretBinary=b"\x00\xff")
    c.defer(manager(c).delete_secret, SecretId=made["ARN"], ForceDeleteWithoutRecovery=True)
    seen = manager(c).get_secret_value(SecretId=made["ARN"])
    c.equal("SecretBinary", seen["SecretBinary"], b"\x00\xff")
    c.true("no SecretString", "SecretString" not in seen)


@check("API CreateSecret: SecretString or SecretBinary, not both")
def secret_of_both_is_refused(c):
    """Text and bytes at once: InvalidParameterException 400."""
    c.refused(*BAD, secret, c=c, SecretBinary=b"x")


@check("API PutSecretValue: AWSCURRENT moves, AWSPREVIOUS follows")
def value_is_put(c):
    """A new value is AWSCURRENT, the one before AWSPREVIOUS, and older ones have no stage."""
    made = secret(c)
    name, first = made["Name"], made["VersionId"]
    second = manager(c).put_secret_value(SecretId=name, SecretString="two")["VersionId"]
    c.equal("stages", stages(c, name), {first: ["AWSPREVIOUS"], second: ["AWSCURRENT"]})
    third = manager(c).put_secret_value(SecretId=name, SecretString="three")["VersionId"]
    c.equal("stages", stages(c, name), {second: ["AWSPREVIOUS"], third: ["AWSCURRENT"]})
    c.equal("current", value(c, name), "three")
    c.equal("previous", value(c, name, VersionStage="AWSPREVIOUS"), "two")
    c.equal("by id", value(c, name, VersionId=second), "two")


@check("recorded: test_get_secret_value_errors")
def value_missing(c):
    """No AWSPREVIOUS: ResourceNotFoundException; an id and a stage that do not agree: InvalidRequestException."""
    made = secret(c)
    call = manager(c).get_secret_value
    says = "staging label: AWSPREVIOUS"
    c.refused(*GONE, call, says=says, SecretId=made["Name"], VersionStage="AWSPREVIOUS")
    manager(c).put_secret_value(SecretId=made["Name"], SecretString="two")
    both = {"VersionId": made["VersionId"], "VersionStage": "AWSCURRENT"}
    c.refused(*STATE, call, says="not associated", SecretId=made["Name"], **both)


@check("API PutSecretValue, ClientRequestToken: idempotent")
def value_put_twice_with_a_token(c):
    """The same token with the same value makes one version; with another value it is refused."""
    name, token = secret(c)["Name"], str(uuid.uuid4())
    for _ in range(2):
        made = manager(c).put_secret_value(SecretId=name, SecretString="two", ClientRequestToken=token)
        c.equal("VersionId", made["VersionId"], token)
    c.equal("versions", len(stages(c, name)), 2)
    call = manager(c).put_secret_value
    c.refused(*TAKEN, call, SecretId=name, SecretString="three", ClientRequestToken=token)
    c.equal("value", value(c, name), "two")


@check("API PutSecretValue, VersionStages")
def value_put_under_a_stage(c):
    """A value put under a stage of one's own leaves AWSCURRENT where it is."""
    made = secret(c)
    new = manager(c).put_secret_value(SecretId=made["Name"], SecretString="two", VersionStages=["NEXT"])["VersionId"]
    c.equal("stages", stages(c, made["Name"]), {made["VersionId"]: ["AWSCURRENT"], new: ["NEXT"]})
    c.equal("next", value(c, made["Name"], VersionStage="NEXT"), "two")


@check("API UpdateSecretVersionStage")
def stage_is_moved(c):
    """Moving AWSCURRENT back makes the version that had it AWSPREVIOUS."""
    made = secret(c)
    name, first = made["Name"], made["VersionId"]
    second = manager(c).put_secret_value(SecretId=name, SecretString="two")["VersionId"]
    arguments = {"VersionStage": "AWSCURRENT", "MoveToVersionId": first, "RemoveFromVersionId": second}
    manager(c).update_secret_version_stage(SecretId=name, **arguments)
    c.equal("stages", stages(c, name), {first: ["AWSCURRENT"], second: ["AWSPREVIOUS"]})
    c.equal("value", value(c, name), "one")


@check("API UpdateSecretVersionStage: RemoveFromVersionId must be given")
def stage_has_to_be_taken_from_somewhere(c):
    """Moving a stage without saying from which version: InvalidParameterException 400."""
    made = secret(c)
    manager(c).put_secret_value(SecretId=made["Name"], SecretString="two")
    arguments = {"VersionStage": "AWSCURRENT", "MoveToVersionId": made["VersionId"]}
    c.refused(*BAD, manager(c).update_secret_version_stage, SecretId=made["Name"], **arguments)


@check("API UpdateSecret")
def secret_is_updated(c):
    """UpdateSecret changes the description, also to nothing, and makes a version only for a new value."""
    made = secret(c, Description="before")
    client, name = manager(c), made["Name"]
    client.update_secret(SecretId=name, Description="after")
    c.equal("description", client.describe_secret(SecretId=name)["Description"], "after")
    c.equal("versions", stages(c, name), {made["VersionId"]: ["AWSCURRENT"]})
    client.update_secret(SecretId=name, SecretString="two")
    c.equal("value", value(c, name), "two")
    client.update_secret(SecretId=name, Description="")
    c.true("no description", not client.describe_secret(SecretId=name).get("Description"))


@check("API DeleteSecret: 30 days by default")
def secret_is_scheduled_for_deletion(c):
    """DeleteSecret sets a date 30 days away, or as many as asked for, and the secret is closed."""
    client, made = manager(c), secret(c)
    answer = client.delete_secret(SecretId=made["Name"])
    days = (answer["DeletionDate"] - datetime.now(timezone.utc)).total_seconds() / 86400
    c.true("about 30 days", 29 < days < 31, days)
    says = "marked for deletion"
    c.refused(*STATE, client.get_secret_value, says=says, SecretId=made["Name"])
    c.refused(*STATE, client.put_secret_value, says=says, SecretId=made["Name"], SecretString="x")
    tags = [{"Key": "a", "Value": "b"}]
    c.refused(*STATE, client.tag_resource, says=says, SecretId=made["Name"], Tags=tags)
    c.true("DeletedDate", client.describe_secret(SecretId=made["Name"]).get("DeletedDate"))


@check("recorded: test_exp_raised_on_creation_of_secret_scheduled_for_deletion")
def secret_scheduled_for_deletion_keeps_its_name(c):
    """While a secret waits for its deletion, its name cannot be used: InvalidRequestException 400."""
    name = secret(c)["Name"]
    manager(c).delete_secret(SecretId=name, RecoveryWindowInDays=7)
    says = "already scheduled for deletion"
    c.refused(*STATE, manager(c).create_secret, says=says, Name=name, SecretString="x")


@check("API RestoreSecret")
def secret_is_restored(c):
    """RestoreSecret brings the secret back with its value."""
    client, made = manager(c), secret(c)
    client.delete_secret(SecretId=made["Name"])
    c.equal("Name", client.restore_secret(SecretId=made["Name"])["Name"], made["Name"])
    c.equal("value", value(c, made["Name"]), "one")
    c.true("no DeletedDate", "DeletedDate" not in client.describe_secret(SecretId=made["Name"]))


@check("API DeleteSecret, ForceDeleteWithoutRecovery")
def secret_is_deleted_at_once(c):
    """With force a secret is gone at once and its name free."""
    client, made = manager(c), secret(c)
    client.delete_secret(SecretId=made["Name"], ForceDeleteWithoutRecovery=True)

    def gone():
        try:
            client.describe_secret(SecretId=made["Name"])
        except client.exceptions.ResourceNotFoundException:
            return True
        return False

    c.eventually("not found", gone, 0.5 if c.world.endpoint else 30)
    again = secret(c, Name=made["Name"], SecretString="two")
    c.true("another ARN", again["ARN"] != made["ARN"])
    c.equal("value", value(c, made["Name"]), "two")


@check.each(
    {"6 days": {"RecoveryWindowInDays": 6}, "31 days": {"RecoveryWindowInDays": 31}},
    "API DeleteSecret, RecoveryWindowInDays: 7 to 30",
)
def deletion_refuses(c, changed):
    """A recovery window of {case} is refused: InvalidParameterException 400."""
    c.refused(*BAD, c.raw("secretsmanager").delete_secret, SecretId=secret(c)["Name"], **changed)


@check("API DeleteSecret: force and a window exclude each other")
def deletion_with_force_and_window_is_refused(c):
    """Force and a recovery window at once: InvalidParameterException 400."""
    both = {"RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": True}
    c.refused(*BAD, manager(c).delete_secret, SecretId=secret(c)["Name"], **both)


@check("API TagResource, UntagResource")
def secret_tags(c):
    """Tags from creation and later are in DescribeSecret; UntagResource removes them."""
    client, name = manager(c), secret(c, Tags=[{"Key": "a", "Value": "1"}])["Name"]
    client.tag_resource(SecretId=name, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
    expected = [{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}]
    c.same("tags", client.describe_secret(SecretId=name)["Tags"], expected)
    client.untag_resource(SecretId=name, TagKeys=["a"])
    c.same("tags", client.describe_secret(SecretId=name)["Tags"], expected[1:])


@check("API ListSecrets, Filters and IncludePlannedDeletion")
def secrets_are_listed(c):
    """ListSecrets finds by name's beginning and tag, pages, and shows deleted ones only when asked."""
    client, prefix = manager(c), c.name("list")
    names = [secret(c, Name=f"{prefix}-{n}", Tags=[{"Key": prefix, "Value": str(n)}])["Name"] for n in range(3)]
    client.delete_secret(SecretId=names[2])

    def listed(key, text, **more):
        pages = client.get_paginator("list_secrets").paginate(
            Filters=[{"Key": key, "Values": [text]}], PaginationConfig={"PageSize": 1}, **more
        )
        return [item["Name"] for page in pages for item in page["SecretList"]]

    c.eventually("both by name", lambda: sorted(listed("name", prefix)) == names[:2], 1 if c.world.endpoint else 30)
    c.same("by tag", listed("tag-key", prefix), names[:2])
    c.same("with deleted ones", listed("name", prefix, IncludePlannedDeletion=True), names)


@check("API GetRandomPassword")
def random_password(c):
    """GetRandomPassword has the length asked for and leaves out what it is told to."""
    seen = manager(c).get_random_password(PasswordLength=40, ExcludePunctuation=True, ExcludeCharacters="abc")
    c.matches("password", seen["RandomPassword"], "^[A-Zd-z0-9]{40}$")
