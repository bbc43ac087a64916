"""STS: who one is, and being somebody else."""

import json
from datetime import datetime, timezone

from judge import Group

check = Group("sts")


def role(c, principal: dict) -> dict:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return c.make_role(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def own(c) -> dict:
    """A role that our account may assume."""
    return role(c, {"AWS": f"arn:aws:iam::{c.account}:root"})


@check("API GetCallerIdentity")
def caller_identity(c):
    """GetCallerIdentity gives a twelve-digit account, an ARN in it, and a user id."""
    seen = c.aws("sts").get_caller_identity()
    c.matches("Account", seen["Account"], r"^\d{12}$")
    c.matches("Arn", seen["Arn"], f"^arn:aws:(iam|sts)::{seen['Account']}:")
    c.true("UserId", seen["UserId"], seen)


@check("API AssumeRole")
def assume_role_gives_credentials(c):
    """AssumeRole gives temporary credentials and the session's ARN."""
    made = own(c)
    seen = c.aws("sts").assume_role(RoleArn=made["Arn"], RoleSessionName="session")
    c.matches("AccessKeyId", seen["Credentials"]["AccessKeyId"], "^ASIA")
    c.true("SessionToken", seen["Credentials"]["SessionToken"])
    expected = f"arn:aws:sts::{c.account}:assumed-role/{made['RoleName']}/session"
    c.equal("Arn", seen["AssumedRoleUser"]["Arn"], expected)
    c.equal("AssumedRoleId", seen["AssumedRoleUser"]["AssumedRoleId"], f"{made['RoleId']}:session")
    left = (seen["Credentials"]["Expiration"] - datetime.now(timezone.utc)).total_seconds()
    c.true("about an hour to use them", 3300 < left < 3900, left)


@check("API GetCallerIdentity, of an assumed role")
def assumed_role_is_the_caller(c):
    """With a role's credentials, GetCallerIdentity answers with the session."""
    made = own(c)
    seen = c.aws("sts").assume_role(RoleArn=made["Arn"], RoleSessionName="session")
    keys = seen["Credentials"]
    client = c.world.client(
        "sts",
        credentials={
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys["SessionToken"],
        },
    )
    c.equal("Arn", client.get_caller_identity()["Arn"], seen["AssumedRoleUser"]["Arn"])


@check("API AssumeRole, AccessDenied")
def assume_missing_role_is_denied(c):
    """Assuming a role that is not there: AccessDenied 403."""
    arn = f"arn:aws:iam::{c.account}:role/{c.name('none')}"
    c.refused(
        "AccessDenied", 403, c.aws("sts").assume_role, says="sts:AssumeRole", RoleArn=arn, RoleSessionName="session"
    )


@check("guide, How IAM roles trust")
def assume_untrusting_role_is_denied(c):
    """Assuming a role that trusts only a service: AccessDenied 403."""
    arn = role(c, {"Service": "lambda.amazonaws.com"})["Arn"]
    c.refused("AccessDenied", 403, c.aws("sts").assume_role, RoleArn=arn, RoleSessionName="session")


BAD = {
    "a session name with a space": {"RoleSessionName": "two words"},
    "a duration below 15 minutes": {"DurationSeconds": 899},
    "a duration over the role's": {"DurationSeconds": 3601},
}


@check.each(BAD, "model AssumeRole: patterns and ranges; API AssumeRole, DurationSeconds")
def assume_role_refuses(c, changed):
    """AssumeRole refuses {case}: ValidationError 400."""
    arguments = {"RoleArn": own(c)["Arn"], "RoleSessionName": "session", **changed}
    c.refused("ValidationError", 400, c.raw("sts").assume_role, **arguments)
